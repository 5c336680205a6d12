"""What an operation asks for is known before it runs, whatever multiplies in it."""

import time
from typing import Any

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse

from app.schema.root import schema as strawberry_schema
from app.server.amounts import LIST_SIZE, LONG, RESOLVED, Amount
from app.server.limits import CAP
from app.settings import Settings
from tests.publisher import Publisher, codes
from tests.schema.documents import ACCOUNT

MOST = Settings.model_fields["max_values"].default

OVERVIEW = """{ customers(first: 100) { totalCount nodes { id number firstName lastName email
    counts { orders invoices subscriptions activities }
    orders(first: 20) { totalCount nodes { id number status } }
    invoices(first: 20) { totalCount nodes { id number gross { amount currency } } } } } }"""


def amount(source: str, variables: dict[str, Any] | None = None) -> float:
    return measure(source).of(variables or {})


def measure(source: str) -> Amount:
    definitions = parse(source).definitions
    (operation,) = (node for node in definitions if isinstance(node, OperationDefinitionNode))
    fragments = {
        node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)
    }
    return Amount(strawberry_schema._schema, operation, fragments)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{ viewer { name kind __typename } }", RESOLVED + 3),
        ("{ customers(first: 7) { totalCount } }", RESOLVED + 7),
        ("{ customers(last: 7) { nodes { id } } }", RESOLVED + 7 * 2),
        ("{ customers { edges { cursor node { id } } } }", RESOLVED + 20 * 4),
        ("{ customers(first: null) { nodes { id } } }", RESOLVED + 20 * 2),
        ("{ customers(first: 5000) { nodes { id } } }", RESOLVED + 100 * 2),
        ("{ customers(first: -1) { nodes { id } } }", RESOLVED + 2),
        ("{ customers(first: 2) { nodes { counts { orders } } } }", RESOLVED + 2 * (2 + RESOLVED)),
        ("{ node(id: 1) { ... on Invoice { items { net } } } }", RESOLVED + 1 + LIST_SIZE),
        ("{ node(id: 1) { ... on Activity { text } } }", RESOLVED + LONG),
        ("{ node(id: 1) { ... on Customer { additionalData } } }", RESOLVED + LONG),
        ("{ node(id: 1) { ... on File { downloadUrl } } }", RESOLVED + RESOLVED),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', RESOLVED + 3),
        (
            "{ ...F ...F } fragment F on Query { customers(first: 9) { ...G } }"
            " fragment G on CustomerConnection { nodes { id } }",
            2 * (RESOLVED + 9 * 2),
        ),
    ],
)
def test_fields_count_as_often_as_pages_repeat_them(source: str, expected: float) -> None:
    assert amount(source) == expected


def test_sizes_come_from_variables() -> None:
    known = measure(
        "query($n: Int = 5, $ids: [ID!]!) { nodes(ids: $ids) { id } a: viewer { name }"
        " customers(first: $n) { nodes { id } } }"
    )
    base = RESOLVED * 3 + 1
    for _ in range(2):
        for size in (1, 50, 100):
            for ids in (0, 3, 100):
                given = {"n": size, "ids": ["x"] * ids}
                assert known.of(given) == base + ids + size * 2
    assert known.of({"n": None, "ids": "x"}) == base + 1 + 40


def test_an_amount_is_kept_for_few_sizes() -> None:
    known = measure("query($n: Int) { customers(first: $n) { nodes { id } } }")
    for size in range(1, 101):
        known.of({"n": size})
    assert len(known._known) <= 16


def test_sums_stop_growing_and_fragments_are_walked_once() -> None:
    bomb = "{ node(id: 1) { ...F0 } }" + " ".join(
        f"fragment F{n} on Customer {{ ...F{n + 1} ...F{n + 1} a: activities {{ nodes {{ customer"
        f" {{ ...F{n + 1} }} }} }} }}"
        for n in range(60)
    )
    started = time.process_time()
    assert amount(bomb + " fragment F60 on Customer { id }") == CAP
    assert time.process_time() - started < 0.5


def test_whole_pages_are_admitted() -> None:
    for size in (20, 100):
        assert amount(ACCOUNT, {"first": size}) < MOST
    assert amount(OVERVIEW) < MOST


async def test_an_endless_answer_is_refused(publisher: Publisher) -> None:
    turns = 3
    source = (
        "query($n: Int) { customers(first: 1) { nodes { "
        + "activities(first: $n) { nodes { customer { " * turns
        + "id"
        + "} } }" * turns
        + "} } }"
    )
    assert codes(await publisher.ask(source, n=100)) == ["QUERY_TOO_COMPLEX"]
    assert codes(await publisher.ask(source, n=1)) == []
