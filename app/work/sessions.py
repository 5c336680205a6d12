"""Signing customers out, as part of what is done to their accounts."""

from sqlalchemy import update

from app.models import AccessToken, Customer
from app.work.unit import Work


async def end_all_sessions(work: Work, customer: Customer) -> int:
    """End all sessions of a customer who is locked; how many still worked or were only idle."""
    ended = await work.session.execute(
        update(AccessToken)
        .where(
            AccessToken.tenant_id == work.tenant_id,
            AccessToken.customer_id == customer.id,
            AccessToken.revoked_at.is_(None),
            AccessToken.expires_at > work.now,
        )
        .values(revoked_at=work.now)
        .returning(AccessToken.id)
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())
