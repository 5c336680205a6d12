"""What all tables share: keys that lead with the tenant, timestamps, and marks on columns."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

Key = Annotated[int, mapped_column(BigInteger)]
"""The id of a row, where it is named by another one."""

Json = dict[str, Any]


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
        bytes: BYTEA(),
        date: Date(),
        datetime: DateTime(timezone=True),
        list[str]: ARRAY(Text()),
        # None is no value at all, which JSON's null would be.
        Json: JSONB(none_as_null=True),
    }


class ActorKind(StrEnum):
    """Who did something."""

    STAFF = "STAFF"
    PARTNER = "PARTNER"
    CUSTOMER = "CUSTOMER"
    SYSTEM = "SYSTEM"
    IMPORT = "IMPORT"


class PeriodUnit(StrEnum):
    """In what a term, an accounting period or a notice period is counted."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    YEAR = "YEAR"


class PaymentMethod(StrEnum):
    """How a customer pays."""

    SEPA_DEBIT = "SEPA_DEBIT"
    INVOICE = "INVOICE"
    CREDIT_CARD = "CREDIT_CARD"
    PAYPAL = "PAYPAL"
    FREE = "FREE"


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """A check that a text column holds a member of an enum.

    Text with a check, not a PostgreSQL enum type: members can be added in a transaction, and
    the column reads as the very name that GraphQL shows.
    """
    members = ", ".join(f"'{member.value}'" for member in values)
    return CheckConstraint(f"{column} IN ({members})", name=f"{column}_known")


def matches(column: str, pattern: str) -> CheckConstraint:
    """A check that a text column matches a regular expression; null passes."""
    return CheckConstraint(f"{column} ~ '{pattern}'", name=f"{column}_form")


def at_most(column: str, characters: int) -> CheckConstraint:
    """A check that a text column is no longer than so many characters; null passes."""
    return CheckConstraint(
        f"char_length({column}) <= {characters}",
        name=f"{column}_length",
        info={"at_most": (column, characters)},
    )


def longest(attribute: InstrumentedAttribute[Any]) -> int:
    """How many characters a column takes, by its `at_most`.

    Raises:
        TypeError: when nothing bounds the column.
    """
    for constraint in attribute.class_.__table__.constraints:
        column, characters = constraint.info.get("at_most", (None, 0))
        if column == attribute.key:
            return int(characters)
    raise TypeError(f"Nothing says how long {attribute} may be.")


def currency() -> CheckConstraint:
    """A check that the column `currency` has the form of an ISO 4217 code."""
    return matches("currency", "^[A-Z]{3}$")


def personal(*, retained: bool = False) -> dict[str, Any]:
    """Mark a column as personal data: pass as `mapped_column(..., info=personal())`.

    Export and anonymisation walk the columns that carry this mark and nothing else, so a
    personal column without it is a leak. A test names every column that lacks it. What is
    `retained` must be kept until a retention period of the law ends, as the address on an
    invoice: it is exported at once, and erased only then.
    """
    return {"personal": True, "retained": retained}


def encrypted() -> dict[str, Any]:
    """Mark a column as personal and encrypted; `app.encryption` says how it is read."""
    return {**personal(), "encrypted": True}


def found_by(function: str) -> dict[str, str]:
    """Mark a JSON column whose values an index finds: by a function that gives the rows' keys.

    The operators that an index on JSON answers are not leakproof, so under row-level security
    only a function of the owner's can use it.
    """
    return {"found_by": function}


def secret() -> dict[str, Any]:
    """Mark a column as personal and never to be shown, in the history neither, as a hash is."""
    return {**personal(), "secret": True}


class TenantRow(Base):
    """A row that belongs to a tenant; row-level security hides it from every other tenant.

    The primary key leads with the tenant, as every foreign key to it does, so that no row can
    point across tenants and a PostgreSQL sharded by tenant takes the schema as it is. Tables
    that hang on no other one of the tenant add `of_tenant()` to their constraints.
    """

    __abstract__ = True

    tenant_id: Mapped[int] = mapped_column(
        Integer, primary_key=True, autoincrement=False, sort_order=-3
    )
    # By its sentinel SQLAlchemy knows which key is whose when it inserts many rows at once; of a
    # key of two columns it does not guess it.
    id: Mapped[int] = mapped_column(
        BigInteger, Identity(), primary_key=True, insert_sentinel=True, sort_order=-2
    )


class Record(TenantRow):
    """A tenant's row that says when it was made and changed, and by whom.

    `changed_at` is kept by a trigger. `actor_name` is the actor's name at that time, so that
    the account can be read after the actor is gone.
    """

    __abstract__ = True

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=10)
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=11)
    actor_kind: Mapped[str] = mapped_column(
        one_of("actor_kind", ActorKind), server_default=ActorKind.SYSTEM.value, sort_order=12
    )
    actor_id: Mapped[Key | None] = mapped_column(sort_order=13)
    actor_name: Mapped[str | None] = mapped_column(info=personal(), sort_order=14)


class CustomerRecord(Record):
    """A record in a customer's account; its constraints begin with `*in_account()`."""

    __abstract__ = True

    customer_id: Mapped[Key] = mapped_column(sort_order=-1)


class Versioned:
    """A row whose `version` a trigger raises with every change.

    Clients hand it back as `expectedVersion`, and so do not overwrite what they have not seen.
    """

    version: Mapped[int] = mapped_column(Integer, server_default="1", sort_order=9)


def of_tenant() -> ForeignKeyConstraint:
    """The foreign key of a table that hangs on nothing but its tenant."""
    return ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="RESTRICT")


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


def record_name(table: str) -> str:
    """What the schema calls the records of a table: its class, or the first where it has two."""
    return min(
        mapper.class_.__name__
        for mapper in Base.registry.mappers
        if mapper.local_table is Base.metadata.tables[table]
    )


def in_account(*, ondelete: str = "RESTRICT") -> tuple[SchemaItem, ...]:
    """What every table of customer records has: its customer, and the index its tab is read by.

    Records that prove something, or that money hangs on, stand in the way of deleting their
    customer; others go with it (`ondelete="CASCADE"`).
    """
    return (
        tenant_foreign_key("customer_id", "customer", ondelete=ondelete),
        Index(None, "tenant_id", "customer_id", "created_at", "id"),
    )


def linked_by(column: str) -> Index:
    """The index that finds the rows that point at another one by a nullable foreign key."""
    return Index(None, "tenant_id", column, postgresql_where=f"{column} IS NOT NULL")


def staff_foreign_key(*, ondelete: str = "RESTRICT") -> ForeignKey:
    """A foreign key to a member of staff, who belongs to no single tenant."""
    return ForeignKey("staff.id", ondelete=ondelete)


def amount() -> Numeric[Any]:
    """Money: up to 12 digits before the point and two behind; never a float."""
    return Numeric(14, 2)


def percent() -> Numeric[Any]:
    """A tax rate in percent, as 7.00."""
    return Numeric(5, 2)
