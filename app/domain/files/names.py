"""Names of files, made safe to keep, to show and to save under."""

import re
import unicodedata

_LONGEST_BYTES = 200
"""Below what file systems take, with room for what browsers add to a second copy."""

_LONGEST_EXTENSION = 10
_FALLBACK = "file"
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)
"""What Windows takes for a device, whatever the extension."""


def safe_name(name: str) -> str:
    """A file's name without folders and without what misleads or breaks.

    Control characters, and those that turn the direction of writing around to hide an extension,
    are taken out, and what file systems don't allow becomes an underscore. It is never empty, and
    its extension is the one it had.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    # Spaces of all kinds become plain ones; the rest of what can't be seen goes.
    last = "".join(" " if character.isspace() else character for character in last)
    last = "".join(character for character in last if character.isprintable())
    last = re.sub(r'[<>:"|?*]', "_", re.sub(" +", " ", last)).strip(" .")
    stem, dot, extension = last.rpartition(".")
    if not dot:
        stem, extension = last, ""
    elif len(extension) > _LONGEST_EXTENSION:
        stem, dot, extension = last, "", ""
    stem = _shortened(stem.rstrip(" ."), _LONGEST_BYTES - len(f"{dot}{extension}".encode()))
    if _RESERVED.match(f"{stem}."):
        stem = f"_{stem}"
    return f"{stem or _FALLBACK}{dot}{extension}"


def _shortened(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode("utf-8", "ignore").rstrip(" .")
