"""Offers: products at prices, on terms.

An offer that was sold keeps what its contracts were made of. Subscriptions have copies of price
and terms, but orders, invoices and the number of issues in a period point at the offer, and it
has to say later on what was sold. A new price is another offer, which takes the place of the old
one on a day, with the same code unless it is given another.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from strawberry import UNSET

from app.actions.catalogue_inputs import check_days, check_end, end, refresh_shared, refuse_null
from app.actions.offer_inputs import (
    MOST_GRANTS,
    CreateOfferInput,
    EndOfferInput,
    ReplaceOfferInput,
    UpdateOfferInput,
)
from app.actions.offer_terms import TERMS, check_terms, set_terms, terms_changed
from app.auth.permissions import Permission
from app.errors import Refusal, Refused, UserErrorCode
from app.models import Offer, OfferGrant, OrderItem, Product, Subscription, VoucherOffer
from app.work.action import action
from app.work.inputs import set_fields
from app.work.unit import Work

_TAKEN = {
    "ex_offer_code_overlap": Refusal(
        UserErrorCode.CODE_TAKEN, "Another offer has this code on one of the same days.", ("code",)
    )
}
_RULES = (
    UserErrorCode.NOT_FOUND,
    UserErrorCode.PRODUCT_RETIRED,
    UserErrorCode.PRICE_INVALID,
    UserErrorCode.TERMS_INVALID,
    UserErrorCode.PERIOD_INVALID,
)
_NEVER_NULL = ("code", "name", "price", "term", "accounting_period", "notice", "valid_from")
_KEPT = ("product_id", "publication_id", "description")
_ONE_DAY = timedelta(days=1)


@action(
    history="offer.created",
    needs=Permission.CATALOGUE_WRITE,
    refuses=_RULES,
    conflicts=_TAKEN,
    in_account=False,
    diary=False,
)
async def create_offer(work: Work, input: CreateOfferInput) -> Offer:
    """Create an offer of a product."""
    product = await work.find(Product, input.product_id, "product_id")
    await _see_sold(work, product, "product_id")
    offer = Offer(
        product_id=product.id,
        publication_id=product.publication_id,
        code=input.code,
        name=input.name,
        valid_from=input.valid_from or await work.today(),
        valid_until=input.valid_until or None,
    )
    check_days(offer.valid_from, offer.valid_until)
    set_terms(offer, input)
    check_terms(offer, product)
    work.add(offer)
    await work.flush()
    for granted in await _granted(work, offer, input.also_grants or []):
        work.add(OfferGrant(offer_id=offer.id, product_id=granted.id))
    return offer


@action(
    history="offer.updated",
    needs=Permission.CATALOGUE_WRITE,
    refuses=(*_RULES, UserErrorCode.OFFER_ALREADY_SOLD),
    conflicts=_TAKEN,
    in_account=False,
    diary=False,
)
async def update_offer(work: Work, input: UpdateOfferInput) -> Offer:
    """Change an offer, as far as nothing that was sold is made of it."""
    offer = await work.lock(Offer, input.offer_id, "offer_id")
    work.expect(offer, input.expected_version)
    values = dict(set_fields(input, *_NEVER_NULL, "valid_until"))
    refuse_null(values, *_NEVER_NULL)
    product = await _product(work, offer)
    offer.valid_from = values.get("valid_from", offer.valid_from)
    offer.code, offer.name = values.get("code", offer.code), values.get("name", offer.name)
    set_terms(offer, input)
    check_terms(offer, product)
    changes = terms_changed(work.changed(offer))
    if input.also_grants is not UNSET and await _regrant(work, offer, input.also_grants or []):
        changes.append("also_grants")
    if changes and await _was_sold(work, offer):
        raise Refused.because(
            Refusal(
                UserErrorCode.OFFER_ALREADY_SOLD,
                "It was sold; `replaceOffer` puts another one in its place.",
                (name,),
            )
            for name in changes
        )
    if values.get("valid_until", offer.valid_until) != offer.valid_until:
        offer.valid_until = values["valid_until"]
        await check_end(work, offer.valid_until)
        await _see_sold(work, product, "offer_id", until=offer.valid_until)
    check_days(offer.valid_from, offer.valid_until)
    return offer


@action(
    history="offer.replaced",
    needs=Permission.CATALOGUE_WRITE,
    refuses=_RULES,
    conflicts={
        **_TAKEN,
        "uq_offer_tenant_id_predecessor_id": Refusal(
            UserErrorCode.OFFER_ALREADY_REPLACED, "Another one took its place.", ("offer_id",)
        ),
    },
    in_account=False,
    diary=False,
)
async def replace_offer(work: Work, input: ReplaceOfferInput) -> Offer:
    """Put a new offer in the place of one, at another price or on other terms. What was sold
    before goes on as it was sold.
    """
    old = await work.lock(Offer, input.offer_id, "offer_id")
    work.expect(old, input.expected_version)
    values = dict(set_fields(input, *(name for name in _NEVER_NULL if name != "valid_from")))
    refuse_null(values, *values)
    product = await _product(work, old)
    await _see_sold(work, product, "offer_id")
    if input.valid_from < await work.today() or input.valid_from <= old.valid_from:
        raise Refused(
            UserErrorCode.PERIOD_INVALID,
            "The new offer begins today or later, and after the one it replaces.",
            "valid_from",
        )
    kept = {name: getattr(old, name) for name in (*_KEPT, *TERMS)}
    new = Offer(**kept, predecessor_id=old.id, valid_from=input.valid_from)
    new.code, new.name = values.get("code", old.code), values.get("name", old.name)
    new.valid_until = input.valid_until or None
    check_days(new.valid_from, new.valid_until)
    set_terms(new, input)
    check_terms(new, product)
    if old.valid_until is None or old.valid_until >= input.valid_from:
        old.valid_until = input.valid_from - _ONE_DAY
    # The old one has to end before the new one takes its code.
    await work.flush()
    work.add(new)
    await work.flush()
    await _hand_over(work, old, new, input.also_grants)
    return new


@action(
    history="offer.ended",
    needs=Permission.CATALOGUE_WRITE,
    refuses=(UserErrorCode.NOT_FOUND, UserErrorCode.PERIOD_INVALID),
    in_account=False,
    diary=False,
)
async def end_offer(work: Work, input: EndOfferInput) -> Offer:
    """Sell an offer no longer than until a day. Subscriptions to it keep running."""
    offer = await work.lock(Offer, input.offer_id, "offer_id")
    work.expect(offer, input.expected_version)
    await end(work, offer, input.valid_until or None)
    return offer


async def _product(work: Work, offer: Offer) -> Product:
    return await work.session.get_one(Product, (work.tenant_id, offer.product_id))


async def _see_sold(work: Work, product: Product, *field: str, until: date | None = None) -> None:
    """See that a product is not retired, nor will be while this is under way.

    An offer that has ended by now, until a day, may be of a retired one.
    """
    await refresh_shared(work, product)
    over = until is not None and until < await work.today()
    if product.retired_at is not None and not over:
        raise Refused(
            UserErrorCode.PRODUCT_RETIRED, f"The product {product.name} is retired.", *field
        )


async def _was_sold(work: Work, offer: Offer) -> bool:
    for model in (Subscription, OrderItem):
        sold = select(model.id).where(model.tenant_id == work.tenant_id, model.offer_id == offer.id)
        if await work.session.scalar(sold.limit(1)) is not None:
            return True
    return False


async def _granted(work: Work, offer: Offer, ids: Sequence[str]) -> list[Product]:
    """The products that an offer is to give access to beside its own."""
    if len(ids) > MOST_GRANTS:
        raise Refused(
            UserErrorCode.INVALID, f"There are at most {MOST_GRANTS} of them.", "also_grants"
        )
    products: list[Product] = []
    for place, product_id in enumerate(ids):
        path = ("also_grants", str(place))
        product = await work.find(Product, product_id, *path)
        if product.access_id is None:
            raise Refused(
                UserErrorCode.INVALID, f"{product.name} is nothing to have access to.", *path
            )
        if product.id == offer.product_id or product in products:
            raise Refused(UserErrorCode.INVALID, "Access to it is given already.", *path)
        await _see_sold(work, product, *path)
        products.append(product)
    return products


async def _regrant(work: Work, offer: Offer, ids: Sequence[str]) -> bool:
    """Give access to these products instead; whether they are others than before."""
    wanted = {product.id for product in await _granted(work, offer, ids)}
    rows = await work.rows(OfferGrant, OfferGrant.offer_id == offer.id)
    for row in rows:
        if row.product_id not in wanted:
            await work.remove(row)
    known = {row.product_id for row in rows}
    for product_id in sorted(wanted - known):
        work.add(OfferGrant(offer_id=offer.id, product_id=product_id))
    return wanted != known


async def _hand_over(work: Work, old: Offer, new: Offer, ids: Any) -> None:
    """Give the new offer the old one's vouchers, and its products unless others are given."""
    for voucher in await work.rows(VoucherOffer, VoucherOffer.offer_id == old.id):
        work.add(VoucherOffer(voucher_id=voucher.voucher_id, offer_id=new.id))
    if ids is not UNSET:
        await _regrant(work, new, ids or [])
        return
    for grant in await work.rows(OfferGrant, OfferGrant.offer_id == old.id):
        work.add(OfferGrant(offer_id=new.id, product_id=grant.product_id))
