"""Questions made up at random: queries that fit the schema, with variables and permissions.

hypothesis-graphql makes ten queries a second, and nearly all of them ask for records that do not
exist. This generator makes more than a thousand, knows ids, values and words of the data at hand,
and asks for what the ways of reading could disagree about: the same field from several places,
fragments, conditions, aliases that are column names, values given in every way that variables
allow. A question is the same for the same seed and data.
"""

import re
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.auth.permissions import Permission
from app.resolvers.fields import ReadField
from app.resolvers.reads import record_of
from tests.schema.arguments import MOST_ROWS, OMITTED, Arguments
from tests.schema.holdings import Holdings

SIZES = (4, 8, 8, 12, 12, 20, 20, 40, 90)
"""How many fields questions have at most."""

DEEPEST = 7
ALIASES = (
    *("id", "tenant_id", "customer_id", "created_at", "key", "value", "item", "keys", "places"),
    *(
        "r0",
        "k0",
        "l0_size",
        "caller",
        "tenant",
        "permissions",
        "name",
        "kind",
        "token_id",
        "anon_1",
    ),
    *("select", "from", "order", "user", "node", "nodes", "rows", "total", "Id", "ID", "_", "a1"),
    "x" * 63,
)
"""Names of columns, parameters and words of SQL, and the longest name that PostgreSQL takes."""

EVERYTHING = frozenset(map(str, Permission)) - {Permission.BANK_ACCOUNT_REVEAL}
"""What one may who may see everything, but for what leaves a trace when it is seen: whoever answers
second would see it."""

Composite = GraphQLObjectType | GraphQLInterfaceType


@dataclass(frozen=True)
class Question:
    """A request, and which of its variables take cursors that stand in the answer under a key."""

    text: str
    operation: str | None
    variables: dict[str, Any]
    permissions: frozenset[str]
    cursors: dict[str, str] = field(default_factory=dict)

    def varied(self) -> "Question | None":
        """The same document asked by one who may everything, with all conditions turned round.

        None when that is the same question.
        """
        variables = {
            name: not value if isinstance(value, bool) else value
            for name, value in self.variables.items()
        }
        varied = replace(self, variables=variables, permissions=EVERYTHING)
        return None if varied == self else varied


@dataclass
class _Known:
    """A field that was selected under a key."""

    parent: str
    call: str
    type: str
    field: GraphQLField
    below: "_Scope"


@dataclass
class _Scope:
    """What is selected of one object, from wherever; `prefix` keeps keys apart from all others."""

    fields: dict[str, _Known] = field(default_factory=dict)
    prefix: str = ""


class QuestionMaker:
    """Makes questions, each from a seed of its own."""

    def __init__(self, schema: GraphQLSchema, holdings: Holdings) -> None:
        self._schema = schema
        self._holdings = holdings

    def make(self, seed: str) -> Question:
        """The question of a seed."""
        return _Walk(self._schema, self._holdings, Random(seed)).question()  # noqa: S311  Nothing is to be kept secret here.


class _Walk(Arguments):
    """One question in the making."""

    def __init__(self, schema: GraphQLSchema, holdings: Holdings, rng: Random) -> None:
        super().__init__(holdings, rng)
        self._schema = schema
        self._left = rng.choice(SIZES)
        self._fragments: list[str] = []
        self._spreads: dict[str, list[str]] = {}
        self._needs: set[str] = set()

    def question(self) -> Question:
        """Walk from the root and put the document together."""
        query = self._schema.query_type
        assert query is not None
        scope = _Scope()
        roots = [self._root(query, scope) for _ in range(self._rng.choice((1, 1, 1, 2, 3)))]
        if self._chance(0.1):
            roots.append("__typename")
        name = "Asked" if self._definitions or self._chance(0.3) else None
        variables = f"({', '.join(self._definitions)})" if self._definitions else ""
        head = f"query {name}{variables} " if name else ""
        text = f"{head}{{ {' '.join(roots)} }}"
        parts = [text, *self._fragments]
        if name and self._chance(0.1):
            parts.append("query Other { viewer { kind } }")
            self._rng.shuffle(parts)
        asked = name if len(parts) > len(self._fragments) + 1 or self._chance(0.3) else None
        values = {key: value for key, value in self._values.items() if value is not OMITTED}
        return Question("\n".join(parts), asked, values, self._permissions(), self._cursors)

    def _permissions(self) -> frozenset[str]:
        """All of them, just those needed, all but one that is needed, or any."""
        match self._rng.choices(("all", "needed", "but one", "any"), (55, 20, 13, 12))[0]:
            case "needed":
                return EVERYTHING.intersection(self._needs)
            case "but one" if self._needs:
                return EVERYTHING - {self._rng.choice(sorted(self._needs))}
            case "any":
                some = self._rng.randrange(len(EVERYTHING))
                return frozenset(self._rng.sample(sorted(EVERYTHING), some))
        return EVERYTHING

    def _root(self, query: GraphQLObjectType, scope: _Scope) -> str:
        names = ("customer", "node", "customers", "nodes", "offers", "products", "publications")
        weights = (45, 16, 16, 4, 5, 5, 5)
        name = self._rng.choices((*names, "viewer"), (*weights, 4))[0]
        return self._field(query, name, scope, DEEPEST, 1)

    def _selection(self, type_: Composite, scope: _Scope, depth: int, rows: int) -> str:
        definition: Any = type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        record = record_of(definition.origin) if definition is not None else None
        if record is not None:
            self._needs.add(record.needs)
        parts = [
            self._part(type_, scope, depth, rows)
            for _ in range(self._rng.choice((1, 2, 3, 3, 4, 5, 8)))
            if self._left > 0
        ]
        return f"{{ {' '.join(parts) or '__typename'} }}"

    def _part(self, type_: Composite, scope: _Scope, depth: int, rows: int) -> str:
        self._left -= 1
        drawn = self._rng.random()
        if drawn < 0.06:
            alias = f"{scope.prefix}{self._new('t')}: " if scope.prefix or drawn < 0.01 else ""
            return f"{alias}__typename{self._condition()}"
        if drawn < 0.17 and depth > 0:
            return self._inline(type_, scope, depth, rows)
        if drawn < 0.24 and depth > 0:
            return self._spread(type_, scope, depth, rows)
        known = [key for key, found in scope.fields.items() if found.parent == type_.name]
        if known and drawn < 0.36:
            return self._again(self._rng.choice(known), scope, depth, rows)
        return self._field(type_, self._field_name(type_, depth), scope, depth, rows)

    def _inline(self, type_: Composite, scope: _Scope, depth: int, rows: int) -> str:
        condition = self._condition()
        if self._chance(0.25):
            return f"...{condition} {self._selection(type_, scope, depth - 1, rows)}"
        on = self._narrowed(type_)
        return f"... on {on.name}{condition} {self._selection(on, scope, depth - 1, rows)}"

    def _narrowed(self, type_: Composite) -> Composite:
        """The type itself, an interface of it, or a type that it may be."""
        near: list[Composite] = [type_, *type_.interfaces]
        if isinstance(type_, GraphQLInterfaceType):
            near += self._schema.get_implementations(type_).interfaces
            near += self._schema.get_possible_types(type_)
        return self._rng.choice(near)

    def _spread(self, type_: Composite, scope: _Scope, depth: int, rows: int) -> str:
        """A fragment: one of before, or a new one, whose keys may be its own."""
        known = self._spreads.get(f"{type_.name} {rows}", [])
        if known and self._chance(0.5):
            return f"...{self._rng.choice(known)}{self._condition()}"
        name = self._new("Part")
        on, own = self._narrowed(type_), self._chance(0.5)
        inside = _Scope(prefix=f"{name}_") if own else scope
        selection = self._selection(on, inside, depth - 1, rows)
        if own:
            self._spreads.setdefault(f"{type_.name} {rows}", []).append(name)
        self._fragments.append(f"fragment {name} on {on.name} {selection}")
        return f"...{name}{self._condition()}"

    def _again(self, key: str, scope: _Scope, depth: int, rows: int) -> str:
        """A field that is selected already, with more below it."""
        known = scope.fields[key]
        alias = "" if known.call.startswith(f"{key}(") or known.call == key else f"{key}: "
        return f"{alias}{known.call}{self._below(known, depth, rows)}"

    def _field_name(self, type_: Composite, depth: int) -> str:
        """Leaves mostly; `downloadUrl` seldom, since it takes its whole operation the long way."""
        leaves = [
            name
            for name, known in type_.fields.items()
            if is_leaf_type(get_named_type(known.type))
            and (name != "downloadUrl" or self._chance(0.2))
        ]
        objects = [
            name
            for name, known in type_.fields.items()
            if not is_leaf_type(get_named_type(known.type))
        ]
        if objects and depth > 1 and self._left > 1 and (self._chance(0.45) or not leaves):
            return str(self._rng.choice(objects))
        return str(self._rng.choice(leaves)) if leaves else "__typename"

    def _field(self, type_: Composite, name: str, scope: _Scope, depth: int, rows: int) -> str:
        if name == "__typename":
            return f"{scope.prefix}{self._new('t')}: __typename"
        key = scope.prefix + (self._rng.choice(ALIASES) if self._chance(0.12) else name)
        known = scope.fields.get(key)
        if known is not None and known.parent == type_.name:
            return self._again(key, scope, depth, rows)
        if known is not None or len(key) > 63 or self._clashes(key, name, type_):
            key = scope.prefix + self._new("f")
        definition = type_.fields[name]
        declared: Any = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if isinstance(declared, ReadField) and declared.needs is not None:
            self._needs.add(declared.needs)
        call = name + self._arguments(name, definition, rows)
        known = _Known(type_.name, call, str(definition.type), definition, _Scope())
        scope.fields[key] = known
        alias = "" if key == name else f"{key}: "
        return f"{alias}{call}{self._condition()}{self._below(known, depth, rows)}"

    def _clashes(self, key: str, name: str, type_: Composite) -> bool:
        """Whether an alias is another field's name, which may be selected without one later."""
        return key != name and key in type_.fields

    def _below(self, known: _Known, depth: int, rows: int) -> str:
        type_ = get_named_type(known.field.type)
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            return ""
        if not type_.name.endswith("Connection"):
            return " " + self._selection(type_, known.below, depth - 1, rows)
        rows *= int(found[1]) if (found := re.search(r"(?:first|last): (\d+)", known.call)) else 20
        selection = self._selection(type_, known.below, depth - 1, min(rows, MOST_ROWS))
        for variable, key in self._cursors.items():
            if f"${variable}" in known.call:
                end = "endCursor" if "after: " in known.call else "startCursor"
                selection = f"{selection[:-1]}{key}p: pageInfo {{ {key}: {end} }} }}"
        return f" {selection}"
