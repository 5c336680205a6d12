"""Vouchers: what codes take off an order."""

from datetime import date
from decimal import Decimal

from app.auth.permissions import Permission
from app.models.voucher import Voucher as VoucherModel
from app.models.voucher import VoucherKind, VoucherOffer
from app.resolvers.fields import column, embedded, expression, many
from app.schema.catalogue import Offer
from app.schema.common import Money, money
from app.schema.dates import holds_today
from app.schema.enums import described
from app.schema.node import Record, record

described(
    VoucherKind,
    "What a voucher takes off the first accounting period.",
    {
        "PERCENT": "So many percent of the price.",
        "AMOUNT": "An amount, or the price where that is less.",
    },
)


@record(
    VoucherModel,
    needs=Permission.VOUCHER_READ,
    description="A code that makes an order cheaper.",
)
class Voucher(Record):
    """What it takes off, when, how often, and for which offers."""

    code: str = column("What customers type, in capitals.", where=True, order=True)
    name: str = column("What it is called among colleagues.", where=True, order=True)
    kind: VoucherKind = column("What it takes off.", where=True)
    percent: Decimal | None = column("How many percent, where it is of that kind.", where=True)
    amount: Money | None = embedded(
        "How much, where it is of that kind.",
        money("amount"),
        null_when_null="amount",
        compared_by="amount",
    )
    valid_from: date = column("The first day it can be used.", where=True, order=True)
    valid_until: date | None = column(
        "The last day it can be used; null means open.", where=True, order=True
    )
    current: bool = expression(
        holds_today, "Whether its days include today, in the tenant's time zone.", where=True
    )
    usage_limit: int | None = column(
        "How often it can be used in all; null means as often as one likes.", where=True
    )
    limit_per_customer: int | None = column(
        "How often each customer can use it; null means as often as one likes."
    )
    used: int = column("How often it was used.", where=True, order=True)
    version: int = column("Rises with every change but being used; for `expectedVersion`.")
    offers: list[Offer] | None = many(
        "voucher_id",
        "The offers that it is for; none means all.",
        through=VoucherOffer,
        through_key="offer_id",
        needs=Permission.CATALOGUE_READ,
    )
