"""What the beginning of an accounting period needs: the offer, the address, the mandate, the tax.

It is read for all subscriptions of a batch at once, and everything that can stand in the way is
found before anything is written.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, or_

from app.billing.addresses import snapshot, used_address
from app.billing.invoices import Payer
from app.billing.mandates import usable
from app.billing.periods import cost_of_next, next_period
from app.billing.switches import apply_next_offer
from app.billing.taxes import tax_lines
from app.domain.money import Money
from app.domain.tax import NoTaxRate, TaxedAmount
from app.models import Address, BankAccount, Customer, Offer, Order, Product, Subscription
from app.models.address import AddressType
from app.models.base import PaymentMethod, TenantRow
from app.work.batch import Batch

Row = TypeVar("Row", bound=TenantRow)


@dataclass(frozen=True)
class Opening:
    """A period to be opened, and what it is billed by."""

    subscription: Subscription
    customer: Customer
    offer: Offer
    issues: int
    amounts: Sequence[TaxedAmount] = ()
    payer: Payer | None = None
    """None where there is nothing to bill."""

    purchase_order_number: str | None = None
    without_mandate: bool = False
    """Whether it was to be paid by debit, and can't be."""


class Unable(Exception):  # noqa: N818  It is an answer, not a fault.
    """A period can't be billed; the code and the reason, in which nothing is personal."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Supplies:
    """What the periods of a batch need."""

    def __init__(self, batch: Batch, today: date) -> None:
        self._batch = batch
        self._today = today
        self._offers: dict[int, Offer] = {}
        self._products: dict[int, Product] = {}
        self._orders: dict[int, Order] = {}
        self._bank_accounts: dict[int, BankAccount] = {}
        self._addresses: dict[int, Address] = {}
        self._preferred: dict[int, list[Address]] = defaultdict(list)

    @classmethod
    async def of(cls, batch: Batch, subscriptions: Collection[Subscription]) -> "Supplies":
        """Read what subscriptions need."""
        supplies = cls(batch, await batch.today())
        offers = {key for one in subscriptions for key in (one.offer_id, one.next_offer_id)}
        supplies._offers = await supplies._by_key(Offer, offers)
        products = {offer.product_id for offer in supplies._offers.values()}
        supplies._products = await supplies._by_key(Product, products)
        supplies._orders = await supplies._by_key(Order, {one.order_id for one in subscriptions})
        accounts = {one.bank_account_id for one in subscriptions}
        supplies._bank_accounts = await supplies._by_key(BankAccount, accounts)
        await supplies._read_addresses(subscriptions)
        return supplies

    async def opening(self, subscription: Subscription, customer: Customer) -> Opening:
        """What the next period of a subscription needs.

        Raises:
            Unable: Something stands in the way of billing it.
        """
        if subscription.next_offer_id is None:
            return await self._opening(subscription, customer)
        # Whatever the change to another offer wrote is undone where that can't be billed.
        await self._batch.flush()
        async with self._batch.session.begin_nested():
            await apply_next_offer(self._batch, subscription)
            return await self._opening(subscription, customer)

    async def _opening(self, subscription: Subscription, customer: Customer) -> Opening:
        offer = self._offers[subscription.offer_id]
        opening = Opening(subscription, customer, offer, _issues(subscription, offer))
        cost = cost_of_next(subscription)
        if not cost.amount or subscription.payment_method == PaymentMethod.FREE:
            return opening
        address = self._address(subscription)
        if address is None:
            raise Unable("ADDRESS_REQUIRED", "The customer has no invoice address.")
        amounts = await self._taxed(subscription, offer, cost, address.country)
        payer, without_mandate = self._payer(subscription, customer, address)
        order = self._orders.get(subscription.order_id or 0)
        number = None if order is None else order.purchase_order_number
        return Opening(
            subscription,
            customer,
            offer,
            opening.issues,
            amounts,
            payer,
            number,
            without_mandate,
        )

    async def _taxed(
        self, subscription: Subscription, offer: Offer, cost: Money, country: str
    ) -> Sequence[TaxedAmount]:
        _whole, span = next_period(subscription)
        product = self._products[offer.product_id]
        try:
            return await tax_lines(self._batch, product, cost, span, country)
        except NoTaxRate as reason:
            raise Unable("NO_TAX_RATE", str(reason)) from reason

    def _payer(
        self, subscription: Subscription, customer: Customer, address: Address
    ) -> tuple[Payer, bool]:
        """Who pays, and whether there is no mandate where there should be one."""
        method, to = PaymentMethod(subscription.payment_method), snapshot(address)
        if method is not PaymentMethod.SEPA_DEBIT:
            return Payer(customer, to, method), False
        account = self._bank_accounts.get(subscription.bank_account_id or 0)
        if account is None or not usable(account, self._today):
            return Payer(customer, to, PaymentMethod.INVOICE), True
        return Payer(customer, to, method, account), False

    def _address(self, subscription: Subscription) -> Address | None:
        """The subscription's own invoice address, or the one that the customer prefers."""
        own = self._addresses.get(subscription.invoice_address_id or 0)
        return own or used_address(self._preferred[subscription.customer_id], self._today)

    async def _read_addresses(self, subscriptions: Collection[Subscription]) -> None:
        named = {one.invoice_address_id for one in subscriptions if one.invoice_address_id}
        others = {one.customer_id for one in subscriptions if not one.invoice_address_id}
        of_others: ColumnElement[bool] = Address.customer_id.in_(others)
        of_others &= Address.preferred & (Address.type == AddressType.INVOICE.value)
        for address in await self._batch.rows(Address, or_(Address.id.in_(named), of_others)):
            self._addresses[address.id] = address
            if address.preferred and address.type == AddressType.INVOICE:
                self._preferred[address.customer_id].append(address)

    async def _by_key(self, model: type[Row], keys: Collection[int | None]) -> dict[int, Row]:
        wanted = sorted(key for key in keys if key is not None)
        if not wanted:
            return {}
        column: Any = model.id
        return {row.id: row for row in await self._batch.rows(model, column.in_(wanted))}


def _issues(subscription: Subscription, offer: Offer) -> int:
    """How many issues the next period entitles to; a part of them where it is cut short."""
    issues = offer.issues_per_period or 0
    whole, span = next_period(subscription)
    return -(-issues * span.length // whole.length)
