"""What must not be told by looking for it: arguments about what the caller may not read."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from graphql import GraphQLField, GraphQLInputObjectType, get_named_type
from strawberry.utils.str_converters import to_camel_case

from app.auth.permissions import Permission
from app.schema.inputs import list_inputs
from app.schema.node import _TYPES
from tests.matrix.account import IBAN, INTERNAL, INVOICE
from tests.matrix.callers import CALLERS, PARTNER_WITHOUT, Place
from tests.matrix.conftest import Compare
from tests.matrix.reading import literal, outcome
from tests.schema.documents import schema

pytestmark = pytest.mark.asyncio(loop_scope="package")

SEARCHED = {
    "the customer's name": ("Geheim", Permission.CUSTOMER_READ),
    "an address": ("Hauptstraße", Permission.ADDRESS_READ),
    "an IBAN": (IBAN, Permission.BANK_ACCOUNT_READ),
    "an invoice's number": (INVOICE, Permission.INVOICE_READ),
}
"""What `customers(search:)` finds the account by, and what one must be allowed to read."""


@dataclass(frozen=True)
class Asked:
    """A list with an argument, and what it takes to use it."""

    name: str
    query: str
    needs: Permission


def guarded(place: Place) -> Iterator[Asked]:
    """Every filter and order by a field that not everybody may read who sees its record."""
    for name, list_, record in _lists():
        inputs = list_inputs(record)
        of = f"customer(by: {{id: {literal(place.customer_id)}}})"
        for python_name, field in inputs.filterable.items():
            if field.needs is not None:
                key = to_camel_case(python_name)
                where = f"where: {{{key}: {_something(list_, key)}}}"
                yield Asked(f"{name}(where: {key})", _query(name, of, where), field.needs)
        for python_name, field in inputs.sortable.items():
            if field.needs is not None:
                order = f"orderBy: {{field: {python_name.upper()}}}"
                yield Asked(
                    f"{name}(orderBy: {python_name.upper()})", _query(name, of, order), field.needs
                )


def _lists() -> Iterator[tuple[str, GraphQLField, type]]:
    """The lists of the root and of an account, with what is in them."""
    types = {type_.__name__: type_ for type_ in _TYPES.values()}
    for parent in ("Query", "Customer"):
        for name, field in schema.type_map[parent].fields.items():  # type: ignore[attr-defined]  # Objects.
            type_ = get_named_type(field.type).name
            if type_.endswith("Connection"):
                record = type_.removesuffix("Connection")
                yield f"{parent}.{name}", field, types[record]


def _query(name: str, of: str, argument: str) -> str:
    parent, field = name.split(".")
    list_ = f"it: {field}({argument}) {{ totalCount }}"
    return f"{{ {list_} }}" if parent == "Query" else f"{{ {of} {{ {list_} }} }}"


def _something(list_: GraphQLField, key: str) -> str:
    """A comparison that holds for the account."""
    where = get_named_type(list_.args["where"].type)
    assert isinstance(where, GraphQLInputObjectType)
    filter_ = get_named_type(where.fields[key].type)
    assert isinstance(filter_, GraphQLInputObjectType)
    if "isNull" in filter_.fields:
        return "{isNull: false}"
    return f"{{contains: {literal(INTERNAL)}}}"


def searches() -> Iterator[Asked]:
    """A search by each source of words."""
    for what, (words, needs) in SEARCHED.items():
        query = f"{{ it: customers(search: {literal(words)}) {{ totalCount }} }}"
        yield Asked(f"Query.customers(search: {what})", query, needs)


@pytest.mark.parametrize("caller", CALLERS)
async def test_nobody_learns_by_asking_what_the_table_does_not_say(
    account: Place, compare: Compare, caller: str
) -> None:
    token = (await CALLERS[caller](account)).token
    found = {}
    for asked in (*guarded(account), *searches()):
        if caller == PARTNER_WITHOUT:
            token = await account.publisher.issue_token(*(set(Permission) - {asked.needs}))
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        response = await account.publisher.client.post(
            "/graphql", json={"query": asked.query}, headers=headers
        )
        answer = response.json()
        path = ("it",) if asked.name.startswith("Query.") else ("customer", "it")
        found[asked.name] = outcome(answer, path)
    compare("arguments", caller, found)
