"""Statements built once and kept, since building one costs more than running it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

from sqlalchemy import Executable

from app.database import Statement

MOST_BYTES = 32 * 1024 * 1024
"""How many bytes of SQL a worker keeps; the account page takes 30 thousand."""


class StatementCache:
    """A worker's statements, by who needs them and what their SQL depends on.

    The statements of all documents share one bound, so that many documents with many kinds of
    filters and cursors cannot fill the memory. The one not used for longest makes room.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._known: OrderedDict[Hashable, Statement] = OrderedDict()

    @property
    def size(self) -> int:
        """How many bytes of SQL are kept."""
        return self._bytes

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
