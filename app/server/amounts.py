"""How much an operation may make us answer, known before it runs.

Lists multiply: 100 customers with 100 invoices each, each with its customer again, is a short
document and an answer without end. What an operation asks for at most is the number of its
fields, each times the sizes of the pages above it.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Protocol

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLList,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.resolvers.pages import DEFAULT_SIZE, LARGEST_SIZE
from app.server.limits import CAP, too_complex

RESOLVED = 10
"""What a field counts that runs code of ours or can fail, against one that is just there."""

LONG = 25
"""What a value counts that may be thousands of characters long."""

LIST_SIZE = 5
"""How long lists without pages are taken to be, such as the items of an invoice."""

MOST_KEPT = 16
"""For how many page sizes an operation keeps its amount."""


class _Type(Protocol):
    """A type that has fields."""

    fields: dict[str, GraphQLField]


class Amount:
    """What one operation of a valid document asks for, which depends on page sizes alone."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = fragments
        self._known: OrderedDict[tuple[float, ...], float] = OrderedDict()
        self._variables: tuple[tuple[str, bool], ...] | None = None
        """The variables that sizes come from, and whether each is a list; found on the way."""

    def check(self, variables: Mapping[str, Any], most: int) -> None:
        """Raise QUERY_TOO_COMPLEX when the operation asks for more than `most` values."""
        amount = self.of(variables)
        if amount > most:
            asked = "very many" if amount >= CAP else f"about {amount:.0f}"
            raise too_complex(
                f"The operation asks for {asked} values; at most {most} are allowed. "
                "Ask for smaller pages, or nest fewer lists."
            )

    def of(self, variables: Mapping[str, Any]) -> float:
        """The values that the operation asks for at most, with these coerced variables."""
        if self._variables is None:
            return self._measured(variables)
        sizes = tuple(
            _length(variables.get(name)) if is_list else _page(variables.get(name))
            for name, is_list in self._variables
        )
        amount = self._known.get(sizes)
        if amount is None:
            amount = self._known[sizes] = self._measured(variables)
            if len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        return amount

    def _measured(self, variables: Mapping[str, Any]) -> float:
        walk = _Walk(self._schema, self._fragments, variables)
        root: Any = self._schema.get_root_type(self._operation.operation)
        amount = walk.selections(root, self._operation.selection_set)
        if self._variables is None:
            self._variables = tuple(walk.variables)
        return amount


class _Walk:
    """One walk over an operation; each fragment is walked once, however often it is spread."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> None:
        self.variables: dict[tuple[str, bool], None] = {}
        self._schema = schema
        self._fragments = fragments
        self._values = variables
        self._spread: dict[str, float] = {}

    def selections(self, type_: _Type, selection_set: SelectionSetNode) -> float:
        """The values below one object."""
        amount = 0.0
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                amount += self._field(type_, selection)
            elif isinstance(selection, InlineFragmentNode):
                amount += self.selections(self._narrowed(type_, selection), selection.selection_set)
            else:
                amount += self._fragment(selection.name.value)  # type: ignore[attr-defined]  # No fourth kind.
        return min(amount, CAP)

    def _fragment(self, name: str) -> float:
        if name not in self._spread:
            fragment = self._fragments[name]
            type_: Any = self._schema.type_map[fragment.type_condition.name.value]
            self._spread[name] = self.selections(type_, fragment.selection_set)
        return self._spread[name]

    def _narrowed(self, type_: _Type, fragment: InlineFragmentNode) -> Any:
        condition = fragment.type_condition
        return type_ if condition is None else self._schema.type_map[condition.name.value]

    def _field(self, type_: _Type, node: FieldNode) -> float:
        field = type_.fields.get(node.name.value) if hasattr(type_, "fields") else None
        if field is None:
            # `__typename`, or the introspection, which has a limit of its own.
            return 1
        below = 0.0
        if node.selection_set is not None:
            named: Any = get_named_type(field.type)
            below = self._size(type_, field, node) * self.selections(named, node.selection_set)
        return min(_weight(field) + below, CAP)

    def _size(self, type_: _Type, field: GraphQLField, node: FieldNode) -> float:
        """How many objects a field answers with at most."""
        if "first" in field.args:
            sizes = [
                self._argument(argument.value, is_list=False)
                for argument in node.arguments or ()
                if argument.name.value in ("first", "last")
            ]
            return max(sizes, default=DEFAULT_SIZE)
        if not isinstance(get_nullable_type(field.type), GraphQLList):
            return 1
        if "pageInfo" in type_.fields:
            # The connection has multiplied already.
            return 1
        for argument in node.arguments or ():
            if isinstance(get_nullable_type(field.args[argument.name.value].type), GraphQLList):
                return self._argument(argument.value, is_list=True)
        return LIST_SIZE

    def _argument(self, value: ValueNode, *, is_list: bool) -> float:
        if isinstance(value, VariableNode):
            name = value.name.value
            self.variables[name, is_list] = None
            given = self._values.get(name)
            return _length(given) if is_list else _page(given)
        if isinstance(value, ListValueNode):
            return len(value.values)
        if isinstance(value, IntValueNode) and not is_list:
            return _page(int(value.value))
        return 1 if is_list else DEFAULT_SIZE


def _page(size: Any) -> float:
    """A page's size; one out of range is refused when the page is read."""
    return max(1, min(size, LARGEST_SIZE)) if isinstance(size, int) else DEFAULT_SIZE


def _length(members: Any) -> float:
    return len(members) if isinstance(members, list) else 1


def _weight(field: GraphQLField) -> int:
    declared = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not getattr(declared, "is_basic_field", True):
        return RESOLVED
    long = getattr(declared, "long", False) or get_named_type(field.type).name == "JSON"
    return LONG if long else 1
