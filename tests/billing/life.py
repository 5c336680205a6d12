"""The lives of a customer's subscriptions: what can be done to them, and what must hold then."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import strawberry

from app import models
from app.actions import all_actions
from app.actions.checkout_inputs import CheckoutLineInput
from app.actions.correction_inputs import CorrectionLineInput
from app.auth.tokens import hash_token
from app.database import Credentials
from app.errors import Refused
from app.models.base import PaymentMethod
from app.schema.node import encode_id
from app.work.action import ACTIONS
from tests.billing.invariants import numbers_have_no_gap
from tests.billing.publishing import House

FIRST = date(2024, 1, 31)
_MOST = 4
"""So many subscriptions a life has: more take longer and show no more."""

_HOLDS = """
    SELECT 'periods overlap or leave a gap' AS what, p.id FROM (
        SELECT p.id, p.subscription_id, p.starts_on, s.ends_on,
            lag(p.ends_on) OVER (PARTITION BY s.id ORDER BY p.starts_on) AS before
        FROM subscription_period AS p JOIN subscription AS s
            ON (s.tenant_id, s.id) = (p.tenant_id, p.subscription_id)
        WHERE p.tenant_id = $1) AS p
    WHERE p.starts_on <= p.before OR (p.starts_on > p.before + 1
        AND NOT p.subscription_id = ANY ($3::bigint[]) AND coalesce(p.starts_on <= p.ends_on, true))
    UNION ALL
    SELECT 'something is delivered after the end', d.id FROM delivery AS d JOIN subscription AS s
        ON (s.tenant_id, s.id) = (d.tenant_id, d.subscription_id)
    WHERE d.tenant_id = $1 AND d.status = 'PLANNED' AND d.kind <> 'REDELIVERY'
        AND NOT s.issue_based AND d.publishing_on > s.ends_on
    UNION ALL
    SELECT 'a period costs something else than was billed', p.id
    FROM subscription_period AS p LEFT JOIN invoice_item AS i
        ON (i.tenant_id, i.subscription_period_id) = (p.tenant_id, p.id)
    WHERE p.tenant_id = $1 AND NOT p.subscription_id = ANY ($4::bigint[])
    GROUP BY p.id, p.price HAVING coalesce(sum(i.gross), 0) <> p.price
    UNION ALL
    SELECT 'issues do not add up', s.id FROM subscription AS s
    WHERE s.tenant_id = $1 AND s.issue_based AND (
        SELECT count(*) FROM delivery AS d WHERE (d.tenant_id, d.subscription_id)
            = (s.tenant_id, s.id) AND d.status IN ('SENT', 'PLANNED')
            AND d.kind <> 'REDELIVERY') > s.issues_entitled + s.issues_free
    UNION ALL
    SELECT 'access and running differ', s.id FROM subscription AS s
    WHERE s.tenant_id = $1 AND (s.status IN ('ACTIVE', 'CANCELLED')
        AND s.starts_on <= $2 AND coalesce(s.paused_from > $2, true)) IS DISTINCT FROM (
        SELECT count(*) > 0 FROM access_right AS r WHERE (r.tenant_id, r.subscription_id)
            = (s.tenant_id, s.id) AND r.valid_from <= $2 + time '12:00' AT TIME ZONE 'UTC'
            AND coalesce(r.valid_until > $2 + time '12:00' AT TIME ZONE 'UTC', true))
    UNION ALL
    SELECT 'something begins after the end', s.id FROM subscription AS s
    WHERE s.tenant_id = $1 AND s.next_billing_on IS NOT NULL AND (s.status = 'INACTIVE'
        OR s.next_billing_on > s.ends_on OR s.next_billing_on >= s.paused_from)
    UNION ALL
    SELECT 'something is delivered in a pause', d.id FROM delivery AS d JOIN subscription AS s
        ON (s.tenant_id, s.id) = (d.tenant_id, d.subscription_id)
    WHERE d.tenant_id = $1 AND d.status = 'PLANNED' AND d.publishing_on >= s.paused_from
        AND coalesce(d.publishing_on < s.resumes_on, true)
"""
_MONEY = """
    WITH RECURSIVE chain AS (
        SELECT id AS first, id, type, status, gross FROM invoice
        WHERE tenant_id = $1 AND precursor_id IS NULL
        UNION ALL
        SELECT chain.first, i.id, i.type, i.status, i.gross FROM invoice AS i
        JOIN chain ON i.precursor_id = chain.id WHERE i.tenant_id = $1
    ), moved AS (
        SELECT chain.first, sum(CASE WHEN t.action IN ('SEPA_DEBIT', 'BANK_TRANSFER')
                THEN t.amount ELSE -t.amount END) FILTER (WHERE t.status = 'SUCCESS') AS came,
            sum(t.amount) FILTER (WHERE t.status = 'PENDING' AND t.action = 'REFUND') AS going,
            sum(t.amount) FILTER (WHERE t.status = 'PENDING' AND t.action = 'SEPA_DEBIT') AS drawn
        FROM chain JOIN payment_transaction AS t ON t.tenant_id = $1 AND t.invoice_id = chain.id
        GROUP BY chain.first
    )
    SELECT chain.first, sum(chain.gross) AS asked,
        array_agg(chain.type || ' ' || chain.status ORDER BY chain.id) AS documents,
        coalesce(max(moved.came), 0) AS came, coalesce(max(moved.going), 0) AS going,
        coalesce(max(moved.drawn), 0) AS drawn
    FROM chain LEFT JOIN moved ON moved.first = chain.first GROUP BY chain.first
"""


class Life:
    """A customer who orders, cancels, rests and changes their mind, and pays now and then."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.done = 0
        self.refused = 0
        self._customer = self._account = 0
        self._offers: list[int] = []
        self._rested: set[int] = set()
        self._free_hand: set[int] = set()
        all_actions()

    async def begin(self) -> None:
        """Sell six kinds of offers to a customer with a mandate."""
        house = self.house
        house.calendar.today = FIRST
        self._customer = await house.customer(email="erika@example.org")
        own = {"customer_id": self._customer}
        await house.publisher.make(models.Address, type="DELIVERY", preferred=True, **own)
        self._account = await house.publisher.make(
            models.BankAccount, preferred=True, mandate_signed_on=FIRST, **own
        )
        magazine = await house.publication(FIRST.replace(day=1), date(2030, 1, 1))
        printed: dict[str, Any] = {"kind": "BUNDLE", "publication": magazine}
        split = {"REDUCED": "70.00", "STANDARD": "30.00"}
        self._offers = [
            await house.offer("10.00"),
            await house.offer("29.99", term=(1, "YEAR")),
            await house.offer("120.00", every=(1, "YEAR"), term=(1, "MONTH")),
            await house.offer("4.99", every=(2, "WEEK"), term=(2, "WEEK")),
            await house.offer("17.35", shares=split, **printed),
            await house.offer("60.00", every=(1, "YEAR"), issues=12, **printed),
        ]

    async def place(self, offer: int, *, debit: bool, ahead: int) -> None:
        """Order something, unless there is enough of it."""
        if len(await self.subscriptions()) >= _MOST:
            return
        line = CheckoutLineInput(
            offer_id=strawberry.ID(encode_id("Offer", self._offers[offer % len(self._offers)])),
            starts_on=self.house.calendar.today + timedelta(days=ahead),
        )
        method = PaymentMethod.SEPA_DEBIT if debit else PaymentMethod.INVOICE
        await self._do(
            "place_order",
            customer_id=encode_id("Customer", self._customer),
            lines=[line],
            payment_method=method,
        )

    async def subscriptions(self) -> Sequence[int]:
        """The keys of all subscriptions."""
        rows = await self.house.rows("SELECT id FROM subscription WHERE tenant_id = $1 ORDER BY id")
        return [row["id"] for row in rows]

    async def act(self, name: str, subscription: int, **values: Any) -> None:
        """Do something to one of the subscriptions, whatever stands against it."""
        keys = await self.subscriptions()
        if not keys:
            return
        key = keys[subscription % len(keys)]
        if name == "pause_subscription":
            self._rested.add(key)
        if name == "change_subscription_offer":
            offer = self._offers[values.pop("offer") % len(self._offers)]
            values["offer_id"] = encode_id("Offer", offer)
        await self._do(name, subscription_id=encode_id("Subscription", key), **values)

    async def pay(self, invoice: int) -> None:
        """Pay one of the open invoices."""
        key = await self._invoice(invoice, "status IN ('OPEN', 'NOT_PAID')")
        if key is not None:
            await self._do("mark_invoice_paid", invoice_id=encode_id("Invoice", key))

    async def correct(self, invoice: int, gross: Decimal) -> None:
        """Bill something else for one of the invoices, by hand: its periods then cost that."""
        key = await self._invoice(invoice, "status <> 'CANCELLED' AND gross > 0")
        if key is None:
            return
        rows = await self.house.rows(
            "SELECT p.subscription_id FROM invoice_item AS i JOIN subscription_period AS p"
            " ON (p.tenant_id, p.id) = (i.tenant_id, i.subscription_period_id)"
            " WHERE i.tenant_id = $1 AND i.invoice_id = $2",
            key,
        )
        self._free_hand |= {row["subscription_id"] for row in rows}
        line = CorrectionLineInput(position=1, gross=gross)
        await self._do(
            "correct_invoice",
            invoice_id=encode_id("Invoice", key),
            lines=[line],
            reason="Test",
        )

    async def cancel_invoice(self, invoice: int) -> None:
        """Take one of the invoices back, by hand."""
        key = await self._invoice(invoice, "status <> 'CANCELLED'")
        if key is not None:
            rows = await self.subscriptions()
            self._free_hand |= set(rows)
            await self._do("cancel_invoice", invoice_id=encode_id("Invoice", key), reason="Test")

    async def pass_days(self, days: int) -> None:
        """Let days pass, at whose end the daily run comes."""
        self.house.calendar.today += timedelta(days=days)
        tally = await self.house.renew()
        assert tally.failures == [], tally.failures

    async def check(self) -> None:
        """See that everything holds."""
        broken = await self.house.rows(
            _HOLDS, self.house.calendar.today, list(self._rested), list(self._free_hand)
        )
        assert broken == [], [dict(row) for row in broken]
        for chain in await self.house.rows(_MONEY):
            _check_money(dict(chain))

    async def end(self) -> None:
        """See that what only counts in the end holds as well."""
        await self.check()
        await numbers_have_no_gap(self.house)

    async def _invoice(self, number: int, condition: str) -> int | None:
        asking = "SELECT id FROM invoice WHERE tenant_id = $1 AND type IN ('INVOICE', 'CORRECTION')"
        rows = await self.house.rows(f"{asking} AND {condition} ORDER BY id")
        return rows[number % len(rows)]["id"] if rows else None

    async def _do(self, name: str, **values: Any) -> None:
        action = ACTIONS[name]
        credentials = Credentials(hash_token(self.house.publisher.token))
        try:
            await self.house.performer.perform(action, action.input(**values), credentials)
            self.done += 1
        except Refused:
            self.refused += 1


def _check_money(chain: dict[str, Any]) -> None:
    """What a chain asks for was paid, is drawn, is owed, or goes back."""
    asked, came, last = chain["asked"], chain["came"], chain["documents"][-1]
    assert all(document.endswith("CANCELLED") for document in chain["documents"][:-1:2]), chain
    assert chain["going"] == max(came - asked, 0), chain
    if last.startswith("CANCELLATION"):
        assert asked == 0, chain
        return
    assert last.endswith("PAID") == (came >= asked) or last.endswith("NOT_PAID"), chain
    if last.endswith(" PAID"):
        assert came >= asked, chain
    else:
        assert came < asked, chain
        assert chain["drawn"] in (0, asked - came), chain
