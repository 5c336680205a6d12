"""Relay connections: the tabs of the account and the lists of the tenant."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import strawberry
from sqlalchemy import ColumnElement, all_, func
from strawberry import UNSET
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryOptional, get_object_definition
from strawberry.types.info import Info
from strawberry.types.lazy_type import LazyType

from app.auth.permissions import Permission
from app.context import Caller, RequestContext
from app.domain.search import MOST_TERMS
from app.resolvers.fields import ReadField, part
from app.resolvers.loaders import PageRead
from app.resolvers.pages import Page, fingerprint, page_result, page_size, position_of
from app.resolvers.reads import Columns, RecordType, Search, Tab, record_of
from app.resolvers.sql import KEY, constant
from app.schema.inputs import ListInputs, checked_text, conditions_of, list_inputs, order_of

Node = TypeVar("Node")

_LITERALLY = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
"""What LIKE would take for a pattern is meant as it stands."""

Total = Callable[[], ColumnElement[int]]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """The page's ends, and whether there is more beyond them (Relay cursor connections, 5.1)."""

    has_next_page: bool = part("Whether records follow this page.")
    has_previous_page: bool = part("Whether records precede this page.")
    start_cursor: str | None = part("The cursor of the first record; null on an empty page.")
    end_cursor: str | None = part("The cursor of the last record; null on an empty page.")


@strawberry.type(description="A record and its place in the list.")
class Edge(Generic[Node]):
    """A record with its cursor."""

    cursor: str = part(
        "The record's place, for `after` and `before`; "
        "valid only with the same order, filter and search."
    )
    node: Node = part("The record.")


@strawberry.type(description="A page of a list of records, and how many the list has.")
class Connection(Generic[Node]):
    """A page, its edges and the total."""

    nodes: list[Node] = part("The records of the page.")
    edges: list[Edge[Node]] = part("The same records with cursors.")
    page_info: PageInfo = part("Where the page lies in the list.")
    total_count: int = part(
        "How many records the list has on all pages, counted only when asked for."
    )


class TabField(ReadField):
    """A field that answers with a connection; its arguments follow from the type of its records."""

    _known_arguments: list[StrawberryArgument] | None = None

    @property
    def node_type(self) -> type:
        """The class of the records listed."""
        connection: Any = self.type
        if isinstance(connection, StrawberryOptional):
            connection = connection.of_type
        node = get_object_definition(connection, strict=True).type_var_map["Node"]
        if isinstance(node, LazyType):
            node = node.resolve_type()
        return node  # type: ignore[return-value]  # Connections are of object types.

    @property
    def record(self) -> RecordType:
        """The table behind the records listed."""
        record = record_of(self.node_type)
        if record is None:
            raise TypeError(f"{self.python_name} lists something that is no record.")
        return record

    @property
    def inputs(self) -> ListInputs:
        """What the list can be filtered and sorted by."""
        return list_inputs(self.node_type)

    @property
    def arguments(self) -> list[StrawberryArgument]:
        """Those of paging, `where` and `orderBy`, and `search` where there is one."""
        if self._known_arguments is None:
            self._known_arguments = self._make_arguments()
        return self._known_arguments

    @arguments.setter
    def arguments(self, _value: list[StrawberryArgument]) -> None:
        raise TypeError("The arguments of a list follow from its records.")

    def _make_arguments(self) -> list[StrawberryArgument]:
        arguments = [
            _argument("first", int, "How many records from the start, 1 to 100; default 20."),
            _argument("after", str, "Begin behind this cursor."),
            _argument("last", int, "How many records from the end, 1 to 100."),
            _argument("before", str, "End in front of this cursor."),
            _argument("where", self.inputs.where, "Which records the list holds."),
            _argument("order_by", self.inputs.order, "How the list is sorted."),
        ]
        if isinstance(self.read, Tab) and self.read.search is not None:
            arguments.append(_argument("search", str, self.read.search.description))
        return arguments

    def answer(
        self, context: RequestContext, source: Any, info: Info, args: list[Any], kwargs: Any
    ) -> Any:
        """Load the page together with everything else asked for in this tick."""
        del args  # All arguments have names.
        raw = info._raw_info  # noqa: SLF001  Strawberry offers no other way to the AST.
        place = tuple(map(id, raw.field_nodes))
        page = context.pages.get(place)
        if page is None:
            page = context.pages[place] = self.page(context.caller, kwargs)
        parent = source[KEY] if page.tab.foreign_keys else None
        return _load(context, PageRead(page, context.selections.page(raw), parent))

    def page(self, caller: Caller, arguments: dict[str, Any]) -> Page:
        """Check the arguments.

        Raises:
            ApiError: BAD_REQUEST when they contradict each other or are out of range.
        """
        tab, record, inputs = self.read, self.record, self.inputs
        if not isinstance(tab, Tab):
            raise TypeError("Only a tab has pages.")
        after, before = arguments.get("after"), arguments.get("before")
        first, last = arguments.get("first"), arguments.get("last")
        order = order_of(inputs, arguments.get("order_by"), record, caller)
        conditions = conditions_of(inputs, arguments.get("where"), caller)
        terms: tuple[str, ...] = ()
        sources: tuple[int, ...] = ()
        text = checked_text("search", arguments.get("search") or "").strip()
        if text and tab.search is not None:
            terms, sources = tab.search.terms(caller, text), tab.search.sources(caller)
        made_for = fingerprint(record, order, conditions, terms)
        cursor = after if after is not None else before
        return Page(
            record=record,
            tab=tab,
            order=order,
            conditions=conditions,
            terms=terms,
            sources=sources,
            size=page_size(first, last, after, before),
            backward=last is not None or before is not None,
            position=None if cursor is None else position_of(cursor, order, made_for),
            fingerprint=made_for,
        )


async def _load(context: RequestContext, read: PageRead) -> dict[str, Any]:
    return page_result(read.page, await context.loader.load(read))


def _argument(name: str, annotation: Any, description: str) -> StrawberryArgument:
    return StrawberryArgument(
        python_name=name,
        graphql_name=None,
        type_annotation=StrawberryAnnotation(annotation | None),
        default=UNSET,
        description=description,
    )


def tab(
    foreign_keys: str | tuple[str, ...],
    description: str,
    *,
    needs: Permission,
    search: Search | None = None,
    total: Total | None = None,
    only: Callable[[Columns], ColumnElement[bool]] | None = None,
) -> Any:
    """A list of records: those that point here with (one of) the foreign keys.

    With no foreign key it is the list of all of the tenant's records. See
    `app.resolvers.reads.Tab` for `search`, `total` and `only`.
    """
    keys = (foreign_keys,) if isinstance(foreign_keys, str) else foreign_keys
    return TabField.declare(Tab(keys, search, total, only), description, needs=needs)


def words_in(*columns: str) -> Search:
    """A search that finds rows in whose columns every word occurs, whatever its case.

    Words beyond the eighth are left aside, as on the overview: each is looked for in each row.
    """

    def terms(_caller: Caller, text: str) -> tuple[str, ...]:
        words = dict.fromkeys(text.lower().translate(_LITERALLY).split())
        return tuple(f"%{word}%" for word in words)[:MOST_TERMS]

    def condition(
        t: Columns, patterns: ColumnElement[Any], _sources: ColumnElement[Any]
    ) -> ColumnElement[bool]:
        text = func.lower(func.concat_ws(constant(" "), *(t[column] for column in columns)))
        return text.like(all_(patterns))

    return Search("Words or pieces of words, all of which must occur.", terms, condition)
