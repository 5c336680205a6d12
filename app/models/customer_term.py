"""What the overview is searched and counted by. Triggers keep both; nothing else writes them."""

from enum import IntEnum

from sqlalchemy import BigInteger, Index, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, of_tenant, personal


class TermSource(IntEnum):
    """The table a term comes from."""

    CUSTOMER = 1
    ADDRESS = 2
    BANK_ACCOUNT = 3
    INVOICE = 4
    MERGE = 5


class CustomerTerm(Base):
    """A word that finds a customer, as `abokonto.search_terms` makes it.

    The primary key is all there is: a search is a range of it (`term >= 'mai' and
    term < 'mai\\U0010ffff'`), read from the index alone. The other index asks a customer found
    by one term for the others. The source is part of the key, so that
    removing an address takes away its own words and leaves the customer's.
    """

    __tablename__ = "customer_term"
    __table_args__ = (Index(None, "tenant_id", "customer_id", "term"),)

    tenant_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    term: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True, info=personal())
    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    source: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    source_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class CustomerCount(Base):
    """How many customers a tenant has: the sum over its slots, exact in every snapshot.

    Writers take the slot of their connection, so that they do not queue for one row; a single
    slot can therefore be negative.
    """

    __tablename__ = "customer_count"
    __table_args__ = (of_tenant(),)

    tenant_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger)
