"""Limits of roles: what is given away stays within them, also where two give at once."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from app import models
from app.schema.node import encode_id
from tests.actions.conftest import Clock
from tests.actions.readers import WEDNESDAY, WHY, employ, paper, subscribe, subscription_id
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, refusals

LIMIT = "goodwillLimit { id roleName currency perGift perMonth }"
RIGHTS = ["goodwill:give", "goodwill:read", "customer:read"]


@pytest.fixture(autouse=True)
def _on_a_wednesday(clock: Clock) -> None:
    clock.at = WEDNESDAY


@pytest.fixture
async def role(publisher: Publisher) -> int:
    """The key of a role that gives away."""
    return await publisher.make(models.Role, name="kulanz", permissions=RIGHTS)


@pytest.fixture
async def agent(publisher: Publisher, role: int) -> str:
    """The token of a member of staff in that role."""
    return await employ(publisher, role, "Anna")


@pytest.fixture
async def given_to(publisher: Publisher) -> str:
    """The id of a subscription whose six issues cost 60.00, one thus 10.00."""
    weekly = await paper(publisher, 6)
    customer = await publisher.customer()
    values = {"issue_based": True, "price": "60.00"}
    return subscription_id(await subscribe(publisher, customer, weekly, **values))


async def limit(publisher: Publisher, role: int, **values: Any) -> dict[str, Any]:
    """Set limits that nothing stands against."""
    asked = {"roleId": encode_id("Role", role), **values}
    payload = await publisher.act("setGoodwillLimit", asked, LIMIT)
    assert payload["userErrors"] == []
    done: dict[str, Any] = payload["goodwillLimit"]
    return done


async def give(publisher: Publisher, token: str, subscription: str, count: int) -> Any:
    """Give free issues away; None where that was done, else why not."""
    asked = {**WHY, "subscriptionId": subscription, "count": count}
    payload = await publisher.act("addFreeIssues", asked, token=token)
    if not payload["userErrors"]:
        return None
    assert refusals(payload) == [("GOODWILL_LIMIT", "")]
    return payload["userErrors"][0]["message"]


async def test_limits_are_set_changed_and_taken_away(publisher: Publisher, role: int) -> None:
    first = await limit(publisher, role, perGift="20", perMonth="50.5")
    assert first == {
        "id": first["id"],
        "roleName": "kulanz",
        "currency": "EUR",
        "perGift": "20.00",
        "perMonth": "50.50",
    }
    changed = await limit(publisher, role, perGift=None)
    assert changed == {**first, "perGift": None}
    francs = await limit(publisher, role, currency="CHF", perGift="5.00")
    assert (francs["currency"], francs["perMonth"]) == ("CHF", None)
    listed = await publisher.data(
        "{ goodwillLimits(orderBy: {field: CURRENCY, direction: ASC}) { nodes { currency } } }"
    )
    assert listed["goodwillLimits"]["nodes"] == [{"currency": "CHF"}, {"currency": "EUR"}]
    entries = await publisher.tenant_history()
    assert {entry["action"] for entry in entries} == {"goodwill_limit.set"}
    assert entries[1]["before"] == {"per_gift": "20.00"}


async def test_what_is_no_limit_is_refused(
    publisher: Publisher, competitor: Publisher, role: int, everything: Everything
) -> None:
    theirs = await competitor.make(models.Role)
    cases: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
        ({"perGift": "-0.01"}, [("PRICE_INVALID", "perGift")]),
        ({"perMonth": "1.005"}, [("PRICE_INVALID", "perMonth")]),
        ({"perMonth": "9999999999999.00"}, [("PRICE_INVALID", "perMonth")]),
        ({"currency": "EURO"}, [("TOO_LONG", "currency")]),
        ({"currency": "XYZ"}, [("INVALID", "currency")]),
        ({"roleId": encode_id("Role", theirs)}, [("NOT_FOUND", "roleId")]),
        ({"roleId": encode_id("Offer", role)}, [("INVALID", "roleId")]),
    ]
    async with everything.unchanged():
        for values, expected in cases:
            asked = {"roleId": encode_id("Role", role), **values}
            assert (values, refusals(await publisher.act("setGoodwillLimit", asked))) == (
                values,
                expected,
            )


async def test_one_gift_is_worth_no_more_than_its_limit(
    publisher: Publisher, role: int, agent: str, given_to: str, everything: Everything
) -> None:
    assert await give(publisher, agent, given_to, 100) is None
    await limit(publisher, role, perGift="20.00")
    assert await give(publisher, agent, given_to, 2) is None
    async with everything.unchanged():
        said = await give(publisher, agent, given_to, 3)
    assert said == "This is worth 30.00 EUR: your role gives away at most 20.00 with one gift."


async def test_a_months_gifts_are_worth_no_more_than_their_limit(
    publisher: Publisher, role: int, agent: str, given_to: str, everything: Everything, clock: Clock
) -> None:
    await limit(publisher, role, perGift="20.00", perMonth="35.00")
    colleague = await employ(publisher, role, "Ben")
    for left in (2, 1):
        assert await give(publisher, agent, given_to, left) is None
    async with everything.unchanged():
        assert await give(publisher, agent, given_to, 1) == (
            "This is worth 10.00 EUR: 5.00 of 35.00 are left to you this month."
        )
        assert await give(publisher, agent, given_to, 3) == (
            "This is worth 30.00 EUR: your role gives away at most 20.00 with one gift,"
            " and 5.00 of 35.00 are left to you this month."
        )
    # It is each one's own limit, and partners' programs have none.
    assert await give(publisher, colleague, given_to, 2) is None
    assert await give(publisher, publisher.token, given_to, 50) is None
    # March ends in Berlin, where it is summer by then, at ten in the evening of UTC.
    clock.at = datetime(2026, 3, 31, 21, 59, 59, tzinfo=UTC)
    assert await give(publisher, agent, given_to, 1) is not None
    clock.at = datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert await give(publisher, agent, given_to, 2) is None


async def test_each_kind_of_gift_counts(
    publisher: Publisher, role: int, agent: str, everything: Everything
) -> None:
    await limit(publisher, role, perMonth="9.99")
    monthly = await paper(publisher)
    customer = await publisher.customer()
    key = await subscribe(
        publisher, customer, monthly, next_billing_on=WEDNESDAY.date().replace(month=4, day=1)
    )
    asked = {**WHY, "subscriptionId": subscription_id(key)}
    async with everything.unchanged():
        payload = await publisher.act("addFreePeriod", asked, token=agent)
    assert refusals(payload) == [("GOODWILL_LIMIT", "")]
    await limit(publisher, role, perMonth="10.00")
    payload = await publisher.act("addFreePeriod", asked, token=agent)
    assert refusals(payload) == []


async def test_a_limit_in_one_currency_leaves_nothing_in_another(
    publisher: Publisher, role: int, agent: str, everything: Everything
) -> None:
    weekly = await paper(publisher, 6)
    customer = await publisher.customer()
    values = {"issue_based": True, "price": "60.00", "currency": "CHF"}
    francs = subscription_id(await subscribe(publisher, customer, weekly, **values))
    await limit(publisher, role, perGift="500.00")
    async with everything.unchanged():
        said = await give(publisher, agent, francs, 1)
    assert said == "Your role has no limit in CHF, and so it gives nothing away in it."
    await limit(publisher, role, currency="CHF", perGift="10.00")
    assert await give(publisher, agent, francs, 1) is None
    # Once no limit is left, there is none in any currency.
    for currency in ("CHF", "EUR"):
        await limit(publisher, role, currency=currency, perGift=None)
    assert await give(publisher, agent, francs, 9) is None


async def test_gifts_at_the_same_time_share_one_limit(
    publisher: Publisher, role: int, agent: str
) -> None:
    await limit(publisher, role, perMonth="40.00")
    weekly = await paper(publisher, 6)
    subscriptions = [
        subscription_id(
            await subscribe(
                publisher, await publisher.customer(), weekly, issue_based=True, price="60.00"
            )
        )
        for _ in range(8)
    ]
    said = await asyncio.gather(
        *(give(publisher, agent, subscription, 1) for subscription in subscriptions)
    )
    assert said.count(None) == 4
    total = await publisher.owner.fetchval(
        "SELECT sum(value) FROM goodwill WHERE tenant_id = $1", publisher.tenant_id
    )
    assert str(total) == "40.00"


async def test_whoever_gives_waits_for_their_own_other_gift(
    publisher: Publisher, role: int, agent: str, given_to: str
) -> None:
    await limit(publisher, role, perMonth="40.00")
    colleague = await employ(publisher, role, "Ben")
    async with publisher.owner.transaction():
        await publisher.owner.execute(
            "SELECT FROM staff_membership JOIN staff ON staff.id = staff_id"
            " WHERE tenant_id = $1 AND staff.name = 'Anna' FOR UPDATE OF staff_membership",
            publisher.tenant_id,
        )
        assert await give(publisher, colleague, given_to, 1) is None
        asked = {**WHY, "subscriptionId": given_to, "count": 1}
        answer = await publisher.ask_to("addFreeIssues", asked, token=agent)
    assert answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
