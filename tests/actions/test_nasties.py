"""Whatever stands in an input, it is refused or done: nothing of it is a fault of ours."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type
from strawberry.utils.str_converters import to_snake_case

from app import models
from app.work.action import ACTIONS
from tests.actions.examples import EXAMPLES
from tests.publisher import Publisher, codes
from tests.schema.documents import schema

TEXTS = (
    *("", " ", "\0", "\u200b", "\u202e", "\uffff", "\U0010ffff", "a\u0301", "²", "٣٣", "x\ny"),
    *("ß" * 20, "ΐ" * 30, "\ufb2c" * 60, "\U0001d160" * 60, "x" * 201, "x" * 10_001, "9" * 60),
    *("a@b", "a@" + "ü" * 60 + ".de", "+49 30 901820 ext. 5", "fe80::1%eth0", "::ffff:1.2.3.4"),
    *("DE89 3704 0044 0532 0130 00", "CH9300762011623852957", "COBADEFFXXX", "M//1", "(a{999}){9}"),
    *("US", "IE", "CN", "ZZ", "de", "Q3VzdG9tZXI6MA", "====", "1-" + "A" * 32),
)
VALUES: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("String", "EmailAddress", "PhoneNumber", "CountryCode"), TEXTS),
    "ID": ("", "\0", "====", "Q3VzdG9tZXI6MA", "x" * 201),
    "Int": (0, -1, 2**31 - 1, 2**31, 2**64),
    "Boolean": (True, False),
    "Date": ("0001-01-01", "0001-01-02", "9999-12-30", "9999-12-31", "2024-02-29", "2023-02-29"),
    "DateTime": (
        *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00Z"),
        *("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-12:00", "9999-12-30T00:00:00Z"),
    ),
    "JSON": ([], {}, "x", 1, {"": 1}, {"\0": "\0"}, {"a": [[{}]]}, {"a": 1e300}, {"a": 2**63}),
}


def _inputs(rng: random.Random, type_: GraphQLInputObjectType) -> Iterator[dict[str, Any]]:
    """Each nasty value once, in a field that takes it, and null in each."""
    fields: dict[str, list[str]] = {}
    for name, field in type_.fields.items():
        fields.setdefault(get_named_type(field.type).name, []).append(name)
        yield {name: None}
    flags = fields.get("Boolean", ())
    for scalar, names in fields.items():
        for value in VALUES.get(scalar, ()):
            yield {flag: rng.random() < 0.5 for flag in flags} | {rng.choice(names): value}


@pytest.mark.parametrize("name", EXAMPLES)
async def test_nothing_that_is_sent_is_a_fault_of_ours(publisher: Publisher, name: str) -> None:
    rng = random.Random(name)  # noqa: S311  It makes up tests.
    customer = await publisher.customer(tags=["old"])
    await publisher.make(models.AdditionalDataDefinition, key="a", type="NUMBER")
    given = await EXAMPLES[name].input(publisher, customer)
    assert schema.mutation_type is not None
    type_ = get_named_type(schema.mutation_type.fields[name].args["input"].type)
    assert isinstance(type_, GraphQLInputObjectType)
    for nasty in _inputs(rng, type_):
        answer = await publisher.ask_to(name, {**given, **nasty})
        assert not {"INTERNAL", "UNAVAILABLE", "TIMEOUT"} & set(codes(answer)), nasty
        done = (answer.get("data") or {}).get(name) or {"userErrors": []}
        declared = set(ACTIONS[to_snake_case(name)].codes)
        assert {error["code"] for error in done["userErrors"]} <= declared, nasty
