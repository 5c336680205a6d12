"""Days in SQL: what counts today, where the tenant is."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, cast, func, or_, select

from app.models import Tenant
from app.resolvers.reads import Columns


def today(t: Columns) -> ColumnElement[date]:
    """The day that it is in the time zone of a record's tenant."""
    tenant = Tenant.__table__.alias()
    day: Any = cast(func.timezone(tenant.c.time_zone, func.now()), Date)
    return select(day).where(tenant.c.id == t.tenant_id).correlate_except(tenant).scalar_subquery()


def holds_today(t: Columns) -> ColumnElement[bool]:
    """Whether a record with `valid_from` and `valid_until`, both included, counts today."""
    return (t.valid_from <= today(t)) & or_(t.valid_until.is_(None), t.valid_until >= today(t))
