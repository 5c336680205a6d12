"""Whatever valid query a client thinks of, the answer is never a fault of ours."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import hypothesis_graphql
from graphql import (
    ArgumentNode,
    FieldNode,
    IntValueNode,
    ListValueNode,
    NameNode,
    ObjectFieldNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    Visitor,
    parse,
    print_ast,
    visit,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes

from app.errors import ErrorCode
from app.schema.node import encode_id
from tests.publisher import Publisher
from tests.schema.documents import schema

SCALARS = {
    "DateTime": "2020-01-02T03:04:05.678901+02:00",
    "Date": "2020-02-29",
    "Decimal": "-0.10",
    "EmailAddress": "Erika@Example.org",
    "CountryCode": "DE",
    "CurrencyCode": "EUR",
    "PhoneNumber": "+4930901820",
    "URL": "https://example.org/",
}

EXPECTED = set(ErrorCode) - {ErrorCode.INTERNAL, ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT}


def _literals() -> dict[str, Any]:
    """Literals of our own scalars, good and bad."""
    return {
        name: st.sampled_from([sample, "", "x", "2020-13-45", "\U0001f600"]).map(nodes.String)
        for name, sample in SCALARS.items()
    } | {"JSON": st.just(nodes.Null)}


QUERIES = hypothesis_graphql.queries(
    schema, custom_scalars=_literals(), allow_null=True, codec="utf-8"
)


class _Tamed(Visitor):
    """Rewrites a query so that its paging is in range and its ids are a customer's."""

    def __init__(self, customer: str) -> None:
        super().__init__()
        self._customer = StringValueNode(value=customer)

    def enter_field(self, node: FieldNode, *_: Any) -> FieldNode:
        """Keep `first` within bounds, and leave out what contradicts it."""
        kept = []
        for argument in node.arguments or ():
            name = argument.name.value
            if name in {"last", "after", "before", "search"}:
                continue
            if name == "first" and isinstance(argument.value, IntValueNode):
                kept.append(_with_value(argument, IntValueNode(value="5")))
            elif name == "id":
                kept.append(_with_value(argument, self._customer))
            elif name == "ids":
                kept.append(_with_value(argument, ListValueNode(values=(self._customer,))))
            elif name == "by":
                by = ObjectFieldNode(name=NameNode(value="id"), value=self._customer)
                kept.append(_with_value(argument, ObjectValueNode(fields=(by,))))
            else:
                kept.append(argument)
        return replace(node, arguments=tuple(kept))


def _with_value(argument: ArgumentNode, value: ValueNode) -> ArgumentNode:
    return ArgumentNode(name=argument.name, value=value)


def _generated(count: int) -> list[str]:
    """Queries that hypothesis makes of the schema, the same in every run."""
    queries: list[str] = []

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(QUERIES)
    def collect(query: str) -> None:
        queries.append(query)

    collect()
    return queries


async def test_generated_queries_are_answered_or_refused(publisher: Publisher) -> None:
    customer = encode_id("Customer", await publisher.full_account())
    outcomes = Counter[str]()
    for query in _generated(50):
        tamed = print_ast(visit(parse(query), _Tamed(customer)))
        for text in (query, tamed):
            answer = await publisher.ask(text)
            codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
            assert codes <= EXPECTED, (text, json.dumps(answer)[:2000])
            outcomes.update(codes or {"answered"})
    assert outcomes["answered"] > 15, outcomes
