"""Arguments made up at random, given as literals or as variables in each way there is."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    get_named_type,
    get_nullable_type,
    is_non_null_type,
)

from tests.schema.holdings import ODD_VALUES, Holdings

OMITTED = object()
"""The value of a variable that is not sent."""

MOST_ROWS = 1_500
"""How many rows a question asks for at most, nested lists multiplied."""


class Arguments:
    """Draws arguments, and notes the variables that they need and the cursors that these take."""

    def __init__(self, holdings: Holdings, rng: Random) -> None:
        self._holdings = holdings
        self._rng = rng
        self._definitions: list[str] = []
        self._values: dict[str, Any] = {}
        self._cursors: dict[str, str] = {}
        self._named = 0

    def _chance(self, share: float) -> bool:
        return self._rng.random() < share

    def _new(self, stem: str) -> str:
        self._named += 1
        return f"{stem}{self._named}"

    def _condition(self) -> str:
        """Sometimes `@skip` or `@include`; what they look at mostly keeps the field."""
        if not self._chance(0.07):
            return ""
        skip, kept = self._chance(0.5), self._chance(0.75)
        truth = skip is not kept
        value = str(truth).lower() if self._chance(0.3) else self._truth(truth)
        return f" @{'skip' if skip else 'include'}(if: {value})"

    def _truth(self, truth: bool) -> str:
        name, literal = self._new("v"), str(truth).lower()
        sent: Any
        declared, sent = self._rng.choice(
            (
                ("Boolean!", truth),
                (f"Boolean! = {literal}", OMITTED),
                (f"Boolean = {literal}", OMITTED),
                (f"Boolean = {str(not truth).lower()}", truth),
            )
        )
        self._definitions.append(f"${name}: {declared}")
        self._values[name] = sent
        return f"${name}"

    def _arguments(self, name: str, definition: GraphQLField, rows: int) -> str:
        if not definition.args:
            return ""
        if name == "customer":
            return f"(by: {self._by()})"
        if name == "node":
            return f"(id: {self._rendered(definition.args['id'].type, self._id())})"
        if name == "nodes":
            ids = [self._id() for _ in range(self._rng.choice((0, 1, 2, 5)))]
            return f"(ids: {self._rendered(definition.args['ids'].type, ids)})"
        arguments = [
            *self._paging(definition, rows),
            *self._listing(definition),
        ]
        self._rng.shuffle(arguments)
        return f"({', '.join(arguments)})" if arguments else ""

    def _id(self, of: str | None = None) -> str:
        ids, drawn = self._holdings.ids, self._rng.random()
        if drawn < 0.03:
            return self._rng.choice(self._holdings.foreign_ids)
        if drawn < 0.04:
            return self._rng.choice(("x", "", "Q3VzdG9tZXI6MA", "Q3VzdG9tZXI6OTk5OTk5OTk5OTk5OTk"))
        return self._rng.choice(ids[of or self._rng.choice(sorted(ids))])

    def _by(self) -> str:
        known = self._holdings.samples
        sort = self._rng.choices(("id", "number", "email", "externalId"), (80, 10, 8, 2))[0]
        values = known.get(("Customer", sort)) or ["x"]
        value = self._id("Customer") if sort == "id" else self._rng.choice(values)
        if self._chance(0.3):
            return self._variable("CustomerBy!", {sort: value})
        type_ = {"id": "ID!", "email": "EmailAddress!"}.get(sort, "String!")
        rendered = self._variable(type_, value) if self._chance(0.4) else json.dumps(value)
        return f"{{{sort}: {rendered}}}"

    def _variable(self, declared: str, value: Any) -> str:
        name = self._new("v")
        self._definitions.append(f"${name}: {declared}")
        self._values[name] = value
        return f"${name}"

    def _paging(self, definition: GraphQLField, rows: int) -> list[str]:
        """Arguments of paging; the cursor of a page to be turned is filled in afterwards."""
        size = self._rng.choice(
            [size for size in (1, 1, 2, 3, 5, 20, 100) if size * rows <= MOST_ROWS] or [1]
        )
        drawn, integer = self._rng.random(), definition.args["first"].type
        if drawn < 0.012:
            wrong = ("first: 0", "first: 101", "first: 1, last: 1", "last: -1", 'after: "x"')
            return [self._rng.choice(wrong)]
        if drawn < 0.25 and rows * 20 <= MOST_ROWS:
            return []
        end = "first" if drawn < 0.7 else "last"
        if self._chance(0.3):
            # The literal size is what `_below` counts rows by, so a variable goes with few.
            return [f"{end}: {self._rendered(integer, min(size, 3))}"]
        paging = [f"{end}: {size}"]
        if self._chance(0.45):
            name, cursor = self._new("v"), "after" if end == "first" else "before"
            self._definitions.append(f"${name}: String")
            self._values[name] = self._rng.choice((None, OMITTED))
            self._cursors[name] = self._new("cursor")
            paging.append(f"{cursor}: ${name}")
        return paging

    def _listing(self, definition: GraphQLField) -> list[str]:
        arguments, made = [], get_named_type(definition.type).name.removesuffix("Connection")
        if self._chance(0.25):
            where = self._where(definition.args["where"].type, made)
            arguments.append(f"where: {self._rendered(definition.args['where'].type, where)}")
        if self._chance(0.3):
            type_ = definition.args["orderBy"].type
            arguments.append(f"orderBy: {self._rendered(type_, self._order(type_))}")
        if "search" in definition.args and self._chance(0.2):
            words = self._rng.choice(self._holdings.words)
            arguments.append(f"search: {self._rendered(definition.args['search'].type, words)}")
        return arguments

    def _order(self, type_: GraphQLInputType) -> dict[str, Any]:
        input_: Any = get_nullable_type(type_)
        fields: Any = get_named_type(input_.fields["field"].type)
        order = {"field": self._rng.choice(list(fields.values))}
        if self._chance(0.6):
            order["direction"] = self._rng.choice(("ASC", "DESC"))
        return order

    def _where(self, type_: GraphQLInputType, record: str) -> dict[str, Any]:
        input_: Any = get_nullable_type(type_)
        names = self._rng.sample(
            list(input_.fields), min(self._rng.choice((1, 1, 1, 2, 3)), len(input_.fields))
        )
        where: dict[str, Any] = {}
        for name in names:
            if get_named_type(input_.fields[name].type).name == "KeyFilter":
                where[name] = self._keys()
                continue
            operators: Any = get_nullable_type(input_.fields[name].type)
            chosen = self._rng.sample(
                list(operators.fields), 1 if self._chance(0.8) else min(2, len(operators.fields))
            )
            where[name] = {
                operator: self._operand(operators.fields[operator].type, operator, record, name)
                for operator in chosen
            }
        return where

    def _keys(self) -> list[dict[str, Any]]:
        """What an object of values by keys must hold, in the words of the demonstration."""
        filters = []
        for _ in range(self._rng.choice((0, 1, 1, 1, 2))):
            key, values = self._rng.choice(
                (
                    ("customerGroup", ("Privat", "Bildung", "x")),
                    ("clubNumber", ("C-10000", "", 1)),
                    ("costCentre", ("1000", 1000, True)),
                    ("deliverySpot", ("Briefkasten", 0.5, False)),
                )
            )
            operator = self._rng.choice(("eq", "eq", "oneOf", "isNull"))
            operand: Any = self._rng.choice(values)
            if operator == "oneOf":
                operand = [self._rng.choice(values) for _ in range(self._rng.choice((0, 1, 3)))]
            elif operator == "isNull":
                operand = self._chance(0.5)
            filters.append({"key": key, operator: operand})
        return filters

    def _operand(self, type_: GraphQLInputType, operator: str, record: str, name: str) -> Any:
        if operator == "isNull":
            return self._chance(0.5)
        named: Any = get_named_type(type_)
        if isinstance(named, GraphQLEnumType):
            values = list(named.values)
        else:
            values = self._holdings.samples.get((record, name)) or list(ODD_VALUES[named.name])
            if self._chance(0.1):
                values = list(ODD_VALUES[named.name])
        if operator == "oneOf":
            return [self._rng.choice(values) for _ in range(self._rng.choice((0, 1, 2, 3)))]
        value = self._rng.choice(values)
        if operator == "contains" and isinstance(value, str) and value:
            start = self._rng.randrange(len(value))
            return value[start : start + 3].swapcase()
        return value

    def _rendered(self, type_: GraphQLInputType, value: Any, share: float = 0.3) -> str:
        """A value as a literal, as a variable in one of several ways, or with variables inside."""
        if self._chance(share):
            return self._given(type_, value)
        nullable = get_nullable_type(type_)
        if isinstance(nullable, GraphQLInputObjectType) and value is not None:
            fields = (
                f"{name}: {self._rendered(nullable.fields[name].type, member, 0.15)}"
                for name, member in value.items()
            )
            return f"{{{', '.join(fields)}}}"
        return literal(type_, value)

    def _given(self, type_: GraphQLInputType, value: Any) -> str:
        name, bare = self._new("v"), str(get_nullable_type(type_))
        ways: list[tuple[str, Any]] = [
            (f"{bare}!", value),
            (f"{bare}! = {literal(type_, value)}", OMITTED),
            (f"{bare} = {literal(type_, value)}", OMITTED),
            (f"{bare} = {literal(type_, value)}", value),
        ]
        if not is_non_null_type(type_):
            ways += [(bare, value), (bare, value), (bare, None), (bare, OMITTED)]
        declared, sent = self._rng.choice(ways)
        self._definitions.append(f"${name}: {declared}")
        self._values[name] = sent
        return f"${name}"


def literal(type_: GraphQLInputType, value: Any) -> str:
    """A value as GraphQL writes it."""
    nullable = get_nullable_type(type_)
    if value is None:
        return "null"
    if isinstance(nullable, GraphQLList):
        return f"[{', '.join(literal(nullable.of_type, member) for member in value)}]"
    if isinstance(nullable, GraphQLInputObjectType):
        fields = nullable.fields
        members = (
            f"{name}: {literal(fields[name].type, member)}" for name, member in value.items()
        )
        return f"{{{', '.join(members)}}}"
    write: Callable[[Any], str] = str if isinstance(nullable, GraphQLEnumType) else json.dumps
    return write(value)
