"""Number ranges: where a tenant's own numbers have got to."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from app.models.base import Key, TenantRow, at_most, of_tenant


class NumberRange(TenantRow):
    """The last number taken of one kind; whoever takes the next locks the row until it commits."""

    __tablename__ = "number_range"
    __table_args__ = (of_tenant(), UniqueConstraint("tenant_id", "name"), at_most("name", 60))

    name: Mapped[str]
    last: Mapped[Key]
