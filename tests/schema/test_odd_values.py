"""Values at the edge of what a type holds, and cursors made up by the client."""

import base64
from decimal import Decimal

import pytest

from app import models
from app.schema.node import encode_id
from tests.publisher import Publisher, codes

INVOICES = """query($id: ID!, $where: InvoiceWhere, $orderBy: InvoiceOrder, $after: String) {
    customer(by: {id: $id}) { invoices(first: 1, where: $where, orderBy: $orderBy, after: $after) {
        totalCount pageInfo { endCursor } } } }"""


@pytest.fixture
async def customer(publisher: Publisher) -> str:
    """A customer with one invoice of 10.00."""
    key = await publisher.customer()
    await publisher.make(models.Invoice, customer_id=key, number="RE-1", gross=Decimal("10.00"))
    return encode_id("Customer", key)


@pytest.mark.parametrize(
    ("operand", "count"),
    [
        ({"gte": "10"}, 1),
        ({"gte": "10.001"}, 0),
        ({"eq": "10.004"}, 0),
        ({"lte": "9.999"}, 0),
        ({"lte": "999999999999999999"}, 1),
        ({"gte": "-999999999999999999.999999999999999999"}, 1),
    ],
)
async def test_amounts_are_compared_as_they_are_given(
    publisher: Publisher, customer: str, operand: dict[str, str], count: int
) -> None:
    data = await publisher.data(INVOICES, id=customer, where={"gross": operand})
    assert data["customer"]["invoices"]["totalCount"] == count


@pytest.mark.parametrize(
    "number",
    ["1E+17", "1E-1000000", "0E+999999", "NaN", "Infinity", "1" * 19, "0." + "1" * 19, "1_0", ""],
)
async def test_a_decimal_has_no_exponent_and_an_end(
    publisher: Publisher, customer: str, number: str
) -> None:
    answer = await publisher.ask(INVOICES, id=customer, where={"gross": {"gte": number}})
    assert codes(answer) == ["BAD_REQUEST"]


FORGED = {
    "GROSS": ["NaN", "sNaN", "-Infinity", "1E+40", "1E-999999", "1E+999999", "1" * 41, "x"],
    "CREATED_AT": [
        "-infinity",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2020-13-01",
    ],
    "ISSUED_ON": ["-infinity", "0000-01-01", "2020-02-30"],
    "NUMBER": ["a\0b"],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in FORGED.items() for value in values]
)
async def test_a_cursor_made_up_is_the_clients_fault(
    publisher: Publisher, customer: str, field: str, value: str
) -> None:
    order = {"field": field}
    page = (await publisher.data(INVOICES, id=customer, orderBy=order))["customer"]["invoices"]
    cursor: str = page["pageInfo"]["endCursor"]
    made_for = base64.urlsafe_b64decode(cursor + "==").decode().partition(":")[0]
    forged = base64.urlsafe_b64encode(f"{made_for}:1:{value}".encode()).decode()
    answer = await publisher.ask(INVOICES, id=customer, orderBy=order, after=forged)
    assert codes(answer) == ["BAD_REQUEST"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("GROSS", "1" * 40),
        ("CREATED_AT", "2020-01-01T00:00:00+23:59"),
        ("CREATED_AT", "9999-12-31T23:59:59.999999+00"),
        ("ISSUED_ON", "0001-01-01"),
        ("PAID_AT", "infinity"),
        ("NUMBER", ":::\u202e\\"),
    ],
)
async def test_a_cursor_at_the_edge_is_read(
    publisher: Publisher, customer: str, field: str, value: str
) -> None:
    order = {"field": field}
    page = (await publisher.data(INVOICES, id=customer, orderBy=order))["customer"]["invoices"]
    cursor: str = page["pageInfo"]["endCursor"]
    made_for = base64.urlsafe_b64decode(cursor + "==").decode().partition(":")[0]
    edge = base64.urlsafe_b64encode(f"{made_for}:1:{value}".encode()).decode()
    await publisher.data(INVOICES, id=customer, orderBy=order, after=edge)
