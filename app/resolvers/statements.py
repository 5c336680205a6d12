"""Statements built once and kept, since building one costs more than running it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from weakref import WeakValueDictionary

from sqlalchemy import Executable

from app.database import Statement

MOST_BYTES = 32 * 1024 * 1024
"""How many bytes of SQL a worker keeps; the account page takes 30 thousand."""


class Structure:
    """A large key, whose hash is worked out once."""

    __slots__ = ("__weakref__", "_hash", "_value")

    def __init__(self, value: Hashable) -> None:
        self._value = value
        self._hash = hash(value)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Structure) and self._value == other._value)


class StatementCache:
    """A worker's statements, by what their SQL depends on.

    The statements of all documents share one bound, so that many documents with many kinds of
    filters and cursors cannot fill the memory. The one not used for longest makes room.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._known: OrderedDict[Hashable, Statement] = OrderedDict()
        self._shared: WeakValueDictionary[Structure, Structure] = WeakValueDictionary()

    @property
    def size(self) -> int:
        """How many bytes of SQL are kept."""
        return self._bytes

    def shared(self, structure: Hashable) -> Structure:
        """A key that is one and the same object for all documents that ask for the same."""
        key = Structure(structure)
        return self._shared.setdefault(key, key)

    def get(self, key: Hashable, build: Callable[[], Executable]) -> Statement:
        """A kept statement, or one built now."""
        statement = self._known.get(key)
        if statement is not None:
            self._known.move_to_end(key)
            return statement
        statement = self._known[key] = Statement.of(build())
        self._bytes += len(statement.sql)
        while self._bytes > self._most and len(self._known) > 1:
            _key, oldest = self._known.popitem(last=False)
            self._bytes -= len(oldest.sql)
        return statement
