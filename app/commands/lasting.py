"""What a process makes at its start lasts as long as it does, and is never garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting() -> Iterator[None]:
    """Make something that lasts: the collector does not look at it, now or later.

    A start makes a million objects, mostly the schema and what is imported. Looking for garbage
    among them again and again takes a third of its time, and would take some of each request's.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
