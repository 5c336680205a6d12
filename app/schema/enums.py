"""Enums of the tables as GraphQL shows them, with a description for every member."""

from enum import Enum, StrEnum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

E = TypeVar("E", bound=type[Enum])


def described(enum: E, description: str, members: dict[str, str], name: str | None = None) -> E:
    """Show an enum in the schema.

    Raises:
        TypeError: when a member has no description, or a description no member.
    """
    if set(members) != set(enum.__members__):
        raise TypeError(f"{enum.__name__}: describe each of {sorted(enum.__members__)}.")
    # An action's input may have made a definition before, which it holds on to.
    held: StrawberryEnumDefinition | None = vars(enum).get("__strawberry_definition__")
    strawberry.enum(enum, name=name, description=description)
    definition: StrawberryEnumDefinition = enum.__strawberry_definition__  # type: ignore[attr-defined]  # Set by the line above.
    for value in definition.values:
        value.description = members[value.name]
    if held is not None:
        vars(held).update(vars(definition))
        enum.__strawberry_definition__ = held  # type: ignore[attr-defined]  # As above.
    return enum


class OrderDirection(StrEnum):
    """Which way a list is sorted."""

    ASC = "ASC"
    DESC = "DESC"


described(
    OrderDirection,
    "Which way a list is sorted.",
    {"ASC": "The smallest or earliest first.", "DESC": "The largest or latest first."},
)
