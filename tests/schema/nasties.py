"""Queries written by hand for what ways of reading could disagree about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType

from app.auth.permissions import Permission
from app.schema.customer import Customer
from app.schema.node import encode_id, key_of
from tests.schema.documents import ACCOUNT, everything, schema
from tests.schema.holdings import Holdings

_CUSTOMER = encode_id("Customer", 1)[:11]
"""How the ids of customers begin."""

Variables = Callable[[Holdings], dict[str, Any]]


def _customer(holdings: Holdings) -> dict[str, Any]:
    """The account with the least record in every tab."""
    return {"id": encode_id("Customer", _numbers(holdings)[-2])}


def _shown(holdings: Holdings) -> dict[str, Any]:
    """The account of the demonstration with long tabs."""
    return {"id": encode_id("Customer", _numbers(holdings)[0])}


def _odd(holdings: Holdings) -> dict[str, Any]:
    return {"id": encode_id("Customer", _numbers(holdings)[-1])}


def _numbers(holdings: Holdings) -> list[int]:
    return sorted(key_of(known, Customer) for known in holdings.ids["Customer"])


def _one_of_each(holdings: Holdings) -> dict[str, Any]:
    return {"ids": [ids[0] for ids in holdings.ids.values()] + holdings.foreign_ids[:3]}


@dataclass(frozen=True)
class Nasty:
    """A query, its variables, and what becomes of it: data, and by which way.

    `compiled` is None where it doesn't matter.
    """

    text: str
    variables: Variables = _customer
    compiled: bool | None = True
    answered: bool = True
    without: tuple[Permission, ...] = ()


def _of_customer(selection: str, head: str = "") -> str:
    return f"query($id: ID!{head}) {{ customer(by: {{id: $id}}) {{ {selection} }} }}"


_CUSTOMER_TYPE = schema.type_map["Customer"]
assert isinstance(_CUSTOMER_TYPE, GraphQLObjectType)

NASTIES = {
    "the whole account": Nasty(ACCOUNT, _shown),
    "the account of least records": Nasty(ACCOUNT),
    "an account with odd texts": Nasty(ACCOUNT, _odd),
    "everything of a customer": Nasty(
        _of_customer("...E") + f" fragment E on Customer {everything(_CUSTOMER_TYPE, 1)}",
        compiled=None,
    ),
    "records of every type": Nasty(
        "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Record { createdAt actor {"
        " kind } } ... on AccountRecord { customer { number } } } }",
        _one_of_each,
    ),
    "fragments on interfaces, inside each other": Nasty(
        _of_customer("...A ...B")
        + """ fragment A on Customer { ... on Node { id ... on Record { createdAt ...C } } }
        fragment B on Record { id __typename ...C ... { changedAt } }
        fragment C on Node { id ... on AccountRecord { actor { kind } }
            ... on Customer { number activities(first: 2) { nodes { ...D } } } }
        fragment D on AccountRecord { __typename id customer { ...E } ... on Activity { text } }
        fragment E on Node { id ... on Customer { lastName } ... on Activity { text } }"""
    ),
    "aliases that are names of columns": Nasty(
        _of_customer(
            "tenant_id: number id: lastName customer_id: email r0: id"
            " k0: activities(first: 1) { key: nodes { value: id item: text tenant_id: kind }"
            " keys: totalCount places: pageInfo { size: endCursor } }"
        )
    ),
    "__typename everywhere": Nasty(
        "query($id: ID!) { __typename t: __typename customer(by: {id: $id}) { __typename"
        " counts { __typename } optIns { __typename nodes { __typename actor { __typename } }"
        " edges { __typename node { __typename } } pageInfo { __typename } } } }"
    ),
    "the same field from several places": Nasty(
        """query($id: ID!) { customer(by: {id: $id}) { ...A invoices(first: 2) { totalCount }
            ... on Customer { invoices(first: 2) { nodes { id items { title } } } } }
            customer(by: {id: $id}) { number invoices(first: 2) { nodes { items { net } number }
                edges { cursor } } } }
        fragment A on Customer { invoices(first: 2) { nodes { taxes { tax } id } } }"""
    ),
    "nothing left of an object": Nasty(
        _of_customer(
            "id @skip(if: $yes) activities @include(if: $no) { totalCount }"
            " optIns { nodes @skip(if: $yes) { id } } mails { nodes { id @include(if: $no) } }",
            ", $yes: Boolean = true, $no: Boolean! = false",
        )
    ),
    "a paywall, twice": Nasty(
        'query($id: ID!) { x: hasAccess(customer: {id: $id}, uniqueId: "digital") { __typename'
        " why: reason ok: allowed allowed validUntil validFrom }"
        ' hasAccess(customer: {number: "10001"}, uniqueId: "no-such-thing") { reason } }'
    ),
    "both conditions at once": Nasty(
        _of_customer(
            "a: id @skip(if: $no) @include(if: $yes) b: id @skip(if: $yes) @include(if: $yes)"
            " ... @include(if: $yes) { c: number ...C @skip(if: $no) }",
            ", $yes: Boolean! = true, $no: Boolean = false",
        )
        + " fragment C on Customer { d: lastName }"
    ),
    "conditions without a value": Nasty(
        _of_customer("id @skip(if: $no) number", ", $no: Boolean = false"),
        lambda holdings: {**_customer(holdings), "no": None},
        compiled=False,
        answered=False,
    ),
    "a key that is a name in the statement": Nasty(
        _of_customer("anon_1: id anon_2: number anon_3: activities(first: 1) { totalCount }"),
    ),
    "variables that are null or omitted": Nasty(
        _of_customer(
            "a: activities(first: $size, after: $after, where: $where, orderBy: $order) {"
            " nodes { id } } b: activities(where: {kind: {eq: $kind}, text: {contains: $text}},"
            " orderBy: {field: KIND, direction: $way}) { totalCount nodes { id } }",
            ", $size: Int, $after: String = null, $where: ActivityWhere, $order: ActivityOrder,"
            " $kind: ActivityKind, $text: String, $way: OrderDirection = DESC",
        ),
        lambda holdings: {**_shown(holdings), "size": None, "where": None, "text": None},
    ),
    "one name for what is in another place a list": Nasty(
        _of_customer("a: activities(first: 1) { nodes { id } } b: number activities: id")
    ),
    "linked records and back": Nasty(
        _of_customer(
            "subscriptions(first: 2) { nodes { number order { number customer { number"
            " subscriptions(last: 1) { nodes { order { id customer { id invoices(first: 1) { nodes"
            " { subscription { number } } } } } } } } } offer { product { name } } } }"
        ),
        _shown,
    ),
    "the longest key": Nasty(_of_customer(f"{'k' * 63}: id")),
    "a longer key than PostgreSQL takes": Nasty(_of_customer(f"{'k' * 64}: id"), compiled=False),
    "more fields than an object of PostgreSQL takes": Nasty(
        _of_customer(
            "activities(first: 1) { " + " ".join(f"t{n}: totalCount" for n in range(51)) + " }"
        ),
        compiled=False,
    ),
    "a tab that is empty": Nasty(
        '{ customer(by: {number: "empty"}) { lastName activities { totalCount nodes { id } edges'
        " { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"
        " b: mails(last: 3) { nodes { id } pageInfo { startCursor } } } }",
        lambda _: {},
    ),
    "a customer who is not there": Nasty(
        '{ customer(by: {number: "nobody"}) { id } viewer { name } }', lambda _: {}
    ),
    "another tenant's customer": Nasty(
        "query($id: ID!) { customer(by: {id: $id}) { id } node(id: $id) { id } }",
        lambda holdings: {
            "id": next(known for known in holdings.foreign_ids if known.startswith(_CUSTOMER))
        },
        answered=False,
    ),
    "a cursor that is none": Nasty(
        _of_customer('number activities(after: "x") { nodes { id } }'), compiled=False
    ),
    "both ends of a page": Nasty(
        _of_customer("number activities(first: 1, last: 1) { nodes { id } }"), compiled=False
    ),
    "too large a page": Nasty(
        _of_customer("number activities(first: 101) { nodes { id } }"), compiled=False
    ),
    "a tab that may not be seen": Nasty(
        _of_customer("number activities { nodes { id } } invoices(first: 1) { nodes { id } }"),
        without=(Permission.ACTIVITY_READ,),
    ),
    "a signed address": Nasty(
        _of_customer("invoices(first: 3) { nodes { pdf { name downloadUrl } } }"),
        _shown,
    ),
}
"""By what is nasty about them."""
