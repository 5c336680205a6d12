"""The rules that the tenant sets itself."""

from datetime import datetime

from strawberry.types import Info

from app.auth.permissions import Permission
from app.context import RequestContext
from app.models import TenantSettings as TenantSettingsModel
from app.resolvers.fields import column, field
from app.resolvers.reads import Key, record_of
from app.schema.lookups import find_record
from app.schema.node import Node, record


@record(
    TenantSettingsModel,
    needs=Permission.TENANT_READ,
    description="The rules that the tenant sets itself.",
)
class TenantSettings(Node):
    """Second factors, four eyes, and how long records are kept."""

    two_factor_required: bool = column("Whether members of staff need a second factor.")
    four_eyes: bool = column("Whether two people have to agree before a customer is anonymised.")
    book_years: int = column(
        "For how many years books are kept after the end of their calendar year."
    )
    invoice_years: int = column("The same for invoices and payments.")
    letter_years: int = column("The same for letters and mails.")
    login_days: int = column("For how many days attempts to log in are kept.")
    changed_at: datetime = column("When something of the tenant was last changed.")


@field("The rules that the tenant sets itself.", needs=Permission.TENANT_READ)
async def tenant_settings(info: Info) -> TenantSettings | None:
    """Find the tenant's own, of which there is always one."""
    context: RequestContext = info.context
    found = record_of(TenantSettings)
    if found is None:
        raise TypeError("Settings are a record.")
    key = Key(found, "tenant_id", context.principal.tenant_id)
    return await find_record(info, key, "There are no settings.")  # type: ignore[return-value]  # A source.
