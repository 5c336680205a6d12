"""What all tables share: keys that lead with the tenant, timestamps, and marks on columns."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Integer,
    MetaData,
    Numeric,
    Text,
    func,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column


class Base(DeclarativeBase):
    """The root of all tables. Names of constraints are fixed, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        datetime: DateTime(timezone=True),
    }


class ActorKind(StrEnum):
    """Who did something."""

    STAFF = "STAFF"
    PARTNER = "PARTNER"
    CUSTOMER = "CUSTOMER"
    SYSTEM = "SYSTEM"
    IMPORT = "IMPORT"


def one_of(column: str, values: type[StrEnum], name: str | None = None) -> CheckConstraint:
    """A check that a text column holds a member of an enum.

    Text with a check, not a PostgreSQL enum type: members can be added in a transaction, and
    the column reads as the very name that GraphQL shows.
    """
    members = ", ".join(f"'{member.value}'" for member in values)
    return CheckConstraint(f"{column} IN ({members})", name=name or f"{column}_known")


def personal() -> dict[str, Any]:
    """Mark a column as personal data: pass as `mapped_column(..., info=personal())`.

    Export and anonymisation walk the columns that carry this mark and nothing else, so a
    personal column without it is a leak. A test names every text column that lacks it.
    """
    return {"personal": True}


class TenantRow(Base):
    """A row that belongs to a tenant; row-level security hides it from every other tenant.

    The primary key leads with the tenant, as every foreign key to it does, so that no row can
    point across tenants and a PostgreSQL sharded by tenant takes the schema as it is.
    """

    __abstract__ = True

    tenant_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)


class Record(TenantRow):
    """A tenant's row that says when it was made and changed, and by whom.

    `actor_name` is the actor's name at that time, so that the account can be read after the
    actor is gone.
    """

    __abstract__ = True

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_kind: Mapped[str] = mapped_column(server_default=ActorKind.SYSTEM.value)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_name: Mapped[str | None] = mapped_column(Text)


class CustomerRecord(Record):
    """A record in a customer's account."""

    __abstract__ = True

    @declared_attr
    def customer_id(cls) -> Mapped[int]:  # noqa: N805  SQLAlchemy passes the class.
        """The customer whose account holds the record."""
        return mapped_column(BigInteger)


def tenant_foreign_key(
    column: str, table: str, *, ondelete: str = "RESTRICT", use_alter: bool = False
) -> ForeignKeyConstraint:
    """A foreign key from (tenant_id, column) to (tenant_id, id) of another table."""
    return ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{table}.tenant_id", f"{table}.id"],
        ondelete=ondelete,
        use_alter=use_alter,
    )


def amount() -> Numeric[Any]:
    """Money: up to 12 digits before the point and two behind; never a float."""
    return Numeric(14, 2)
