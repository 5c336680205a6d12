"""Of what two customers have said to being approached, what forbids counts, and no consent does
for an address that it was not given for."""

from datetime import timedelta
from itertools import product
from typing import Any, NamedTuple

import asyncpg
import httpx2
import pytest

from app import models
from app.jobs.registry import JobContext
from app.schema.node import encode_id
from tests.conftest import Database
from tests.merges import PREVIEW, both, everything_written, merge
from tests.publisher import Publisher, refusals
from tests.rows import EPOCH
from tests.work.histories import faults

STATES = ("NONE", "SINGLE_OPT_IN", "DOUBLE_OPT_IN", "OBJECTION", "REVOKED")
CONSENTS = STATES[1:3]
LAPSES = {"EMAIL": "duplicate", "PHONE": "kept", "MESSENGER": "kept", "POST": None}
"""Whose consents lapse where the customer has an e-mail address and the duplicate has another one,
and only the duplicate has a number."""

MARK = "Formular-Zwiebelfisch"
HASH = "5" * 64


class Case(NamedTuple):
    """What was said, by whom first, on which channel; None where nothing was."""

    earlier: str
    later: str | None
    first: str
    channel: str

    @property
    def said(self) -> dict[str, str]:
        """What each customer has said."""
        second = {"kept": "duplicate", "duplicate": "kept"}[self.first]
        return {self.first: self.earlier, **({second: self.later} if self.later else {})}


CASES = [Case(*case) for case in product(STATES, (*STATES, None), ("kept", "duplicate"), LAPSES)]


def expected(case: Case) -> str:
    """What it comes to."""
    states = [*case.said.values()]
    for forbidding in ("OBJECTION", "REVOKED"):
        if forbidding in states:
            return forbidding
    lapses = LAPSES[case.channel]
    if lapses not in case.said:
        return states[-1]
    staying = case.said.get("kept" if lapses == "duplicate" else "duplicate")
    if staying in CONSENTS:
        return staying
    return "REVOKED" if case.said[lapses] in CONSENTS else states[-1]


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def publisher(owner: asyncpg.Connection, client: httpx2.AsyncClient) -> Publisher:
    """A publisher whose merges are ordered and seen over HTTP."""
    return await Publisher.found(owner, client)


async def say(
    publisher: Publisher, customer: int, status: str, *, day: int = 0, **of: Any
) -> tuple[int, int]:
    """Let a customer say something; the keys of the state and of the entry that counts."""
    opt_in = await publisher.make(models.OptIn, customer_id=customer, **of)
    own = {"customer_id": customer, "opt_in_id": opt_in, "source": MARK}
    at = EPOCH + timedelta(days=day)
    if status == "DOUBLE_OPT_IN":
        first = at - timedelta(hours=1)
        own["confirms_id"] = await publisher.make(models.OptInEntry, created_at=first, **own)
    return opt_in, await publisher.make(models.OptInEntry, created_at=at, status=status, **own)


async def two_reached_differently(publisher: Publisher) -> dict[str, int]:
    """Two customers with an e-mail address each, of whom one has a number."""
    return {
        "kept": await publisher.customer(email="a@example.org"),
        "duplicate": await publisher.customer(email="b@example.org", phone="+4930123"),
    }


async def logs(publisher: Publisher) -> dict[str, tuple[str, list[str]]]:
    """The states and the logs of all opt-ins, by purposes; of a double opt-in, the second step."""
    rows = await publisher.owner.fetch(
        "SELECT purpose, opt_in.status, array_agg(entry.status ORDER BY entry.created_at, entry.id)"
        " FILTER (WHERE NOT EXISTS (SELECT FROM opt_in_entry AS second"
        " WHERE second.confirms_id = entry.id AND entry.status = 'SINGLE_OPT_IN')) AS log"
        " FROM opt_in JOIN opt_in_entry AS entry ON entry.opt_in_id = opt_in.id"
        " AND entry.customer_id = opt_in.customer_id"
        " WHERE opt_in.tenant_id = $1 GROUP BY opt_in.id, 1, 2",
        publisher.tenant_id,
    )
    return {row["purpose"]: (row["status"], row["log"]) for row in rows}


async def test_what_forbids_counts_and_no_consent_does_for_another_address(
    context: JobContext, publisher: Publisher
) -> None:
    customers = await two_reached_differently(publisher)
    for place, case in enumerate(CASES):
        of: dict[str, Any] = {"purpose": f"p{place}", "channel": case.channel}
        for day, (who, status) in enumerate(case.said.items()):
            await say(publisher, customers[who], status, day=day, **of)
    given = both(customers["kept"], customers["duplicate"])
    told = (await publisher.data(PREVIEW, input=given))["previewMerge"]
    await merge(context, publisher, customers["kept"], customers["duplicate"])
    found = await logs(publisher)
    assert len(found) == len(CASES)
    lapsed = 0
    for place, case in enumerate(CASES):
        state, said = expected(case), [*case.said.values()]
        lapsed += case.said.get(LAPSES[case.channel] or "") in CONSENTS
        status, log = found[f"p{place}"]
        assert (status, log[: len(said)]) == (state, said), case
        # What counts stands at the end, and is not said again where it did before.
        assert log[-1] == state, case
        assert len(log) <= len(said) + 1, case
        if said[-1] == state and LAPSES[case.channel] is None:
            assert log == said, case
    notices = {notice["kind"]: notice["count"] for notice in told["notices"]}
    assert notices["CONSENTS_LAPSE"] == lapsed
    assert await faults(publisher) == []


async def test_a_consent_that_goes_on_to_count_is_said_once_more_with_its_proof(
    context: JobContext, publisher: Publisher
) -> None:
    customers = await two_reached_differently(publisher)
    text = await publisher.make(models.OptInText)
    of: dict[str, Any] = {"purpose": "werbung", "channel": "EMAIL"}
    kept, proof = await say(publisher, customers["kept"], "DOUBLE_OPT_IN", **of)
    await publisher.owner.execute("SET abokonto.erasure = 'on'")
    await publisher.owner.execute(
        "UPDATE opt_in_entry SET opt_in_text_id = $2, text_sha256 = $3, ip = '192.0.2.1',"
        " user_agent = 'Browser' WHERE id = $1",
        proof,
        text,
        HASH,
    )
    await publisher.owner.execute("RESET abokonto.erasure")
    await say(publisher, customers["duplicate"], "SINGLE_OPT_IN", day=1, **of)
    await merge(context, publisher, customers["kept"], customers["duplicate"])
    found: Any = await publisher.owner.fetchrow(
        "SELECT status, opt_in_text_id, text_sha256, host(ip), user_agent, source, confirms_id,"
        " declared_at FROM opt_in_entry WHERE opt_in_id = $1 ORDER BY created_at DESC LIMIT 1",
        kept,
    )
    assert tuple(found) == (
        *("DOUBLE_OPT_IN", text, HASH, "192.0.2.1", "Browser", MARK, proof),
        EPOCH,
    )


@pytest.mark.parametrize(("take", "kept"), [([], "kept"), (["EMAIL"], "duplicate")])
async def test_a_link_that_was_sent_to_an_address_given_up_confirms_nothing(
    context: JobContext, publisher: Publisher, take: list[str], kept: str
) -> None:
    customers = await two_reached_differently(publisher)
    wanted = {"purpose": "werbung", "channel": "EMAIL"}
    text = {**wanted, "version": "1", "text": "Ja."}
    assert refusals(await publisher.act("defineOptInText", text)) == []
    [loser] = customers.keys() - {kept}
    payload = await publisher.act(
        "changeOptIn",
        {
            "customerId": encode_id("Customer", customers[loser]),
            "status": "SINGLE_OPT_IN",
            "textVersion": "1",
            "source": MARK,
            **wanted,
        },
        "optInEntry { confirmationToken }",
    )
    await merge(context, publisher, customers["kept"], customers["duplicate"], take=take)
    token = payload["optInEntry"]["confirmationToken"]
    clicked = await publisher.act("recordDoubleOptIn", {"token": token, "source": MARK})
    assert refusals(clicked) == [("CONFIRMATION_INVALID", "token")]
    [(status, log)] = (await logs(publisher)).values()
    assert (status, log) == ("REVOKED", ["SINGLE_OPT_IN", "REVOKED"])
    # It is in the history, and goes with whoever is anonymised.
    anonymised = {"customerId": encode_id("Customer", customers["kept"])}
    assert refusals(await publisher.act("anonymizeCustomer", anonymised)) == []
    assert MARK not in await everything_written(publisher)
    assert await faults(publisher) == []


@pytest.mark.parametrize(
    ("own", "others", "lapses"),
    [
        (None, None, False),
        ("+4930123", "+4930123", False),
        ("+4930123", "+4930124", True),
        (None, "+4930123", False),
        ("+4930123", None, True),
    ],
)
async def test_a_number_that_both_have_keeps_what_either_consented_to(
    context: JobContext,
    publisher: Publisher,
    own: str | None,
    others: str | None,
    lapses: bool,
) -> None:
    kept, duplicate = [await publisher.customer(phone=phone) for phone in (own, others)]
    await say(publisher, duplicate, "DOUBLE_OPT_IN", purpose="werbung", channel="PHONE")
    await merge(context, publisher, kept, duplicate)
    [(status, _)] = (await logs(publisher)).values()
    assert status == ("REVOKED" if lapses else "DOUBLE_OPT_IN")
