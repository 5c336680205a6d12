"""Statements built once and kept, since building one costs more than running it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

from sqlalchemy import Executable

from app.database import Statement

MOST_STATEMENTS = 32
"""How many statements a document keeps; which it needs depends on filters and cursors given."""


class StatementCache:
    """The statements of one document, by what their SQL depends on."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Statement] = OrderedDict()

    def get(self, structure: Hashable, build: Callable[[], Executable]) -> Statement:
        """A kept statement, or one built now; the one not used for longest makes room."""
        statement = self._known.get(structure)
        if statement is None:
            statement = self._known[structure] = Statement.of(build())
            if len(self._known) > MOST_STATEMENTS:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(structure)
        return statement
