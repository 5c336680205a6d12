"""How the tenant bills."""

from datetime import date, timedelta

from sqlalchemy import select

from app.domain.direct_debits import collected_on
from app.models import BillingProfile
from app.models.base import PaymentMethod
from app.work.once import once
from app.work.unit import Work


async def billing_profile(work: Work) -> BillingProfile:
    """The tenant's billing profile, of which there is always one."""

    async def find() -> BillingProfile:
        mine = select(BillingProfile).where(BillingProfile.tenant_id == work.tenant_id)
        return (await work.session.scalars(mine)).one()

    return await once(work, "billing profile", find)


def due_on(profile: BillingProfile, method: PaymentMethod, issued_on: date) -> date:
    """The day on which what is issued is to be paid: by the customer, or drawn from them."""
    if method is PaymentMethod.SEPA_DEBIT:
        return collected_on(issued_on, issued_on, profile.pre_notification_days)
    return issued_on + timedelta(days=profile.payment_days)
