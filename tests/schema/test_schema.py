"""The schema as clients see it: written down, described, and consistent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    is_introspection_type,
    is_specified_scalar_type,
)

from app.schema.root import schema as strawberry_schema
from tests.schema.documents import schema

COMMITTED = Path(__file__).parents[2] / "schema.graphql"

TYPES = [
    type_
    for type_ in schema.type_map.values()
    if not is_introspection_type(type_) and not is_specified_scalar_type(type_)
]


def test_the_committed_schema_is_the_one_in_the_code() -> None:
    assert COMMITTED.read_text() == strawberry_schema.as_str() + "\n", "Run `make schema`."


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.name)
def test_everything_has_a_description(type_: GraphQLNamedType) -> None:
    assert type_.description
    if isinstance(type_, GraphQLScalarType):
        assert type_.specified_by_url
    for name, part in _parts(type_):
        assert part.description, f"{type_.name}.{name}"


def _parts(type_: GraphQLNamedType) -> Iterator[tuple[str, Any]]:
    """What a type is made of: enum values, input fields, fields and their arguments."""
    if isinstance(type_, GraphQLEnumType):
        yield from type_.values.items()
    if isinstance(type_, GraphQLInputObjectType):
        yield from type_.fields.items()
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in type_.fields.items():
            yield name, field
            yield from ((f"{name}({key})", argument) for key, argument in field.args.items())


def test_a_permission_is_shown_as_a_directive() -> None:
    assert "invoices(" in COMMITTED.read_text()
    assert '@requires(permission: "invoice:read")' in COMMITTED.read_text()
