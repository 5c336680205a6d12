"""What must hold of a publisher's contracts whatever was done to them, and when."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from tests.billing.publishing import House

Days = Collection[date]
Row = Any

_ONE = timedelta(days=1)


async def hold(house: House, rests: Mapping[int, Days] | None = None) -> None:
    """See that all of it holds. `rests` are the days on which subscriptions rested."""
    await periods_tile(house, rests or {})
    await periods_are_billed_once(house)
    await numbers_have_no_gap(house)
    await amounts_add_up(house)
    await issues_agree(house)
    await issues_of_periods_are_delivered(house, rests or {})


async def periods_tile(house: House, rests: Mapping[int, Days]) -> None:
    """Periods follow each other without a gap, but for days on which nothing was paid for."""
    periods = _by(
        await house.rows(
            "SELECT * FROM subscription_period WHERE tenant_id = $1 ORDER BY starts_on"
        ),
        "subscription_id",
    )
    for subscription in await house.rows("SELECT * FROM subscription WHERE tenant_id = $1"):
        own = periods[subscription["id"]]
        if not own:
            continue
        assert own[0]["starts_on"] == subscription["starts_on"]
        rested = rests.get(subscription["id"], ())
        for one, following in pairwise(own):
            assert set(_between(one["ends_on"], following["starts_on"])) <= set(rested)
        following = subscription["next_billing_on"]
        if following is not None:
            assert set(_between(own[-1]["ends_on"], following)) <= set(rested)
        if subscription["ends_on"] is not None:
            assert own[-1]["ends_on"] <= subscription["ends_on"]
        if subscription["status"] == "INACTIVE":
            assert following is None
            assert own[-1]["ends_on"] == subscription["ends_on"]


async def periods_are_billed_once(house: House) -> None:
    """What costs something is billed in one chain of documents; what is free is in none."""
    billed = await house.rows(
        "SELECT p.id, p.kind, p.price, s.payment_method,"
        " count(DISTINCT i.id) FILTER (WHERE i.type = 'INVOICE') AS invoices,"
        " coalesce(sum(t.gross), 0) AS asked"
        " FROM subscription_period AS p"
        " JOIN subscription AS s ON (s.tenant_id, s.id) = (p.tenant_id, p.subscription_id)"
        " LEFT JOIN invoice_item AS t"
        " ON (t.tenant_id, t.subscription_period_id) = (p.tenant_id, p.id)"
        " LEFT JOIN invoice AS i ON (i.tenant_id, i.id) = (t.tenant_id, t.invoice_id)"
        " WHERE p.tenant_id = $1 GROUP BY p.id, p.kind, p.price, s.payment_method"
    )
    for period in billed:
        paid = period["payment_method"] != "FREE" and period["price"] > 0
        if period["kind"] == "FREE":
            assert period["price"] == 0
        assert period["asked"] == (period["price"] if paid else 0), dict(period)
        if paid or period["kind"] == "FREE":
            assert period["invoices"] == (1 if paid else 0), dict(period)


async def numbers_have_no_gap(house: House) -> None:
    """The numbers of invoices are those from 1 on, for each year, in the order of issue."""
    rows = await house.rows(
        "SELECT number, issued_on FROM invoice WHERE tenant_id = $1 ORDER BY number"
    )
    years = _by(rows, lambda row: row["number"][3:7])
    for year, own in years.items():
        assert [int(row["number"][8:]) for row in own] == list(range(1, len(own) + 1))
        assert all(str(row["issued_on"].year) == year for row in own)
        days = [row["issued_on"] for row in own]
        assert days == sorted(days)


async def amounts_add_up(house: House) -> None:
    """Lines add up to their document, in all and per rate, at the rate of their last day."""
    rates = await house.owner.fetch("SELECT * FROM tax_rate WHERE country = 'DE'")
    items = _by(await house.rows("SELECT * FROM invoice_item WHERE tenant_id = $1"), "invoice_id")
    taxes = _by(await house.rows("SELECT * FROM invoice_tax WHERE tenant_id = $1"), "invoice_id")
    for invoice in await house.rows("SELECT * FROM invoice WHERE tenant_id = $1"):
        own = items[invoice["id"]]
        assert _sums(own) == _sums([invoice])
        per_rate = _by(own, "tax_percent")
        told = {tax["tax_percent"]: _sums([tax]) for tax in taxes[invoice["id"]]}
        assert told == {percent: _sums(lines) for percent, lines in per_rate.items()}
        for item in own:
            day = item["service_until"]
            known = {
                rate["percent"]
                for rate in rates
                if rate["valid_from"] <= day <= (rate["valid_until"] or date.max)
            }
            assert item["tax_percent"] in known, dict(item)


async def issues_agree(house: House) -> None:
    """Issues entitled and given are those delivered and open, and the deliveries say the same."""
    rows = await house.rows(
        "SELECT s.id, s.issues_entitled, s.issues_free, s.issues_delivered, s.issues_open,"
        " count(*) FILTER (WHERE d.status = 'SENT') AS sent,"
        " count(*) FILTER (WHERE d.status = 'PLANNED') AS planned,"
        " count(*) FILTER (WHERE d.kind = 'FREE') AS free,"
        " count(d.id) = count(DISTINCT d.issue_id) AS once,"
        " max(d.publishing_on) FILTER (WHERE d.kind = 'FREE') AS last_free"
        " FROM subscription AS s LEFT JOIN delivery AS d"
        " ON (d.tenant_id, d.subscription_id) = (s.tenant_id, s.id)"
        " AND d.kind <> 'REDELIVERY' AND d.status <> 'CANCELLED'"
        " WHERE s.tenant_id = $1 AND s.issue_based GROUP BY s.tenant_id, s.id"
    )
    for row in rows:
        owed = row["issues_entitled"] + row["issues_free"]
        assert owed == row["issues_delivered"] + row["issues_open"], dict(row)
        assert row["sent"] == row["issues_delivered"], dict(row)
        assert row["sent"] + row["planned"] <= owed, dict(row)
        assert row["free"] <= row["issues_free"], dict(row)
        assert row["once"], dict(row)


async def issues_of_periods_are_delivered(house: House, rests: Mapping[int, Days]) -> None:
    """Counted in time, each issue in a period is delivered once, and none outside."""
    wanted = await house.rows(
        "SELECT p.subscription_id, i.publishing_on FROM subscription_period AS p"
        " JOIN subscription AS s ON (s.tenant_id, s.id) = (p.tenant_id, p.subscription_id)"
        " JOIN offer AS o ON (o.tenant_id, o.id) = (s.tenant_id, s.offer_id)"
        " JOIN issue AS i ON (i.tenant_id, i.publication_id) = (o.tenant_id, o.publication_id)"
        " AND i.publishing_on BETWEEN p.starts_on AND p.ends_on AND i.closing_on >= s.ordered_on"
        " WHERE p.tenant_id = $1 AND NOT s.issue_based"
    )
    made = await house.rows(
        "SELECT d.subscription_id, d.publishing_on FROM delivery AS d"
        " JOIN subscription AS s ON (s.tenant_id, s.id) = (d.tenant_id, d.subscription_id)"
        " WHERE d.tenant_id = $1 AND NOT s.issue_based AND d.kind <> 'REDELIVERY'"
        " AND d.status <> 'CANCELLED'"
    )
    due = {tuple(row) for row in wanted if row[1] not in rests.get(row[0], ())}
    delivered = [tuple(row) for row in made]
    assert sorted(delivered) == sorted(due)


def _between(one: date, other: date) -> Iterable[date]:
    """The days between two others."""
    assert one < other
    return [one + _ONE * count for count in range(1, (other - one).days)]


def _sums(rows: Iterable[Row]) -> tuple[Decimal, ...]:
    known = list(rows)
    return tuple(sum((row[name] for row in known), Decimal(0)) for name in ("net", "tax", "gross"))


def _by(rows: Iterable[Row], key: Any) -> dict[Any, list[Row]]:
    grouped: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[key] if isinstance(key, str) else key(row)].append(row)
    return grouped
