"""A whole operation as one SQL statement, whose answer is sent as it is.

An operation is compiled when everything in it is columns and the caller may see all of it: then
one statement authenticates the caller, sets the tenant, and builds the response. Otherwise
graphql-core answers; which of the two is decided before anything is read, and never again after.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
import strawberry
from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.language import DocumentNode
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Executable,
    Integer,
    LargeBinary,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BindParameter
from strawberry.types.arguments import convert_arguments

from app.context import Caller
from app.database import Principal, Statement
from app.errors import ApiError, ErrorCode
from app.resolvers.fields import ReadField
from app.resolvers.finished import FinishedJson
from app.resolvers.outline import NotCompiled, Outliner, Root, truth_names, variable_names
from app.resolvers.pages import Page
from app.resolvers.reads import Key, Lookup, OfCaller
from app.resolvers.selection import Fragments, Place, Selected
from app.resolvers.sql import table_of, tenant, whole_row
from app.resolvers.statements import StatementCache

MOST_OUTLINES = 16
"""How many outlines an operation keeps: one for each set of permissions and of conditions."""

MOST_PAGES = 256
"""How many pages a place keeps: one for each set of arguments."""


@dataclass(frozen=True, eq=False)
class Outline:
    """All of an operation, for some permissions, conditions and types of records looked up."""

    roots: tuple[tuple[Root, Selected], ...]
    places: tuple[tuple[Place, tuple[str, ...]], ...]
    pages: dict[tuple[int, tuple[bytes | None, ...]], Page] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A statement, its parameters, and the fields that its columns answer."""

    statement: Statement
    parameters: dict[str, Any]
    roots: tuple[tuple[Root, Selected], ...]

    def answer(self, row: "asyncpg.Record", principal: Principal) -> "Finished":
        """Put the response together from the columns of the statement's row."""
        pieces, errors = [], []
        for number, (root, selected) in enumerate(self.roots):
            read = root.field.read if root.field is not None else None
            if root.field is None:
                value = orjson.dumps(root.parent)
            elif isinstance(read, OfCaller):
                value = orjson.dumps(_of_caller(read.compute(principal), selected))
            else:
                text = row[f"r{number}"]
                value = b"null" if text is None else text.encode()
                if text is None and isinstance(read, Lookup):
                    errors.append(_missing(read, root))
            pieces.append(b'"%b":%b' % (root.key.encode(), value))
        return Finished(b"{%b}" % b",".join(pieces), errors)


@dataclass(frozen=True)
class Finished:
    """The data of a response as JSON, and the errors beside it."""

    data: bytes
    errors: list[GraphQLError]


def _missing(lookup: Lookup, root: Root) -> GraphQLError:
    """The error that graphql-core reports for a record that is not there."""
    error = ApiError(ErrorCode.NOT_FOUND, lookup.missing)
    return GraphQLError(
        error.message, nodes=root.nodes, path=[root.key], extensions=error.extensions
    )


def _of_caller(row: Mapping[str, Any], selected: Selected) -> dict[str, Any]:
    if selected.below is None:
        raise TypeError(f"{selected.key} is an object.")
    return {
        part.key: row[part.field.python_name] if part.field else selected.below.type_name
        for part in selected.below.fields
    }


class Plans:
    """Makes the plans of one operation, and keeps what does not depend on values."""

    def __init__(
        self,
        schema: strawberry.Schema,
        document: DocumentNode,
        fragments: Fragments,
        operation: OperationDefinitionNode,
        statements: StatementCache,
    ) -> None:
        self._schema = schema
        self._statements = statements
        self._core: GraphQLSchema = schema._schema  # noqa: SLF001  Strawberry has no public name.
        self._operation = operation
        self._fragments = fragments
        self._truths = truth_names(document)
        self._roots: dict[Any, list[Root] | None] = {}
        self._outlines: dict[Any, Outline | None] = {}

    def plan(
        self, variables: VariableValues, raw: Mapping[str, Any], caller: Caller
    ) -> Plan | None:
        """The plan for a request, or None when graphql-core has to answer it.

        `raw` are the variables as the client sent them, by which pages are kept.
        """
        truths = tuple(variables.coerced.get(name) for name in self._truths)
        try:
            roots = self._known_roots(truths, caller)
            keys = [self._key(root, variables) for root in roots]
            types = tuple(key.record.name if key else None for key in keys)
            outline = self._outline(truths, caller, roots, types)
            pages = {
                place: self._page(outline, place, names, variables, raw, caller)
                for place, names in outline.places
            }
        except (NotCompiled, GraphQLError):
            # Wrong arguments are reported by graphql-core, at the field they were given to.
            return None
        structure = (
            *(page.structure for page in pages.values()),
            *((key.record, key.column) for key in keys if key),
        )
        json = FinishedJson(pages)
        statement = self._statements.get(
            (outline, structure), lambda: _statement(outline, json, keys)
        )
        parameters: dict[str, Any] = {
            f"k{number}": key.value for number, key in enumerate(keys) if key
        }
        for place, page in pages.items():
            parameters |= page.parameters(json.page_prefix(place))
        return Plan(statement, parameters, outline.roots)

    def _known_roots(self, truths: tuple[Any, ...], caller: Caller) -> list[Root]:
        known = (truths, caller.permissions)
        if known not in self._roots:
            _make_room(self._roots, MOST_OUTLINES)
            self._roots[known] = None
            query = self._core.query_type
            if query is not None:
                outliner = self._outliner(truths, caller)
                self._roots[known] = outliner.roots(query, self._operation.selection_set)
        roots = self._roots[known]
        if roots is None:
            raise NotCompiled("A root field is not compiled.")
        return roots

    def _outliner(self, truths: tuple[Any, ...], caller: Caller) -> Outliner:
        values = dict(zip(self._truths, truths, strict=True))
        return Outliner(self._core, self._fragments, values, caller.permissions)

    def _outline(
        self,
        truths: tuple[Any, ...],
        caller: Caller,
        roots: list[Root],
        types: tuple[str | None, ...],
    ) -> Outline:
        known = (truths, caller.permissions, types)
        if known not in self._outlines:
            _make_room(self._outlines, MOST_OUTLINES)
            self._outlines[known] = None
            outliner = self._outliner(truths, caller)
            pairs = tuple(
                (root, outliner.selected(root, type_name))
                for root, type_name in zip(roots, types, strict=True)
            )
            places = tuple((place, variable_names(place.node)) for place in outliner.places)
            self._outlines[known] = Outline(pairs, places)
        outline = self._outlines[known]
        if outline is None:
            raise NotCompiled("A field is not compiled.")
        return outline

    def _key(self, root: Root, variables: VariableValues) -> Key | None:
        if root.field is None or root.definition is None or not isinstance(root.field.read, Lookup):
            return None
        arguments = self._arguments(root.field, root.definition, root.nodes[0], variables)
        return root.field.read.find(arguments)

    def _page(
        self,
        outline: Outline,
        place: Place,
        names: tuple[str, ...],
        variables: VariableValues,
        raw: Mapping[str, Any],
        caller: Caller,
    ) -> Page:
        values = tuple(orjson.dumps(raw[name]) if name in raw else None for name in names)
        page = outline.pages.get((place.number, values))
        if page is None:
            _make_room(outline.pages, MOST_PAGES)
            arguments = self._arguments(place.field, place.definition, place.node, variables)
            page = outline.pages[(place.number, values)] = place.field.page(caller, arguments)
        return page

    def _arguments(
        self, declared: ReadField, definition: GraphQLField, node: Any, variables: VariableValues
    ) -> dict[str, Any]:
        """A field's arguments as Strawberry hands them to a resolver."""
        return convert_arguments(
            get_argument_values(definition, node, variables),
            declared.arguments,
            scalar_registry=self._schema.schema_converter.scalar_registry,
            config=self._schema.config,
        )


def _make_room(cache: dict[Any, Any], most: int) -> None:
    """Forget the oldest entry of a full cache."""
    if len(cache) >= most:
        del cache[next(iter(cache))]


def _statement(outline: Outline, json: FinishedJson, keys: list[Key | None]) -> Executable:
    """The statement: who asks, and beside it each root field as JSON.

    Everything depends on the tenant that `authenticate` gives, so nothing is read before it has
    set the tenant for row-level security. Who gave an unknown token gets no row at all.
    """
    caller = func.abokonto.authenticate(bindparam("token_hash", type_=LargeBinary)).table_valued(
        column("kind", Text),
        column("token_id", BigInteger),
        column("tenant_id", Integer),
        column("staff_id", BigInteger),
        column("name", Text),
        column("permissions", ARRAY(Text)),
        name="caller",
    )
    columns: list[ColumnElement[Any]] = list(caller.c)
    for number, ((_root, selected), key) in enumerate(zip(outline.roots, keys, strict=True)):
        if selected.below is None:
            continue
        if key is not None:
            answer = _looked_up(json, selected, key, f"k{number}")
        elif selected.place is not None:
            answer = json.connection(selected, selected.below, None)
        else:
            continue
        columns.append(cast(answer, Text).label(f"r{number}"))
    return _for_tenant(select(*columns).select_from(caller))


def _looked_up(
    json: FinishedJson, selected: Selected, key: Key, parameter: str
) -> ColumnElement[Any]:
    if selected.below is None:
        raise TypeError(f"{selected.key} is an object.")
    table = table_of(key.record.model)
    wanted = table.c[key.column or "id"]
    row = select(*json.columns(selected.below, table.c)).where(
        table.c.tenant_id == tenant(), wanted == bindparam(parameter, type_=wanted.type)
    )
    found = row.subquery()
    return select(func.row_to_json(whole_row(found))).select_from(found).scalar_subquery()


def _for_tenant(statement: Select[Any]) -> Select[Any]:
    """Read for the tenant of the caller instead of one that is known beforehand."""

    def replaced(element: Any, **_: Any) -> Any:
        if isinstance(element, BindParameter) and element.key == "tenant":
            return literal_column("caller.tenant_id", Integer)
        return None

    answered: Any = visitors.replacement_traverse(statement, {}, replaced)
    return answered  # type: ignore[no-any-return]  # It gives back what it got.
