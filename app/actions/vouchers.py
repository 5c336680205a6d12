"""Vouchers: what a code takes off an order, when, how often, and for which offers."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import strawberry
from strawberry import UNSET

from app.actions.catalogue_inputs import (
    MoneyInput,
    check_days,
    check_end,
    end,
    refuse_null,
    whole,
)
from app.auth.permissions import Permission
from app.errors import Refusal, Refused, UserErrorCode
from app.models import Offer, Voucher, VoucherOffer
from app.models.voucher import VOUCHER_CODE, VoucherKind
from app.work.action import action
from app.work.inputs import (
    Repeatable,
    Versioned,
    checked_text,
    given,
    identifier,
    set_fields,
    text,
)
from app.work.unit import Work

MOST_OFFERS = 100
MOST_USES = 10_000_000

_TAKEN = {
    "uq_voucher_tenant_id_code": Refusal(
        UserErrorCode.CODE_TAKEN, "There is a voucher with this code.", ("code",)
    )
}
_RULES = (UserErrorCode.NOT_FOUND, UserErrorCode.PRICE_INVALID, UserErrorCode.PERIOD_INVALID)
_FIXED = ("code", "kind", "percent", "amount", "currency")
"""What stays once a voucher was used."""


def _code(value: str) -> str | None:
    kept = checked_text(value.upper(), 40)
    if kept is not None and re.fullmatch(VOUCHER_CODE, kept) is None:
        raise Refused(
            UserErrorCode.INVALID, "A code has 3 to 40 letters from A to Z, digits and hyphens."
        )
    return kept


def _percent(value: Decimal) -> Decimal:
    if not 0 < value <= 100 or value != round(value, 2):
        raise Refused(
            UserErrorCode.INVALID,
            "This takes more than 0 and at most 100 percent, with two decimals at most.",
        )
    return value


def _offer(value: strawberry.ID) -> str | None:
    return checked_text(value, 200)


@strawberry.input
class VoucherData:
    """What a voucher takes off, and how often it can be used."""

    percent: Decimal | None = given(
        "What it takes off the first accounting period, in percent; either this or `amount`.",
        check=_percent,
        default=UNSET,
    )
    amount: MoneyInput | None = given(
        "What it takes off the first accounting period, of its price at most.", default=UNSET
    )
    valid_until: date | None = given("The last day it can be used; null means open.", default=UNSET)
    usage_limit: int | None = given(
        "How often it can be used in all; null means as often as one likes.",
        check=whole(1, MOST_USES),
        default=UNSET,
    )
    limit_per_customer: int | None = given(
        "How often each customer can use it; null means as often as one likes.",
        check=whole(1, MOST_USES),
        default=UNSET,
    )
    offer_ids: list[strawberry.ID] | None = given(
        "The ids of the offers that it is for; none means all.", check=_offer, default=UNSET
    )


@strawberry.input(description="A new voucher.")
class CreateVoucherInput(VoucherData, Repeatable):
    """Its code, and what it is good for."""

    code: str = given(
        "What customers type, whatever its case: 3 to 40 letters, digits and hyphens.", check=_code
    )
    name: str = text("What it is called among colleagues.", of=Voucher.name)
    valid_from: date | None = given(
        "The first day it can be used; by default today.", default=UNSET
    )


@strawberry.input(
    description="What to change of a voucher: what is left out stays as it is. Once it was used, "
    "its code and what it takes off stay."
)
class UpdateVoucherInput(VoucherData, Versioned):
    """Which voucher, and what to change."""

    voucher_id: strawberry.ID = identifier("The id of the voucher.")
    code: str | None = given("What customers type.", check=_code, default=UNSET)
    name: str | None = text("What it is called among colleagues.", of=Voucher.name, default=UNSET)
    valid_from: date | None = given("The first day it can be used.", default=UNSET)


@strawberry.input(description="A voucher to end.")
class EndVoucherInput(Versioned):
    """Which voucher, and when."""

    voucher_id: strawberry.ID = identifier("The id of the voucher.")
    valid_until: date | None = given(
        "The last day it can be used, by default today; yesterday ends it at once.",
        default=UNSET,
    )


@action(
    history="voucher.created",
    needs=Permission.VOUCHER_WRITE,
    refuses=_RULES,
    conflicts=_TAKEN,
    in_account=False,
    diary=False,
)
async def create_voucher(work: Work, input: CreateVoucherInput) -> Voucher:
    """Create a voucher."""
    voucher = Voucher(
        code=input.code,
        name=input.name,
        valid_from=input.valid_from or await work.today(),
        valid_until=input.valid_until or None,
        usage_limit=input.usage_limit or None,
        limit_per_customer=input.limit_per_customer or None,
    )
    _take_off(voucher, input.percent or None, input.amount or None)
    check_days(voucher.valid_from, voucher.valid_until)
    offers = await _offers(work, input.offer_ids or [])
    _check_currency(voucher, offers)
    work.add(voucher)
    await work.flush()
    for offer in offers:
        work.add(VoucherOffer(voucher_id=voucher.id, offer_id=offer.id))
    return voucher


@action(
    history="voucher.updated",
    needs=Permission.VOUCHER_WRITE,
    refuses=(*_RULES, UserErrorCode.VOUCHER_ALREADY_USED),
    conflicts=_TAKEN,
    in_account=False,
    diary=False,
)
async def update_voucher(work: Work, input: UpdateVoucherInput) -> Voucher:
    """Change a voucher. What it took off the orders that used it stays as it was."""
    voucher = await work.lock(Voucher, input.voucher_id, "voucher_id")
    work.expect(voucher, input.expected_version)
    last = voucher.valid_until
    names = ("code", "name", "valid_from", "valid_until", "usage_limit", "limit_per_customer")
    values = dict(set_fields(input, *names))
    refuse_null(values, "code", "name", "valid_from")
    for name, value in values.items():
        setattr(voucher, name, value)
    if input.percent is not UNSET or input.amount is not UNSET:
        _take_off(voucher, input.percent or None, input.amount or None)
    _check_use(voucher, work.changed(voucher))
    check_days(voucher.valid_from, voucher.valid_until)
    if voucher.valid_until != last:
        await check_end(work, voucher.valid_until)
    await _change_offers(work, voucher, input.offer_ids)
    return voucher


@action(
    history="voucher.ended",
    needs=Permission.VOUCHER_WRITE,
    refuses=(UserErrorCode.NOT_FOUND, UserErrorCode.PERIOD_INVALID),
    in_account=False,
    diary=False,
)
async def end_voucher(work: Work, input: EndVoucherInput) -> Voucher:
    """Take a voucher no longer than until a day."""
    voucher = await work.lock(Voucher, input.voucher_id, "voucher_id")
    work.expect(voucher, input.expected_version)
    await end(work, voucher, input.valid_until or None)
    return voucher


def _take_off(voucher: Voucher, percent: Decimal | None, amount: MoneyInput | None) -> None:
    """Set what a voucher takes off, which is one of both."""
    if (percent is None) == (amount is None):
        raise Refused(UserErrorCode.REQUIRED, "Either this or `amount` has to be given.", "percent")
    money = None if amount is None else amount.money("amount")
    if money is not None and not money:
        raise Refused(UserErrorCode.PRICE_INVALID, "It takes nothing off.", "amount", "amount")
    voucher.kind = VoucherKind.PERCENT.value if money is None else VoucherKind.AMOUNT.value
    voucher.percent = percent
    voucher.amount = None if money is None else money.amount
    voucher.currency = None if money is None else money.currency


def _check_use(voucher: Voucher, changed: Sequence[str]) -> None:
    """See that a change leaves what a voucher was used for, and how often."""
    if not voucher.used:
        return
    fixed = [name for name in _FIXED if name in changed]
    if fixed:
        where = "code" if fixed == ["code"] else "percent" if voucher.percent else "amount"
        raise Refused(
            UserErrorCode.VOUCHER_ALREADY_USED, f"It was used {voucher.used} times.", where
        )
    if voucher.usage_limit is not None and voucher.usage_limit < voucher.used:
        raise Refused(UserErrorCode.INVALID, f"It was used {voucher.used} times.", "usage_limit")


async def _offers(work: Work, ids: Sequence[str]) -> list[Offer]:
    if len(ids) > MOST_OFFERS:
        raise Refused(
            UserErrorCode.INVALID, f"It is for at most {MOST_OFFERS} offers.", "offer_ids"
        )
    offers: dict[int, Offer] = {}
    for place, offer_id in enumerate(ids):
        offer = await work.find(Offer, offer_id, "offer_ids", str(place))
        offers[offer.id] = offer
    return list(offers.values())


def _check_currency(voucher: Voucher, offers: Sequence[Offer]) -> None:
    """See that an amount can be taken off the prices of all the offers."""
    if voucher.currency is None:
        return
    for offer in offers:
        if offer.currency != voucher.currency:
            raise Refused(
                UserErrorCode.PRICE_INVALID,
                f"The price of {offer.code} is in {offer.currency}.",
                "amount",
                "currency",
            )


async def _change_offers(work: Work, voucher: Voucher, ids: Any) -> None:
    """Let a voucher be for other offers, where that is wanted."""
    rows = await work.rows(VoucherOffer, VoucherOffer.voucher_id == voucher.id)
    if ids is UNSET:
        known = [row.offer_id for row in rows]
        _check_currency(voucher, await work.rows(Offer, Offer.id.in_(known)) if known else [])
        return
    offers = await _offers(work, ids or [])
    _check_currency(voucher, offers)
    wanted = {offer.id for offer in offers}
    for row in rows:
        if row.offer_id not in wanted:
            await work.remove(row)
    for offer_id in sorted(wanted - {row.offer_id for row in rows}):
        work.add(VoucherOffer(voucher_id=voucher.id, offer_id=offer_id))
