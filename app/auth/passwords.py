"""Passwords, hashed with Argon2id in threads, because a hash keeps a core busy for 30 ms.

Few are hashed at once: each takes 19 MiB, and whoever floods the login must leave some of the
machine to others.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 1024

MOST_AT_ONCE = 4
"""How many passwords a worker hashes at the same time; others wait."""

# At least what OWASP asks for: 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

Result = TypeVar("Result")


class PasswordError(ValueError):
    """The password can't be used; the message says why."""


async def hash_password(password: str) -> str:
    """The hash to store, with its own salt and parameters in it.

    Raises:
        PasswordError: The password is too short, or long enough to keep the server busy.
    """
    expect_length(password)
    return await hash_anew(password)


def expect_length(password: str) -> None:
    """See that a new password is of use.

    Raises:
        PasswordError: It is too short, or long enough to keep the server busy.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordError(f"A password has {SHORTEST} to {LONGEST} characters.")


async def hash_anew(password: str) -> str:
    """The hash to store of a password that was shown to be right, however short it was chosen."""
    return await _in_thread(lambda: _hasher.hash(password))


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether a password is the one that was stored.

    Where there is nobody, or nobody with a password, `stored` is None: that takes as long as a
    wrong password does, so that the time tells nothing.
    """
    known = stored is not None and len(password) <= LONGEST

    def compare() -> bool:
        nobodys = _nobodys()
        return _matches(stored if known and stored else nobodys, password[:LONGEST])

    return await _in_thread(compare) and known


def needs_rehash(stored: str) -> bool:
    """Whether a stored hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


async def _in_thread(work: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="passwords")


@cache
def _nobodys() -> str:
    """A hash of no password that anybody has, with today's parameters."""
    return _hasher.hash("")


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
