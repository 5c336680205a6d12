"""Every field of every type, asked for by everybody on a record in which it has a value."""

from collections.abc import Iterable, Iterator
from itertools import groupby

import pytest
import pytest_asyncio

from app.auth.permissions import Permission
from tests.matrix.account import INTERNAL, MARK
from tests.matrix.callers import CALLERS, PARTNER_WITHOUT, Place
from tests.matrix.conftest import Compare
from tests.matrix.questions import questions
from tests.matrix.reading import Row, document, names_below, outcome, rows_in, value_at
from tests.schema.documents import schema

pytestmark = pytest.mark.asyncio(loop_scope="package")

Rows = dict[str, Row]

DISCOVERERS = ("customer", "partner", "administrator")
"""Those who look for values: customers and staff have some that nobody else has.

Customers do so first, so that what they can reach in some way is asked for in that way.
"""

VALUELESS = {
    "CheckoutDeliveries.count": "No printed issue of the future is in the account.",
    "CheckoutDeliveries.firstOn": "As above.",
    "CheckoutLine.deliveries": "As above.",
}
"""Fields that have no value in the account, and why; the list should only ever shrink."""

HIDDEN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("administrator", "agent", "auditor", "partner"), ()),
    "customer": (INTERNAL,),
}
"""What callers must not read in any answer; those who are not here, nothing of the account."""

MOST_ROWS = 200
"""How many are asked for in one request."""


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def rows(account: Place) -> Rows:
    """Every field, and where it has a value."""
    found: Rows = {}
    asked = await questions(account.publisher, account.customer)
    for caller in DISCOVERERS:
        token = (await CALLERS[caller](account)).token
        for question in asked:
            possible = {f"Query.{question.name}"} | names_below(question.answers)
            if possible <= found.keys():
                continue
            answer = await account.publisher.ask(f"{{ it: {question.ask_all()} }}", token)
            assert "data" in answer, f"See `questions.py`: {answer['errors'][0]['message']}"
            for row in rows_in(question, answer["data"]["it"]):
                found.setdefault(row.name, row)
    return found


async def ask_for(
    place: Place, token: str | None, rows: Iterable[Row], hidden: tuple[str, ...] = ()
) -> dict[str, str]:
    """What somebody gets of some rows, in which there are some words that they must not read."""
    found: dict[str, str] = {}
    for some in _batches(rows):
        query, named = document(some)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        response = await place.publisher.client.post(
            "/graphql", json={"query": query}, headers=headers
        )
        answer = response.json()
        for name, of_question in named.items():
            for row in of_question:
                place_in = (name, *row.path)
                read = str(value_at(answer, place_in))
                assert [word for word in hidden if word in read] == [], row.name
                found[row.name] = outcome(answer, place_in)
    return found


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for _question, some in groupby(rows, key=lambda row: row.question):
        batch += some
        if len(batch) >= MOST_ROWS:
            yield batch
            batch = []
    yield batch


async def without(place: Place, rows: Iterable[Row]) -> dict[str, str]:
    """What partners get of rows who lack the very permission that each needs."""
    found: dict[str, str] = {}
    by_needs: dict[Permission | None, list[Row]] = {}
    for row in rows:
        by_needs.setdefault(row.needs, []).append(row)
    for needs, some in by_needs.items():
        if needs is not None:
            token = await place.publisher.issue_token(*(set(Permission) - {needs}))
            found |= await ask_for(place, token, some)
    return found


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_field_is_shown_to_whom_the_table_says(
    account: Place, rows: Rows, compare: Compare, caller: str
) -> None:
    asked = sorted(rows.values(), key=lambda row: (str(row.question), row.name))
    if caller == PARTNER_WITHOUT:
        found = await without(account, asked)
    else:
        token = (await CALLERS[caller](account)).token
        found = await ask_for(account, token, asked, HIDDEN.get(caller, (MARK, INTERNAL)))
    compare("fields", caller, found)


async def test_every_field_has_a_value_somewhere(rows: Rows) -> None:
    named = names_below(schema.query_type, with_links=True)
    valueless = named - rows.keys()
    assert valueless == VALUELESS.keys(), sorted(valueless ^ VALUELESS.keys())
