"""How a GraphQL field is read, declared once, on the field.

A field of a record says one of these, and whoever answers a query follows it:

- `column`: a column of the record's table;
- `expression`: SQL over the record's columns (a masked IBAN, a derived status, a count);
- `embedded`: an object made of the same row's columns (money, an actor, the counts);
- `one` and `many`: the row another table holds for this one, or a short list of them;
- `tab`: a connection, paged, filtered and sorted;
- `python`: a value that Python computes from columns (a signed address).

Values arrive as PostgreSQL's JSON holds them, so every way of answering gives the same bytes.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

import strawberry
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info

from app.auth.permissions import Permission
from app.models.base import TenantRow
from app.resolvers.reads import (
    Column,
    Embedded,
    Expression,
    GlobalId,
    Many,
    One,
    Python,
    Read,
    Row,
    SqlExpression,
    Tab,
)

if TYPE_CHECKING:
    from app.context import Caller, CallerContext, RequestContext
    from app.resolvers.pages import Page


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    name="requires",
    description="The permission that a caller needs to read this.",
)
class Requires:
    """The schema directive that shows a field's permission."""

    permission: str


class ReadField(StrawberryField):
    """A Strawberry field that knows how it is read and which permission it needs."""

    read: Read | None = None
    needs: Permission | None = None
    filterable: bool = False
    sortable: bool = False
    public: bool = False
    """Whether anybody may ask for it, without a token. Of a request, it is all there is then."""

    long: bool = False
    """Whether a value may be thousands of characters long; an operation may ask for fewer."""

    @classmethod
    def declare(
        cls,
        read: Read | None,
        description: str,
        *,
        needs: Permission | None = None,
        filterable: bool = False,
        sortable: bool = False,
        deprecation_reason: str | None = None,
    ) -> Self:
        """Make a field; its permission is shown in the description and as a directive."""
        if needs is not None:
            description = f"{description} Needs the permission `{needs}`."
        field = cls(
            description=description,
            deprecation_reason=deprecation_reason,
            directives=() if needs is None else (Requires(permission=needs.value),),
        )
        field.read, field.needs = read, needs
        field.filterable, field.sortable = filterable, sortable
        return field

    def __copy__(self) -> Self:
        """Strawberry copies fields of generic types; the declaration goes with them."""
        copy = super().__copy__()
        copy.read, copy.needs = self.read, self.needs
        copy.filterable, copy.sortable = self.filterable, self.sortable
        copy.long, copy.public = self.long, self.public
        return copy

    @property
    def is_basic_field(self) -> bool:
        """Whether the value already stands in the row and anyone who sees the row may see it."""
        return (
            super().is_basic_field
            and self.needs is None
            and not isinstance(self.read, Python | Tab)
        )

    def get_result(
        self, source: Any, info: Info | None, args: list[Any], kwargs: Any
    ) -> Awaitable[Any] | Any:
        """Answer the field, after checking its permission.

        Raises:
            ApiError: FORBIDDEN when the caller lacks the permission.
        """
        if info is None or self.is_basic_field:
            return source[self.python_name]
        context: RequestContext = info.context
        if self.needs is not None:
            context.caller.require(self.needs)
        return self.answer(context, source, info, args, kwargs)

    def page(self, _caller: "Caller", _arguments: dict[str, Any]) -> "Page":
        """What a list is asked for; only fields that answer with a list know it."""
        raise TypeError(f"{self.python_name} has no pages.")

    def answer(
        self, context: "RequestContext", source: Any, info: Info, args: list[Any], kwargs: Any
    ) -> Awaitable[Any] | Any:
        """Give the value, the permission being there."""
        if self.base_resolver:
            return super().get_result(source, info, args, kwargs)
        if isinstance(self.read, Python):
            return self.read.compute(context, source)
        return source[self.python_name]


def global_id(description: str) -> Any:
    """The opaque id of a record."""
    return ReadField.declare(GlobalId(), description)


def column(
    description: str,
    *,
    of: str | None = None,
    where: bool = False,
    order: bool = False,
    needs: Permission | None = None,
    long: bool = False,
) -> Any:
    """A column of the record's table, named like the field or as `of` says.

    `where` lets clients filter by it, `order` lets them sort by it. `needs` is for columns that
    not everyone who sees the record may see, `long` for texts of thousands of characters.
    """
    field = ReadField.declare(
        Column(of), description, needs=needs, filterable=where, sortable=order
    )
    field.long = long
    return field


def expression(
    sql: SqlExpression,
    description: str,
    *,
    where: bool = False,
    order: bool = False,
    needs: Permission | None = None,
) -> Any:
    """SQL over the record's columns: `expression(lambda t: t.total - t.paid, "What is open.")`."""
    return ReadField.declare(
        Expression(sql), description, needs=needs, filterable=where, sortable=order
    )


def embedded(
    description: str,
    columns: Mapping[str, str | SqlExpression] | None = None,
    *,
    document: str | None = None,
    null_when_null: str | None = None,
    null_unless: str | None = None,
    compared_by: str | None = None,
) -> Any:
    """An object made of the same row's columns; see `Embedded`."""
    return ReadField.declare(
        Embedded(columns, document, null_when_null, null_unless, compared_by),
        description,
        filterable=compared_by is not None,
        sortable=compared_by is not None,
    )


def part(description: str, *, needs: Permission | None = None) -> Any:
    """A field of an object that is embedded; where it is embedded says which column it is."""
    return ReadField.declare(Column(), description, needs=needs)


def one(
    foreign_key: str,
    description: str,
    *,
    needs: Permission | None = None,
    inverse: bool = False,
) -> Any:
    """A linked record. `needs` is the linked record's permission unless the parent's covers it."""
    return ReadField.declare(One(foreign_key, inverse), description, needs=needs)


def many(
    foreign_key: str,
    description: str,
    *,
    order: str = "id",
    through: type[TenantRow] | None = None,
    through_key: str = "",
    needs: Permission | None = None,
) -> Any:
    """A short list of rows that belong to this one, such as the items of an invoice."""
    return ReadField.declare(
        Many(foreign_key, order, through, through_key), description, needs=needs
    )


def python(
    requires: tuple[str, ...] | Mapping[str, SqlExpression],
    compute: Callable[["CallerContext", Row], Any],
    description: str,
    *,
    needs: Permission | None = None,
) -> Any:
    """A value that Python computes from columns of the record; see `Python`."""
    return ReadField.declare(Python(requires, compute), description, needs=needs)


def field(
    description: str, *, needs: Permission | None, read: Read | None = None
) -> Callable[[Callable[..., Any]], ReadField]:
    """A root field with a resolver of its own; `needs` has no default, None is said aloud.

    `read` says the same as the resolver, for operations that are answered without one.
    """

    def declare(resolver: Callable[..., Any]) -> ReadField:
        return ReadField.declare(read, description, needs=needs)(resolver)

    return declare
