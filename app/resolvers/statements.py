"""What is worked out once and kept: statements, which cost more to build than to run, and pages."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from weakref import WeakValueDictionary, ref

from sqlalchemy import Executable

from app.database import Statement
from app.resolvers.pages import Page
from app.resolvers.selection import Place

MOST_BYTES = 32 * 1024 * 1024
"""How many bytes a worker keeps; the account page's statement takes 40 thousand."""

MOST_PAGES = 10_000
"""How many pages a worker keeps."""

LONGEST_ARGUMENTS = 1_000
"""How many bytes the values of a page's arguments may have, for it to be kept."""

_OVERHEAD = 3.5
"""How many bytes a statement takes for each of its SQL, its key and parameters included."""


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
        """About how many bytes are kept."""
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
        self._bytes += _size(statement)
        while self._bytes > self._most and len(self._known) > 1:
            _key, oldest = self._known.popitem(last=False)
            self._bytes -= _size(oldest)
        return statement


def _size(statement: Statement) -> int:
    return int(_OVERHEAD * len(statement.sql))


class PageCache:
    """A worker's pages, checked once for the same arguments at the same place of a document.

    Arguments that are long, as filters may be, are checked each time.
    """

    def __init__(self, most: int = MOST_PAGES) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, Page] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, place: Place, values: tuple[bytes | None, ...], make: Callable[[], Page]) -> Page:
        """A kept page, or one made now; `values` are those of the variables in its arguments."""
        # A place holds its whole document, which others may have forgotten already.
        key = (ref(place), values)
        page = self._known.get(key)
        if page is not None:
            self._known.move_to_end(key)
            return page
        page = make()
        if sum(map(len, filter(None, values))) <= LONGEST_ARGUMENTS:
            self._known[key] = page
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return page


class Kept:
    """What all operations of a worker share."""

    def __init__(self, statements: StatementCache) -> None:
        self.statements = statements
        self.pages = PageCache()
