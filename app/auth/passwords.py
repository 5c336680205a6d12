"""Passwords, hashed with Argon2id in a thread, because a hash keeps a core busy for 30 ms."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 1024

# At least what OWASP asks for: 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class PasswordError(ValueError):
    """The password can't be used; the message says why."""


async def hash_password(password: str) -> str:
    """The hash to store, with its own salt and parameters in it.

    Raises:
        PasswordError: The password is too short, or long enough to keep the server busy.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordError(f"A password has {SHORTEST} to {LONGEST} characters.")
    return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(stored: str, password: str) -> bool:
    """Whether a password is the one that was stored."""
    if len(password) > LONGEST:
        return False
    return await asyncio.to_thread(_matches, stored, password)


def needs_rehash(stored: str) -> bool:
    """Whether a stored hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
