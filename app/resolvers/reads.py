"""The ways in which a field can be read; `app.resolvers.fields` declares fields with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from app.auth.permissions import Permission
from app.models.base import TenantRow

if TYPE_CHECKING:
    from app.context import Caller, CallerContext
    from app.database import Principal
    from app.errors import ApiError

Columns = ReadOnlyColumnCollection[str, ColumnElement[Any]]
SqlExpression = Callable[[Columns], ColumnElement[Any]]
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class RecordType:
    """What a GraphQL object type says about the table behind it."""

    name: str
    model: type[TenantRow]
    needs: Permission
    default_order: str
    """The field that pages are ordered by unless the client says otherwise; `-` is descending."""


def record_of(origin: type) -> RecordType | None:
    """The declaration of a GraphQL type's class, or None when no table is behind it."""
    found: RecordType | None = origin.__dict__.get("__record__")
    return found


@dataclass(frozen=True, eq=False)
class Column:
    """A column of the record's table; `name` is the field's own name unless given."""

    name: str | None = None


@dataclass(frozen=True, eq=False)
class Expression:
    """SQL over the columns of the record's table."""

    sql: SqlExpression


@dataclass(frozen=True, eq=False)
class GlobalId:
    """The opaque id that names the record's type and key."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """An object whose fields are columns of the same row.

    `columns` maps the object's fields to columns, or SQL over them. With `document` they are the
    keys of a JSON column instead, and with neither the object's type declares its own reads over
    the row. Where the column `null_when_null` is null, or `null_unless` is not true, there is no
    object. Filters and sorting look at the column `compared_by`.
    """

    columns: Mapping[str, str | SqlExpression] | None = None
    document: str | None = None
    null_when_null: str | None = None
    null_unless: str | None = None
    compared_by: str | None = None


@dataclass(frozen=True, eq=False)
class One:
    """The row whose key stands in `foreign_key`, or (`inverse`) the row that points here."""

    foreign_key: str
    inverse: bool = False


@dataclass(frozen=True, eq=False)
class Many:
    """The rows that point here with `foreign_key`, ordered by `order`; lists are short.

    With `through`, the rows of that table point here, and with `through_key` at those listed.
    """

    foreign_key: str
    order: str
    through: type[TenantRow] | None = None
    through_key: str = ""


@dataclass(frozen=True, eq=False)
class Search:
    """How a list is searched: a user's text is made into terms, and these into a condition.

    `terms` raises `ApiError` BAD_REQUEST for a text that nothing can be looked for by.
    `condition` gets the terms as an array; all of them must be found. Where they are looked for
    in several sources, `sources` names those that the caller may look in, and it gets them too.
    """

    description: str
    terms: Callable[["Caller", str], tuple[str, ...]]
    condition: Callable[[Columns, ColumnElement[Any], ColumnElement[Any]], ColumnElement[bool]]
    sources: Callable[["Caller"], tuple[int, ...]] = lambda _caller: ()


@dataclass(frozen=True, eq=False)
class Tab:
    """A connection to the rows that point here with a foreign key, or to all of the tenant's.

    `total` counts all rows where counting them one by one would be slow; it is asked only when
    nothing is filtered or searched. `only` leaves rows out that no list shows.
    """

    foreign_keys: tuple[str, ...]
    search: Search | None = None
    total: Callable[[], ColumnElement[int]] | None = None
    only: Callable[[Columns], ColumnElement[bool]] | None = None


@dataclass(frozen=True, eq=False)
class Python:
    """A value computed from the row's columns, and SQL over them, that `requires` names.

    `compute` finds each of them in the row as `_name`. It gives what JSON shows, objects as
    dictionaries by the names of their fields in Python, or an awaitable of it.
    """

    requires: tuple[str, ...] | Mapping[str, SqlExpression]
    compute: Callable[["CallerContext", Row], Any]

    def columns(self, t: Columns) -> dict[str, ColumnElement[Any]]:
        """What is required, by the names that `compute` finds it under."""
        if isinstance(self.requires, tuple):
            return {f"_{name}": t[name] for name in self.requires}
        return {f"_{name}": sql(t) for name, sql in self.requires.items()}


@dataclass(frozen=True)
class Key:
    """What names a record: its type, and a unique column of it (None is the id) with its value."""

    record: RecordType
    column: str | None
    value: Any


@dataclass(frozen=True, eq=False)
class Lookup:
    """A record that the arguments name; `missing` is what is said when there is none."""

    find: Callable[[Mapping[str, Any]], Key]
    missing: str


@dataclass(frozen=True, eq=False)
class Followed(Lookup):
    """A record that a subscription follows: it is read at once and again after each change.

    `over` says, over the record's columns, that no change is to come. The record's table tells of
    changes by a trigger, which `app.migrations.changes` makes.
    """

    over: SqlExpression


@dataclass(frozen=True, eq=False)
class Lookups:
    """Records that the arguments name, in order; at the place of what names none is an error."""

    find: Callable[[Mapping[str, Any]], "list[Key | ApiError]"]
    missing: str


@dataclass(frozen=True)
class Inquired:
    """What an inquiry is about: a record, and values by the names of their parameters."""

    key: Key
    values: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Inquiry:
    """An object that SQL works out for the record that the arguments name.

    `sql` gives one row with the object's fields by their names in Python, over the columns of the
    record and the parameters that it asks for by name; `missing` is said when there is no record.
    """

    find: Callable[[Mapping[str, Any]], Inquired]
    sql: Callable[[Columns, Callable[[str], ColumnElement[Any]]], Select[Any]]
    missing: str


@dataclass(frozen=True, eq=False)
class OfCaller:
    """An object that says who asks; nothing is read for it."""

    compute: Callable[["Principal"], Row]


Read = (
    Column
    | Expression
    | GlobalId
    | Embedded
    | One
    | Many
    | Tab
    | Python
    | Lookup
    | Lookups
    | Inquiry
    | OfCaller
)
