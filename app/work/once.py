"""What is looked up once in a transaction, however many records it is needed for."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from app.work.unit import Work

Found = TypeVar("Found")


async def once(work: Work, key: Hashable, find: Callable[[], Awaitable[Found]]) -> Found:
    """What `find` gave the first time in this transaction under this key.

    Meant for what the transaction does not change itself: rates, profiles, products.
    """
    known: dict[Hashable, Any] = work.session.info.setdefault("once", {})
    if key not in known:
        known[key] = await find()
    found: Found = known[key]
    return found
