"""Bounds on what a document may ask for, checked before it is validated.

Each definition is walked once and its measures are kept, so the work is linear in the document
however often its fragments are spread. Sums are capped, because nested fragments make them grow
exponentially.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_introspection_query,
    is_enum_type,
    parse,
)

from app.errors import ApiError, ErrorCode
from app.settings import Settings

MOST_CHARACTERS = 200_000
"""Longest document: the lexer's time grows with it, whatever the number of tokens."""

MOST_DEFINITIONS = 200
"""Most operations and fragments in a document: some rules look at each pair of them."""

MOST_LEVELS = 100
"""Deepest nesting of fields, inline fragments and spreads together, which bounds recursion."""

INTROSPECTION_DEPTH = 20
"""Deepest introspection: GraphiQL's query unwraps nine levels of list and non-null."""

INTROSPECTION_SHARE = 2.0
"""The cost of an introspection, in multiples of the query that tools send."""

CAP = 1_000_000_000.0
"""Where sums stop growing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds that an operator can set."""

    tokens: int = 5_000
    depth: int = 15
    aliases: int = 100
    directives: int = 10
    fields: int = 2_000

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """The limits in the settings."""
        return cls(
            tokens=settings.max_tokens,
            depth=settings.max_depth,
            aliases=settings.max_aliases,
            directives=settings.max_directives,
            fields=settings.max_fields,
        )


def too_complex(message: str) -> ApiError:
    """The error for a document that asks for more than the limits allow."""
    return ApiError(ErrorCode.QUERY_TOO_COMPLEX, message)


class Measures(NamedTuple):
    """What a selection asks for, with fragments expanded."""

    fields: float = 0
    aliases: float = 0
    depth: int = 0
    listing: float = 0
    """What the selection would cost inside an introspection."""
    introspection: float = 0
    """What the introspections in the selection cost."""


def list_sizes(schema: GraphQLSchema) -> dict[str, float]:
    """How many items each list of the introspection schema has, on average."""
    types = list(schema.type_map.values())
    totals: defaultdict[str, int] = defaultdict(int)
    fields = 0
    for type_ in types:
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            fields += len(type_.fields)
            totals["args"] += sum(len(field.args) for field in type_.fields.values())
            totals["interfaces"] += len(type_.interfaces)
        if isinstance(type_, GraphQLInputObjectType):
            totals["inputFields"] += len(type_.fields)
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            totals["possibleTypes"] += len(schema.get_possible_types(type_))
        if is_enum_type(type_):
            totals["enumValues"] += len(type_.values)
    sizes = {name: total / len(types) for name, total in totals.items()}
    return sizes | {
        "types": float(len(types)),
        "fields": fields / len(types),
        "args": totals["args"] / max(fields, 1),
        "directives": float(len(schema.directives)),
    }


class LimitChecker:
    """Refuses documents that ask for too much of one schema."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self.limits = limits
        self._sizes = list_sizes(schema)
        standard = parse(
            get_introspection_query(specified_by_url=True, input_value_deprecation=True)
        )
        measurement = Measurement(standard, limits, self._sizes, CAP)
        (operation,) = measurement.operations
        cost = measurement.definition(operation).introspection
        self._introspection_cost = INTROSPECTION_SHARE * cost

    def check(self, document: DocumentNode) -> "Measurement":
        """Raise QUERY_TOO_COMPLEX when a document goes over a limit."""
        if len(document.definitions) > MOST_DEFINITIONS:
            raise too_complex(
                f"The document has {len(document.definitions)} operations and fragments; "
                f"at most {MOST_DEFINITIONS} are allowed."
            )
        measurement = Measurement(document, self.limits, self._sizes, self._introspection_cost)
        for operation in measurement.operations:
            self._check(measurement.definition(operation))
        for fragment in measurement.fragments.values():
            measurement.definition(fragment)
        return measurement

    def _check(self, measures: Measures) -> None:
        for what, found, most in (
            ("levels of fields", measures.depth, self.limits.depth),
            ("aliases", measures.aliases, self.limits.aliases),
            ("fields", measures.fields, self.limits.fields),
        ):
            if found > most:
                raise too_complex(f"The operation has more than the {most} {what} allowed.")
        if measures.introspection > self._introspection_cost:
            raise too_complex("The operation asks for more of the schema than is allowed.")


class Measurement:
    """The measures of each definition of one document, made when they are asked for first."""

    def __init__(
        self,
        document: DocumentNode,
        limits: Limits,
        sizes: dict[str, float],
        introspection_cost: float,
    ) -> None:
        self.operations: list[OperationDefinitionNode] = []
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        self.visits = 0
        self._limits = limits
        self._sizes = sizes
        self._introspection_cost = introspection_cost
        self._known: dict[int, Measures] = {}
        self._open: set[int] = set()
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self.operations.append(definition)
            elif isinstance(definition, FragmentDefinitionNode):
                self.fragments[definition.name.value] = definition

    def definition(
        self, node: OperationDefinitionNode | FragmentDefinitionNode, level: int = 0
    ) -> Measures:
        """Measure an operation or a fragment. A spread that closes a cycle counts nothing.

        Validation refuses the cycle afterwards.
        """
        key = id(node)
        known = self._known.get(key)
        if known is not None:
            return known
        if key in self._open:
            return Measures()
        self._open.add(key)
        self._check_directives(node.directives)
        for variable in node.variable_definitions or ():
            self._check_directives(variable.directives)
        measures = self._selections(node.selection_set, level)
        self._open.discard(key)
        self._known[key] = measures
        return measures

    def _selections(self, selection_set: SelectionSetNode | None, level: int) -> Measures:
        if selection_set is None:
            return Measures()
        if level > MOST_LEVELS:
            raise too_complex(f"The document nests deeper than the {MOST_LEVELS} levels allowed.")
        fields = aliases = listing = introspection = 0.0
        depth = 0
        for selection in selection_set.selections:
            self.visits += 1
            self._check_directives(selection.directives)
            measures = Measures()
            if isinstance(selection, FieldNode):
                measures = self._field(selection, level)
            elif isinstance(selection, InlineFragmentNode):
                measures = self._selections(selection.selection_set, level + 1)
            elif isinstance(selection, FragmentSpreadNode):
                measures = self._spread(selection, level)
            fields += measures.fields
            aliases += measures.aliases
            listing += measures.listing
            introspection += measures.introspection
            depth = max(depth, measures.depth)
        return Measures(
            min(fields, CAP), min(aliases, CAP), depth, min(listing, CAP), min(introspection, CAP)
        )

    def _field(self, node: FieldNode, level: int) -> Measures:
        name = node.name.value
        inner = self._selections(node.selection_set, level + 1)
        aliases = inner.aliases + (node.alias is not None)
        listing = 1 + self._sizes.get(name, 1.0) * inner.listing
        if name in ("__schema", "__type"):
            if inner.depth >= INTROSPECTION_DEPTH:
                raise too_complex(
                    f"The introspection has more than the {INTROSPECTION_DEPTH} levels allowed."
                )
            return Measures(1, aliases, 1, listing, listing)
        return Measures(1 + inner.fields, aliases, 1 + inner.depth, listing, inner.introspection)

    def _spread(self, node: FragmentSpreadNode, level: int) -> Measures:
        fragment = self.fragments.get(node.name.value)
        if fragment is None:
            return Measures()
        return self.definition(fragment, level + 1)

    def _check_directives(self, directives: tuple[DirectiveNode, ...] | None) -> None:
        if directives and len(directives) > self._limits.directives:
            raise too_complex(
                f"A place has more than the {self._limits.directives} directives allowed."
            )
