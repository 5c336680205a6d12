"""For orders made up at random: what the preview says is what is ordered, owed and invoiced."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.actions.conftest import Clock
from tests.actions.selling import Shop
from tests.publisher import Publisher

FIRST_DAYS = [
    # Month ends, leap days, and the days on which clocks are changed.
    *(date(2031, 3, 30), date(2031, 4, 30), date(2031, 5, 31), date(2031, 10, 26)),
    *(date(2031, 12, 31), date(2032, 1, 31), date(2032, 2, 28), date(2032, 2, 29)),
    *(date(2032, 3, 1), date(2032, 3, 28)),
]
PRICES = ["0.01", "4.99", "9.90", "33.33", "119.95"]
FIRST_PRICES = [None, "0.00", "1.00", None]
VOUCHERS: dict[str, dict[str, Any]] = {
    "DRITTEL": {"percent": "33.33"},
    "ALLES": {"percent": "100.00"},
    "SIEBEN": {"kind": "AMOUNT", "percent": None, "amount": "7.77", "currency": "EUR"},
}
SHOWN = """
    net { amount } tax { amount } gross { amount }
    items { net tax gross taxPercent }
    subscriptions(first: 10) { nodes { price { amount } startsOn nextBillingOn
        periods { nodes { startsOn endsOn price { amount } } } } }
    invoices { nodes { net { amount } tax { amount } gross { amount }
        items { net tax gross taxPercent } taxes { net tax gross taxPercent } } }
"""


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """It is a minute before the day on which clocks go forward, where the publishers are."""
    clock.at = datetime(2031, 3, 29, 22, 59, tzinfo=UTC)
    return clock


async def _shop(publisher: Publisher) -> tuple[Shop, list[str]]:
    shop = await Shop.open(publisher)
    paper = await shop.publication(date(2031, 4, 8), date(2031, 5, 8))
    offers = []
    for place, price in enumerate(PRICES):
        first = FIRST_PRICES[place % len(FIRST_PRICES)]
        values: dict[str, Any] = {
            "price": price,
            "first_price": None if first is None else min(first, price),
        }
        offers += [await shop.offer(**values), await shop.bundle(paper, **values)]
    for code, own in VOUCHERS.items():
        await shop.voucher(code, **own)
    return shop, offers


_LINES = st.lists(
    st.tuples(
        st.integers(0, 2 * len(PRICES) - 1),
        st.integers(1, 10_000) | st.integers(1, 3),
        st.sampled_from(FIRST_DAYS),
    ),
    min_size=1,
    max_size=4,
)


@given(_LINES, st.sampled_from([None, *VOUCHERS]))
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_everything_adds_up(
    publisher: Publisher, lines: list[tuple[int, int, date]], code: str | None
) -> None:
    shop, offers = await _shop_of(publisher)
    given_lines = [
        {"offerId": offers[place], "quantity": quantity, "startsOn": day.isoformat()}
        for place, quantity, day in lines
    ]
    order_input = shop.input(*given_lines, **({"voucherCode": code} if code else {}))
    preview = await shop.preview(order_input)
    if preview["userErrors"]:
        # Only of lines that cost nothing to begin with, nothing can be taken off.
        assert [error["code"] for error in preview["userErrors"]] == ["VOUCHER_INVALID"]
        return
    checkout = preview["checkout"]
    order = await shop.order(order_input | {"priceToken": checkout["priceToken"]}, SHOWN)
    total = checkout["totalToday"]["amount"]
    assert order["gross"]["amount"] == total
    assert _sums(order["items"]) == {
        tax["taxPercent"]: (tax["net"]["amount"], tax["tax"]["amount"], tax["gross"]["amount"])
        for tax in checkout["taxes"]
    }
    _check_subscriptions(order, checkout)
    invoices = order["invoices"]["nodes"]
    assert len(invoices) == (Decimal(total) > 0)
    for invoice in invoices:
        assert {name: invoice[name] for name in ("net", "tax", "gross")} == {
            name: order[name] for name in ("net", "tax", "gross")
        }
        assert invoice["items"] == order["items"]
        assert _sums(invoice["items"]) == _sums(invoice["taxes"])


_SHOPS: dict[int, tuple[Shop, list[str]]] = {}


async def _shop_of(publisher: Publisher) -> tuple[Shop, list[str]]:
    """The publisher's shop, which is made once for all examples."""
    if publisher.tenant_id not in _SHOPS:
        _SHOPS[publisher.tenant_id] = await _shop(publisher)
    return _SHOPS[publisher.tenant_id]


def _check_subscriptions(order: dict[str, Any], checkout: dict[str, Any]) -> None:
    """What was previewed of each line is what came of it."""
    previewed = sorted(
        (
            line["startsOn"],
            line["endsOn"],
            line["total"]["amount"],
            line["renewal"]["price"]["amount"],
            line["renewal"]["nextBillingOn"],
        )
        for line in checkout["lines"]
    )
    came = []
    for subscription in order["subscriptions"]["nodes"]:
        [period] = subscription["periods"]["nodes"]
        following = date.fromisoformat(period["endsOn"]) + timedelta(days=1)
        assert subscription["nextBillingOn"] == following.isoformat()
        came.append(
            (
                subscription["startsOn"],
                period["endsOn"],
                period["price"]["amount"],
                subscription["price"]["amount"],
                subscription["nextBillingOn"],
            )
        )
    assert sorted(came) == previewed


def _sums(rows: list[dict[str, str]]) -> dict[str, tuple[str, str, str]]:
    """Net, tax and gross, added up for each rate."""
    sums: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for row in rows:
        own = (Decimal(row["net"]), Decimal(row["tax"]), Decimal(row["gross"]))
        known = sums[row["taxPercent"]]
        sums[row["taxPercent"]] = [one + other for one, other in zip(known, own, strict=True)]
    return {
        percent: (str(net), str(tax), str(gross)) for percent, (net, tax, gross) in sums.items()
    }
