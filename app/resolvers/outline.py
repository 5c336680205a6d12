"""An operation's fields under the client's own keys, for those whom finished JSON can answer.

Which fields are selected depends on the variables in `@skip` and `@include`; whether all of them
are answered, on the caller's permissions. So there is an outline for each combination asked for,
and it is kept with the document.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_named_type,
    visit,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.resolvers.fields import ReadField
from app.resolvers.reads import (
    Embedded,
    Inquiry,
    Lookup,
    Lookups,
    OfCaller,
    Python,
    RecordType,
    Tab,
    record_of,
)
from app.resolvers.selection import Fragments, Place, Selected, Shape, applies

LONGEST_KEY = 63
"""PostgreSQL cuts off longer names of columns, in bytes."""

MOST_COLUMNS = 1_000
"""PostgreSQL has rows of at most 1,664 columns."""

MOST_PAIRS = 50
"""PostgreSQL calls functions with at most 100 arguments, so `json_build_object` takes 50 pairs."""


class NotCompiled(Exception):  # noqa: N818  It is no error: graphql-core answers instead.
    """Something in the operation has to be answered by Python."""


@dataclass(frozen=True, eq=False)
class Root:
    """A field of the operation itself; `field` is None for `__typename`."""

    key: str
    nodes: list[FieldNode]
    parent: str
    field: ReadField | None
    definition: GraphQLField | None


class Outliner:
    """Makes the shapes of one operation for one caller's permissions and truth values."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Fragments,
        truths: Mapping[str, Any],
        permissions: frozenset[str],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._truths = truths
        self._permissions = permissions
        self.places: list[Place] = []
        self.refused: list[Place] = []
        """Fields that the caller may not see, whose arguments have to be right all the same."""

    def roots(self, type_: GraphQLObjectType, selections: SelectionSetNode) -> list[Root]:
        """The operation's own fields, without what is below them.

        Raises:
            NotCompiled: One of them has to be answered by Python.
        """
        roots = []
        for key, nodes in self._collect(type_, [selections]).items():
            if nodes[0].name.value == "__typename":
                roots.append(Root(key, nodes, type_.name, None, None))
                continue
            field, definition = self._field(type_, nodes[0])
            if not isinstance(field.read, Tab | Lookup | Lookups | Inquiry | OfCaller):
                raise NotCompiled(field.python_name)
            roots.append(Root(key, nodes, type_.name, field, definition))
        return roots

    def selected(self, root: Root) -> Selected:
        """A root field with all that is below it.

        Raises:
            NotCompiled: Some of it has to be answered by Python.
        """
        return self._selected(self._object(root.parent), root.key, root.nodes)

    def looked_up(self, root: Root, type_name: str) -> Selected:
        """A root field that looks up a record of a type, with all that is below it.

        Raises:
            NotCompiled: Some of it has to be answered by Python.
        """
        type_ = self._object(type_name)
        record = _record_type(type_)
        if record is None:
            raise NotCompiled(type_name)
        refused = None if record.needs in self._permissions else record.needs
        below = None if refused else self._shape(type_, root.nodes)
        return Selected(root.key, root.field, below, nodes=tuple(root.nodes), refused=refused)

    def record(self, type_name: str, nodes: list[FieldNode]) -> Shape:
        """What is selected of a record below some field nodes.

        Raises:
            NotCompiled: Some of it has to be answered by Python.
        """
        return self._shape(self._object(type_name), nodes)

    def _object(self, name: str) -> GraphQLObjectType:
        type_ = self._schema.type_map.get(name)
        if not isinstance(type_, GraphQLObjectType):
            raise NotCompiled(name)
        return type_

    def _shape(self, type_: GraphQLObjectType, nodes: list[FieldNode]) -> Shape:
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        collected = self._collect(type_, sets)
        if len(collected) > MOST_COLUMNS:
            raise NotCompiled(f"{len(collected)} fields")
        fields = [self._selected(type_, key, found) for key, found in collected.items()]
        return Shape(type_.name, _record_type(type_), tuple(fields), keyed=False)

    def _selected(self, type_: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Selected:
        if len(key.encode()) > LONGEST_KEY:
            raise NotCompiled(key)
        if nodes[0].name.value == "__typename":
            return Selected(key, None)
        field, definition = self._field(type_, nodes[0])
        if self.lacks(field):
            return self._refused(key, field, definition, nodes)
        if isinstance(field.read, Python) and isinstance(definition.type, GraphQLNonNull):
            # Where computing it fails, null would have to take the place of more than it.
            raise NotCompiled(field.python_name)
        below, place = get_named_type(definition.type), None
        shape = self._shape(below, nodes) if isinstance(below, GraphQLObjectType) else None
        if isinstance(field.read, Tab):
            place = Place(len(self.places), nodes[0], field, definition)
            self.places.append(place)
        many = isinstance(field.read, Tab | Embedded) or field.python_name == "page_info"
        if shape is not None and many and len(shape.fields) > MOST_PAIRS:
            raise NotCompiled(f"{len(shape.fields)} fields")
        return Selected(key, field, shape, place, tuple(nodes))

    def lacks(self, field: ReadField | None) -> bool:
        """Whether the caller may not see a field."""
        return (
            field is not None and field.needs is not None and field.needs not in self._permissions
        )

    def _refused(
        self, key: str, field: ReadField, definition: GraphQLField, nodes: list[FieldNode]
    ) -> Selected:
        if isinstance(definition.type, GraphQLNonNull):
            raise NotCompiled(field.python_name)
        self.refused.append(Place(len(self.refused), nodes[0], field, definition))
        return Selected(key, field, nodes=tuple(nodes), refused=field.needs)

    def _field(self, type_: GraphQLObjectType, node: FieldNode) -> tuple[ReadField, Any]:
        definition = type_.fields.get(node.name.value)
        if definition is None:
            raise NotCompiled(node.name.value)
        field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if not isinstance(field, ReadField) or field.read is None:
            raise NotCompiled(node.name.value)
        return field, definition

    def _collect(
        self, type_: GraphQLObjectType, sets: Sequence[SelectionSetNode]
    ) -> dict[str, list[FieldNode]]:
        """The fields of an object by their keys, in the order of CollectFields (spec, 6.3.2)."""
        collected: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for selections in sets:
            self._gather(type_, selections, collected, seen)
        return collected

    def _gather(
        self,
        type_: GraphQLObjectType,
        selections: SelectionSetNode,
        collected: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        for node in selections.selections:
            if not self._included(node.directives or ()):
                continue
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                collected.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if applies(self._schema, node, type_):
                    self._gather(type_, node.selection_set, collected, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if applies(self._schema, fragment, type_):
                    self._gather(type_, fragment.selection_set, collected, seen)

    def _included(self, directives: Sequence[DirectiveNode]) -> bool:
        for directive in directives:
            if directive.name.value in {"skip", "include"}:
                (argument,) = directive.arguments or ()
                if self._truth(argument.value) is (directive.name.value == "skip"):
                    return False
        return True

    def _truth(self, value: Any) -> bool:
        if isinstance(value, BooleanValueNode):
            return value.value
        if isinstance(value, VariableNode):
            truth = self._truths.get(value.name.value)
            if isinstance(truth, bool):
                return truth
        raise NotCompiled("A condition has no value.")


def _record_type(type_: GraphQLObjectType) -> RecordType | None:
    return record_of(type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].origin)


class _Truths(Visitor):
    """Collects the variables that decide what is selected."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Look into the arguments of a condition."""
        if node.name.value in {"skip", "include"}:
            for argument in node.arguments or ():
                if isinstance(argument.value, VariableNode):
                    self.names.add(argument.value.name.value)


def truth_names(document: DocumentNode) -> tuple[str, ...]:
    """The variables that a document's `@skip` and `@include` look at."""
    truths = _Truths()
    visit(document, truths)
    return tuple(sorted(truths.names))


class _Variables(Visitor):
    """Collects all variables."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        """Note a variable."""
        self.names.add(node.name.value)


def variable_names(node: FieldNode) -> tuple[str, ...]:
    """The variables in the arguments of a field."""
    variables = _Variables()
    for argument in node.arguments or ():
        visit(argument, variables)
    return tuple(sorted(variables.names))
