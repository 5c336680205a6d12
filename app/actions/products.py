"""Products: what there is to sell. Their prices and terms are the offers'."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import or_, select
from strawberry import UNSET

from app.actions.catalogue_inputs import refuse_null
from app.auth.permissions import Permission
from app.errors import Refusal, Refused, UserErrorCode
from app.models import AccessRight, Offer, OfferGrant, Product, ProductTaxShare, Publication
from app.models.product import ProductKind
from app.models.tax_rate import TaxClass
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

_UNIQUE_ID = re.compile(r"[0-9A-Za-z-]{2,30}")
_TAKEN = {
    "uq_product_tenant_id_access_id": Refusal(
        UserErrorCode.UNIQUE_ID_TAKEN, "Another product has this unique id.", ("unique_id",)
    )
}


def _unique_id(value: str) -> str | None:
    kept = checked_text(value, 30)
    if kept is not None and _UNIQUE_ID.fullmatch(kept) is None:
        raise Refused(UserErrorCode.INVALID, "This takes 2 to 30 letters, digits and hyphens.")
    return kept


def _percent(value: Decimal) -> Decimal:
    if not 0 < value < 100 or value != round(value, 2):
        raise Refused(
            UserErrorCode.TAX_SPLIT_INVALID,
            "A share is more than 0 and less than 100 percent, with at most two decimals.",
        )
    return value


@strawberry.input(description="A part of a bundle's price that is of one tax class.")
class TaxShareInput:
    """How much of the price it is."""

    tax_class: TaxClass = given("What this part is to the tax office.")
    percent: Decimal = given("How much of the price with tax it is, in percent.", check=_percent)


@strawberry.input
class ProductData:
    """What a product is, beside its kind."""

    description: str | None = text("What it is.", of=Product.description, lines=True, default=UNSET)
    unique_id: str | None = given(
        "The unique id that front ends ask `hasAccess` for to open content: 2 to 30 letters, "
        "digits and hyphens. All but `PRINT` need one.",
        check=_unique_id,
        default=UNSET,
    )
    publication_id: strawberry.ID | None = identifier(
        "The id of the publication that is delivered. All but `DIGITAL` need one.", default=UNSET
    )
    tax_class: TaxClass | None = given(
        "What all of it is to the tax office; either this or `taxShares`.", default=UNSET
    )
    tax_shares: list[TaxShareInput] | None = given(
        "How the tax of a `BUNDLE` is split; the shares add up to 100 percent.", default=UNSET
    )


@strawberry.input(description="A new product.")
class CreateProductInput(ProductData, Repeatable):
    """What it is."""

    kind: ProductKind = given("What a customer gets, which never changes.")
    name: str = text("Its name.", of=Product.name)


@strawberry.input(
    description="What to change of a product: what is left out stays as it is. Invoices that were "
    "issued keep what they say."
)
class UpdateProductInput(ProductData, Versioned):
    """Which product, and what to change."""

    product_id: strawberry.ID = identifier("The id of the product.")
    name: str | None = text("Its name.", of=Product.name, default=UNSET)


@strawberry.input(description="A product to sell no more.")
class RetireProductInput(Versioned):
    """Which product."""

    product_id: strawberry.ID = identifier("The id of the product.")


@strawberry.input(description="A product to sell again.")
class ReinstateProductInput(Versioned):
    """Which product."""

    product_id: strawberry.ID = identifier("The id of the product.")


@action(
    history="product.created",
    needs=Permission.CATALOGUE_WRITE,
    refuses=(UserErrorCode.NOT_FOUND, UserErrorCode.TAX_SPLIT_INVALID),
    conflicts=_TAKEN,
    in_account=False,
    diary=False,
)
async def create_product(work: Work, input: CreateProductInput) -> Product:
    """Create a product. Offers then put prices on it."""
    product = Product(kind=input.kind.value, name=input.name, description=input.description or None)
    product.access_id = input.unique_id or None
    product.publication_id = await _publication(work, input.publication_id or None)
    shares = _tax(product, input.tax_class or None, input.tax_shares or [])
    _check(product)
    work.add(product)
    await work.flush()
    _split(work, product, shares)
    return product


@action(
    history="product.updated",
    needs=Permission.CATALOGUE_WRITE,
    refuses=(
        UserErrorCode.NOT_FOUND,
        UserErrorCode.TAX_SPLIT_INVALID,
        UserErrorCode.PRODUCT_IN_USE,
    ),
    conflicts=_TAKEN,
    in_account=False,
    diary=False,
)
async def update_product(work: Work, input: UpdateProductInput) -> Product:
    """Change a product. What access rights ask for stays while there are any, and so does the
    publication while there are offers.
    """
    product = await work.lock(Product, input.product_id, "product_id")
    work.expect(product, input.expected_version)
    values = dict(set_fields(input, "name", "description"))
    refuse_null(values, "name")
    for name, value in values.items():
        setattr(product, name, value)
    if input.unique_id is not UNSET:
        product.access_id = input.unique_id
    if input.publication_id is not UNSET:
        product.publication_id = await _publication(work, input.publication_id)
    await _change_tax(work, product, input)
    _check(product)
    await _check_use(work, product)
    return product


@action(
    history="product.retired",
    needs=Permission.CATALOGUE_WRITE,
    refuses=(
        UserErrorCode.NOT_FOUND,
        UserErrorCode.PRODUCT_IN_USE,
        UserErrorCode.PRODUCT_RETIRED,
    ),
    in_account=False,
    diary=False,
)
async def retire_product(work: Work, input: RetireProductInput) -> Product:
    """Sell a product no more, once its offers have ended. Subscriptions keep running."""
    product = await work.lock(Product, input.product_id, "product_id")
    work.expect(product, input.expected_version)
    if product.retired_at is not None:
        raise Refused(UserErrorCode.PRODUCT_RETIRED, "It is retired already.", "product_id")
    today = await work.today()
    granted = select(OfferGrant.offer_id).where(
        OfferGrant.tenant_id == work.tenant_id, OfferGrant.product_id == product.id
    )
    running = await work.rows(
        Offer,
        or_(Offer.product_id == product.id, Offer.id.in_(granted)),
        or_(Offer.valid_until.is_(None), Offer.valid_until >= today),
    )
    if running:
        codes = ", ".join(offer.code for offer in running[:5])
        raise Refused(
            UserErrorCode.PRODUCT_IN_USE, f"Offers have not ended yet: {codes}.", "product_id"
        )
    product.retired_at = work.now
    return product


@action(
    history="product.reinstated",
    needs=Permission.CATALOGUE_WRITE,
    refuses=(UserErrorCode.NOT_FOUND, UserErrorCode.PRODUCT_NOT_RETIRED),
    in_account=False,
    diary=False,
)
async def reinstate_product(work: Work, input: ReinstateProductInput) -> Product:
    """Sell a retired product again. It needs new offers."""
    product = await work.lock(Product, input.product_id, "product_id")
    work.expect(product, input.expected_version)
    if product.retired_at is None:
        raise Refused(UserErrorCode.PRODUCT_NOT_RETIRED, "It is not retired.", "product_id")
    product.retired_at = None
    return product


async def _publication(work: Work, id: str | None) -> int | None:
    if id is None:
        return None
    return (await work.find(Publication, id, "publication_id")).id


def _check(product: Product) -> None:
    """See that a product has what its kind needs, and nothing else."""
    refusals = []
    for name, value, alien in (
        ("unique_id", product.access_id, ProductKind.PRINT),
        ("publication_id", product.publication_id, ProductKind.DIGITAL),
    ):
        if product.kind == alien.value and value is not None:
            message = f"A product of the kind {alien.value} has none."
            refusals.append(Refusal(UserErrorCode.INVALID, message, (name,)))
        if product.kind != alien.value and value is None:
            message = f"A product of the kind {product.kind} needs one."
            refusals.append(Refusal(UserErrorCode.REQUIRED, message, (name,)))
    if refusals:
        raise Refused.because(refusals)


def _tax(
    product: Product, tax_class: TaxClass | None, shares: Sequence[TaxShareInput]
) -> Sequence[TaxShareInput]:
    """Set a product's tax class, or see that the shares in its place are whole; the shares."""
    if (tax_class is None) == (not shares):
        raise Refused(
            UserErrorCode.REQUIRED, "Either this or `taxShares` has to be given.", "tax_class"
        )
    product.tax_class = tax_class and tax_class.value
    message = None
    if shares and product.kind != ProductKind.BUNDLE.value:
        message = "Only a bundle's tax is split."
    elif len({share.tax_class for share in shares}) < len(shares):
        message = "Each class has one share."
    elif shares and sum(share.percent for share in shares) != 100:
        message = "The shares have to add up to 100 percent."
    if message is not None:
        raise Refused(UserErrorCode.TAX_SPLIT_INVALID, message, "tax_shares")
    return shares


async def _change_tax(work: Work, product: Product, input: UpdateProductInput) -> None:
    """Put a tax class in the place of shares, or the other way round, as far as it is wanted."""
    if input.tax_class is UNSET and input.tax_shares is UNSET:
        return
    wanted = _tax(product, input.tax_class or None, input.tax_shares or [])
    kept = {share.tax_class.value: share.percent for share in wanted}
    for row in await work.rows(ProductTaxShare, ProductTaxShare.product_id == product.id):
        if row.tax_class in kept:
            row.percent = kept.pop(row.tax_class)
        else:
            await work.remove(row)
    _split(work, product, [share for share in wanted if share.tax_class.value in kept])


def _split(work: Work, product: Product, shares: Sequence[TaxShareInput]) -> None:
    for share in shares:
        work.add(
            ProductTaxShare(
                product_id=product.id, tax_class=share.tax_class.value, percent=share.percent
            )
        )


async def _check_use(work: Work, product: Product) -> None:
    """See that nothing depends on what changes."""
    changed = work.changed(product)
    users: list[tuple[str, str, Any, Any]] = [
        ("access_id", "unique_id", AccessRight, AccessRight.product_id),
        ("publication_id", "publication_id", Offer, Offer.product_id),
    ]
    for name, given_as, model, column in users:
        found = select(model.id).where(model.tenant_id == work.tenant_id, column == product.id)
        if name in changed and await work.session.scalar(found.limit(1)) is not None:
            raise Refused(
                UserErrorCode.PRODUCT_IN_USE, "Access rights or offers were made with it.", given_as
            )
