"""Tax rates: what the law of a country asks on a day, for all tenants alike."""

from datetime import date
from decimal import Decimal
from typing import cast

from app.auth.permissions import Permission
from app.models.base import TenantRow
from app.models.tax_rate import TaxClass, TenantTaxRate
from app.resolvers.fields import column
from app.scalars import CountryCode
from app.schema.node import record

_ROWS = cast(type[TenantRow], TenantTaxRate)
"""A view that has what reading needs of a tenant's table."""


@record(
    _ROWS,
    needs=Permission.CATALOGUE_READ,
    description="A tax rate and the days it applies. It is law, so no tenant can change it, and "
    "it has no id.",
    order="-valid_from",
)
class TaxRate:
    """A country's rate for one class of goods."""

    country: CountryCode = column("The country.", where=True, order=True)
    tax_class: TaxClass = column("For what.", where=True, order=True)
    percent: Decimal = column("The rate in percent.", where=True, order=True)
    valid_from: date = column("The first day it applies.", where=True, order=True)
    valid_until: date | None = column(
        "The last day it applies; null while it has no end.", where=True, order=True
    )
