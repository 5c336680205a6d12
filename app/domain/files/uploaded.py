"""A file as a client sent it, before anything is known of it."""

from dataclasses import dataclass

MOST_FILE_BYTES = 800_000
"""How large a file may be: what the product promises, and the database holds it to."""


@dataclass(frozen=True, slots=True, repr=False)
class UploadedFile:
    """What came in. Its name and type are the client's word; nothing of it has been checked.

    It has no text form, because a name may tell of a person and texts end up in logs.
    """

    name: str
    content_type: str
    content: bytes
    """All of it, or nothing where it is too large: what is refused anyway isn't kept."""
    size_bytes: int
    """How many bytes came, also of one that is too large."""

    @property
    def is_too_large(self) -> bool:
        """Whether it has more bytes than a file may have."""
        return self.size_bytes > MOST_FILE_BYTES
