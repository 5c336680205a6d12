"""Redeeming a voucher: whether an order can have it, and seeing that it still can."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, func, select

from app.billing.reckoning import Off
from app.billing.selling import Sold
from app.domain.vouchers import Voucher as Stated
from app.errors import Refused, UserErrorCode
from app.models import Customer, Order, Voucher, VoucherOffer, VoucherRedemption
from app.work.unit import Work


@dataclass(frozen=True)
class Redeemable:
    """A voucher, what it is for, and how often the customer has used it."""

    row: Voucher
    offers: frozenset[int] | None
    """The keys of the offers that it is for; None where it is for all."""

    used_by_customer: int

    @property
    def off(self) -> Off:
        """What it takes off."""
        return Off(Stated.stated(self.row), self.offers)

    def why_not(self, day: date, lines: Sequence[Sold]) -> str | None:
        """Why these offers can't have it on a day; None where they can."""
        row = self.row
        fit = [sold for sold in lines if self.off.good_for(sold.offer.id)]
        if day < row.valid_from:
            return f"It can be used from {row.valid_from} on."
        if row.valid_until is not None and day > row.valid_until:
            return f"It could be used until {row.valid_until}."
        if row.usage_limit is not None and row.used >= row.usage_limit:
            return "It was used as often as it can be."
        if row.limit_per_customer is not None and self.used_by_customer >= row.limit_per_customer:
            return "The customer has used it as often as they can."
        if lines and not fit:
            return "It is not for what is ordered."
        if any(row.currency not in (None, sold.offer.currency) for sold in fit):
            return f"It is in {row.currency}, and what is ordered is not."
        if fit and not any(sold.first_price for sold in fit):
            return "What it is for costs nothing to begin with."
        return None


async def find_voucher(work: Work, code: str, customer: Customer) -> Redeemable | None:
    """A voucher by its code; None where there is none."""
    offers = (
        select(func.array_agg(VoucherOffer.offer_id))
        .where(VoucherOffer.tenant_id == Voucher.tenant_id, VoucherOffer.voucher_id == Voucher.id)
        .scalar_subquery()
    )
    used = (
        select(func.count())
        .select_from(VoucherRedemption)
        .join(
            Order,
            and_(
                Order.tenant_id == VoucherRedemption.tenant_id,
                Order.id == VoucherRedemption.order_id,
            ),
        )
        .where(
            VoucherRedemption.tenant_id == Voucher.tenant_id,
            VoucherRedemption.voucher_id == Voucher.id,
            Order.customer_id == customer.id,
        )
        .scalar_subquery()
    )
    wanted = select(Voucher, offers, used).where(
        Voucher.tenant_id == work.tenant_id, Voucher.code == code.upper()
    )
    found = (await work.session.execute(wanted)).one_or_none()
    if found is None:
        return None
    row, keys, count = found
    return Redeemable(row, frozenset(keys) if keys else None, count)


async def redeem(
    work: Work, known: Redeemable, customer: Customer, day: date, lines: Sequence[Sold]
) -> None:
    """Hold a voucher until the order is placed, once it is seen to be as it was reckoned with.

    Whoever else redeems it waits; so it is done as late as can be.

    Raises:
        Refused: VOUCHER_INVALID, or PRICE_CHANGED where it takes off something else by now.
    """
    before = known.off
    await work.session.refresh(known.row, with_for_update=True)
    after = await find_voucher(work, known.row.code, customer)
    fault = "There is no voucher with this code." if after is None else after.why_not(day, lines)
    if fault is not None:
        raise Refused(UserErrorCode.VOUCHER_INVALID, fault, "voucher_code")
    if after is None or after.off != before:
        raise Refused(
            UserErrorCode.PRICE_CHANGED,
            "The voucher takes off something else by now.",
            "voucher_code",
        )
