"""What a document asks for, read off its selection sets once per document.

A `Shape` is a superset of what one request needs: directives that leave a field out are not
looked at, since a column too many is cheaper than deciding it for every request.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import strawberry
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.type import is_abstract_type
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments

from app.auth.permissions import Permission
from app.resolvers.fields import ReadField
from app.resolvers.reads import Python, RecordType, Tab, record_of

Fragments = dict[str, FragmentDefinitionNode]


@dataclass(frozen=True, eq=False)
class Selected:
    """A field that is asked for, under the key that its value gets; None is `__typename`.

    In finished JSON, `nodes` is where the document asks for it, and `refused` the permission that
    the caller lacks for it.
    """

    key: str
    field: ReadField | None
    below: "Shape | None" = None
    place: "Place | None" = None
    nodes: tuple[FieldNode, ...] = ()
    refused: Permission | None = None

    @property
    def structure(self) -> Hashable:
        """What the SQL depends on: not where the document asks for it."""
        return (
            self.key,
            self.field and self.field.python_name,
            self.below and self.below.structure,
            self.place and self.place.number,
            self.refused is None,
        )

    @property
    def is_gap(self) -> bool:
        """Whether Python answers it, with a value or with an error."""
        return self.refused is not None or (
            self.field is not None and isinstance(self.field.read, Python)
        )


@dataclass(frozen=True, eq=False)
class Shape:
    """The fields of an object that a document asks for, each with the shape below it.

    Shapes are compared by identity: one place in one document has one shape, so requests for
    many customers from that place are answered together. A `keyed` one holds the row's own key.
    """

    type_name: str
    record: RecordType | None
    fields: tuple[Selected, ...]
    keyed: bool = True

    @cached_property
    def structure(self) -> Hashable:
        """What the SQL depends on; the same in documents that ask for the same."""
        return (self.type_name, *(selected.structure for selected in self.fields))

    @cached_property
    def with_gaps(self) -> tuple[Selected, ...]:
        """The fields that are gaps in finished JSON, or have gaps below them."""
        return tuple(
            selected
            for selected in self.fields
            if selected.is_gap or (selected.below is not None and selected.below.with_gaps)
        )


@dataclass(frozen=True, eq=False)
class Place:
    """Where a field with arguments is asked for; its number tells it from others like it."""

    number: int
    node: FieldNode
    field: ReadField
    definition: GraphQLField


@dataclass(frozen=True, eq=False)
class PageShape:
    """What is asked of a connection; `row` is None when no row is."""

    row: Shape | None
    cursors: bool
    total: bool


def arguments_of(
    schema: strawberry.Schema, place: Place, variables: VariableValues
) -> dict[str, Any]:
    """A field's arguments as Strawberry hands them to a resolver.

    Raises:
        GraphQLError: when one of them is wrong.
    """
    return convert_arguments(
        get_argument_values(place.definition, place.node, variables),
        place.field.arguments,
        scalar_registry=schema.schema_converter.scalar_registry,
        config=schema.config,
    )


def applies(
    schema: GraphQLSchema,
    fragment: InlineFragmentNode | FragmentDefinitionNode,
    type_: GraphQLObjectType,
) -> bool:
    """Whether a fragment's condition lets objects of a type through (spec, 6.3.2)."""
    condition = fragment.type_condition
    if condition is None or condition.name.value == type_.name:
        return True
    target = schema.type_map.get(condition.name.value)
    return is_abstract_type(target) and schema.is_sub_type(target, type_)


class Selections:
    """The shapes of one document."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments) -> None:
        self._schema = schema
        self._fragments = fragments
        self._shapes: dict[tuple[str, tuple[int, ...]], Shape] = {}
        self._pages: dict[tuple[str, tuple[int, ...]], PageShape] = {}

    def row(self, info: GraphQLResolveInfo[Any], type_name: str | None = None) -> Shape:
        """The shape of the record that a field answers with; `type_name` for an interface."""
        if type_name is None:
            type_name = get_named_type(info.return_type).name
        key = (type_name, tuple(map(id, info.field_nodes)))
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = self._shape(self._object_type(type_name), info.field_nodes)
        return shape

    def page(self, info: GraphQLResolveInfo[Any]) -> PageShape:
        """What a field that answers with a connection is asked for."""
        type_name = get_named_type(info.return_type).name
        key = (type_name, tuple(map(id, info.field_nodes)))
        page = self._pages.get(key)
        if page is None:
            page = self._pages[key] = self._page(self._object_type(type_name), info.field_nodes)
        return page

    def _page(self, connection: GraphQLObjectType, nodes: Sequence[FieldNode]) -> PageShape:
        selected = self._collect(connection, nodes)
        edges = selected.get("edges", [])
        rows = [*selected.get("nodes", [])]
        if edges:
            edge = get_named_type(connection.fields["edges"].type)
            assert isinstance(edge, GraphQLObjectType)  # noqa: S101  A connection has edges.
            rows += self._collect(edge, edges).get("node", [])
        cursors = bool(edges) or "pageInfo" in selected
        row = None
        if rows or cursors:
            node = get_named_type(connection.fields["nodes"].type)
            row = self._shape(self._object_type(node.name), rows)
        return PageShape(row=row, cursors=cursors, total="totalCount" in selected)

    def _shape(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> Shape:
        fields = []
        for name, selected in self._collect(type_, nodes).items():
            field = type_.fields[name].extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            if not isinstance(field, ReadField) or isinstance(field.read, Tab):
                continue
            below = get_named_type(type_.fields[name].type)
            shape = self._shape(below, selected) if isinstance(below, GraphQLObjectType) else None
            fields.append(Selected(field.python_name, field, shape))
        definition = type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        return Shape(type_.name, record_of(definition.origin), tuple(fields))

    def _collect(
        self, type_: GraphQLObjectType, nodes: Sequence[FieldNode]
    ) -> dict[str, list[FieldNode]]:
        """The fields selected below some field nodes, by name; aliases fall together."""
        selected: dict[str, list[FieldNode]] = {}
        for node in nodes:
            if node.selection_set is not None:
                for below in self._fields(type_, node.selection_set):
                    if not below.name.value.startswith("__"):
                        selected.setdefault(below.name.value, []).append(below)
        return selected

    def _fields(
        self, type_: GraphQLObjectType, selection_set: SelectionSetNode
    ) -> Iterator[FieldNode]:
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                yield selection
                continue
            fragment: InlineFragmentNode | FragmentDefinitionNode
            if isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments[selection.name.value]
            elif isinstance(selection, InlineFragmentNode):
                fragment = selection
            else:  # pragma: no cover  The grammar has no fourth kind.
                continue
            if applies(self._schema, fragment, type_):
                yield from self._fields(type_, fragment.selection_set)

    def _object_type(self, name: str) -> GraphQLObjectType:
        type_ = self._schema.type_map[name]
        assert isinstance(type_, GraphQLObjectType)  # noqa: S101  Callers name object types.
        return type_
