"""New passwords: of some length, and none that is known from breaches.

NIST SP 800-63B (5.1.1.2, in its fourth revision 3.1.1.2) asks for both and for nothing else: no
rules about digits and signs. What is compared with is a file of SHA-1 hashes in their order, a line
each, as `haveibeenpwned` gives it out: `0018A45C4D1DEF81644B54AB7F969B88D65A1F4A:3`. It has tens of
gigabytes, so it is searched by halves where it lies, and nothing of a password leaves the machine.
"""

import asyncio
import hashlib
from pathlib import Path
from typing import BinaryIO

import structlog

from app.auth.passwords import PasswordError, expect_length, hash_anew
from app.settings import Settings

log = structlog.get_logger("abokonto.passwords")

_HASH_CHARACTERS = 40


class BreachedPasswordError(PasswordError):
    """The password is in a list of those that attackers try first."""


class NewPasswords:
    """Hashes passwords that somebody has chosen."""

    def __init__(self, settings: Settings) -> None:
        self._breached = settings.breached_passwords_file

    async def hash(self, password: str) -> str:
        """The hash to store.

        Raises:
            PasswordError: The password is too short or too long.
            BreachedPasswordError: It is in the list of those known from breaches.
        """
        expect_length(password)
        if self._breached is not None and await _is_breached(self._breached, password):
            raise BreachedPasswordError(
                "This password is known from breaches of other services: choose another one."
            )
        return await hash_anew(password)


async def _is_breached(path: Path, password: str) -> bool:
    """Whether a file has a password's hash; a file that can't be read has none, and that is told.

    Nobody should be kept from changing a password because a disk is broken.
    """
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    try:
        return await asyncio.to_thread(_has_line, path, wanted)
    except OSError as error:
        log.warning("breached_passwords_unread", kind=type(error).__name__)
        return False


def _has_line(path: Path, wanted: bytes) -> bool:
    """Whether a line of a file of sorted lines begins with a hash."""
    with path.open("rb") as file:
        first, end = 0, file.seek(0, 2)
        # The line, if there is one, begins at `first` or behind it, and before `end`.
        while first < end:
            middle = (first + end) // 2
            begins = _next_line(file, middle)
            if begins >= end:
                end = middle
                continue
            found = file.readline()[:_HASH_CHARACTERS].upper()
            if found == wanted:
                return True
            if found < wanted:
                first = file.tell()
            else:
                end = middle
    return False


def _next_line(file: BinaryIO, at: int) -> int:
    """Go to the first line that begins at a place of a file or behind it."""
    if at == 0:
        return file.seek(0)
    file.seek(at - 1)
    file.readline()
    return file.tell()
