"""What an order costs today and later: reckoned once, for the preview and for the order itself."""

from base64 import urlsafe_b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from app.billing.selling import Sold
from app.billing.taxes import Taxation
from app.domain.money import Money
from app.domain.periods import Span
from app.domain.tax import TaxedAmount, TaxTotals
from app.domain.terms import Contract, Terms, under_consumer_law
from app.domain.vouchers import Voucher, discounts

_TOKEN_BYTES = 18


@dataclass(frozen=True)
class Ordered:
    """A line of an order: what, how many, from when on, and where it is taxed."""

    sold: Sold
    quantity: int
    starts_on: date
    country: str


@dataclass(frozen=True)
class Off:
    """What a voucher takes off, and of which offers; None is all."""

    voucher: Voucher
    offers: Collection[int] | None

    def good_for(self, offer_id: int) -> bool:
        """Whether it takes something off an offer."""
        return self.offers is None or offer_id in self.offers


@dataclass(frozen=True)
class ReckonedLine:
    """What a line costs in its first accounting period and afterwards, all copies together."""

    ordered: Ordered
    contract: Contract
    regular: Money
    """What an accounting period costs."""

    first: Money
    """What the first one costs, before vouchers."""

    discount: Money
    amounts: tuple[TaxedAmount, ...]
    """What is to be paid for the first one, for each tax class."""

    @property
    def period(self) -> Span:
        """The first accounting period."""
        return self.contract.accounting_period(0)

    @property
    def gross(self) -> Money:
        """What is to be paid for the first period."""
        return self.first - self.discount

    @property
    def next_billing_on(self) -> date:
        """The first day of the second accounting period."""
        return self.contract.accounting_period(1).starts_on

    @property
    def term_ends_on(self) -> date:
        """The last day for which the customer is bound."""
        term = self.contract.term(0)
        assert term is not None  # noqa: S101  Every contract has a first term.
        return term.ends_on

    @property
    def last_cancellation_day(self) -> date:
        """The last day on which it can be cancelled to end with its first term; with a long
        notice it may be over when the term begins."""
        return self.contract.last_cancellation_day(self.term_ends_on)


@dataclass(frozen=True)
class Reckoning:
    """What an order costs."""

    lines: tuple[ReckonedLine, ...]
    totals: TaxTotals

    @property
    def total(self) -> Money:
        """What is to be paid today."""
        return self.totals.gross

    @property
    def token(self) -> str:
        """A text that is another one when any price, discount, tax or term is another one."""
        offers = [line.ordered.sold.offer for line in self.lines]
        stated = [
            (
                (offer.id, line.ordered.quantity, line.contract.terms),
                (line.regular, line.first, line.discount, line.amounts),
            )
            for offer, line in zip(offers, self.lines, strict=True)
        ]
        digest = sha256(repr(stated).encode()).digest()
        return urlsafe_b64encode(digest[:_TOKEN_BYTES]).decode()


def reckon(
    lines: Sequence[Ordered],
    taxation: Taxation,
    ordered_on: date,
    *,
    consumer: bool,
    off: Off | None = None,
) -> Reckoning:
    """What lines, of which there is at least one and all in one currency, cost together.

    The first accounting period is paid for in advance, whenever it begins. A voucher lowers its
    price; what comes later costs what the offer says.

    Raises:
        NoTaxRate: There is no rate for a line.
    """
    firsts = [line.sold.first_price * line.quantity for line in lines]
    lowered = _discounts(lines, firsts, off)
    reckoned = tuple(
        _line(line, taxation, _contract(line, ordered_on, consumer), first, discount)
        for line, first, discount in zip(lines, firsts, lowered, strict=True)
    )
    amounts = [amount for line in reckoned for amount in line.amounts]
    return Reckoning(reckoned, TaxTotals.of(amounts, firsts[0].currency))


def _line(
    line: Ordered, taxation: Taxation, contract: Contract, first: Money, discount: Money
) -> ReckonedLine:
    amounts = taxation.lines(
        first - discount, line.sold.shares, contract.accounting_period(0), line.country
    )
    return ReckonedLine(line, contract, line.sold.price * line.quantity, first, discount, amounts)


def _contract(line: Ordered, ordered_on: date, consumer: bool) -> Contract:
    terms = Terms.stated(line.sold.offer)
    return Contract(line.starts_on, under_consumer_law(terms, ordered_on) if consumer else terms)


def _discounts(lines: Sequence[Ordered], prices: Sequence[Money], off: Off | None) -> list[Money]:
    """What is taken off each line."""
    lowered = [Money.zero(price.currency) for price in prices]
    if off is None:
        return lowered
    places = [place for place, line in enumerate(lines) if off.good_for(line.sold.offer.id)]
    taken = discounts(off.voucher, [prices[place] for place in places])
    for place, discount in zip(places, taken, strict=True):
        lowered[place] = discount
    return lowered
