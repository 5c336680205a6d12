"""What an export holds: which tables, which rows of them, and which columns.

All of it follows from what the tables declare. A table is in an export when it names the customer,
or when each of its rows hangs on a row that is; a column is in it unless it is listed here. So a
new one can be left out only on purpose: a test wants a reason for every table and column that is
in no export.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Integer,
    Select,
    Table,
    bindparam,
    case,
    null,
    or_,
    select,
)

from app.models import Base
from app.models.base import ActorKind

TENANT = bindparam("tenant", type_=Integer)
CUSTOMER = bindparam("customer", type_=BigInteger)

EXPLAINING = ("product", "offer", "issue", "opt_in_text")
"""Tables of the publisher's that say what the customer's rows are about; only those rows."""

_CATALOGUE = "What the publisher sells, which is the same for everybody."
_STAFF = "It is about people who work for the publisher."
_UPKEEP = "It is of use to the application alone, and names nobody."

OTHER_TABLES: Mapping[str, str] = {
    "additional_data_definition": "Which fields the publisher has; their values are exported.",
    "billing_profile": "The publisher's letterhead, which stands in the letter.",
    "customer_count": "How many customers there are.",
    "customer_term": "An index of words of the customer's, which are exported where they stand.",
    "goodwill_limit": _STAFF,
    "history_chain": _UPKEEP,
    "history_seal": _UPKEEP,
    "idempotency_key": "Marks of requests, kept for a day, as hashes that say nothing.",
    "number_range": _UPKEEP,
    "offer_grant": _CATALOGUE,
    "product_tax_share": _CATALOGUE,
    "publication": _CATALOGUE,
    "role": _STAFF,
    "sepa_batch": "Debits of many people; the customer's own are in payment_transaction.",
    "staff": _STAFF,
    "staff_device": _STAFF,
    "staff_identity": _STAFF,
    "staff_invitation": _STAFF,
    "staff_membership": _STAFF,
    "staff_recovery_code": _STAFF,
    "tax_rate": "Facts of the law.",
    "tenant": "The publisher, who is named in the letter.",
    "throttle": "Counts of attempts under keyed hashes, kept for a day.",
    "unclaimed_file": "Keys of objects that are about to be stored or removed.",
    "voucher": _CATALOGUE,
    "voucher_offer": _CATALOGUE,
}
"""The tables of which no row is exported, and why."""

_LETS_IN = "Whoever reads it could sign in as the customer, or try to."
_SALT = "By dropping it, what the entry says of people is made impossible to prove later on."

OMITTED: Mapping[str, str] = {
    "access_token.hash": _LETS_IN,
    "bank_account.iban_hash": "The keyed hash by which the IBAN is found, which is exported.",
    "customer.password_hash": _LETS_IN,
    "customer.totp_secret": _LETS_IN,
    "customer_device.hash": _LETS_IN,
    "customer_recovery_code.hash": _LETS_IN,
    "customer_sign_in.totp_pending": _LETS_IN,
    "history.actor_salt": _SALT,
    "history.personal_salt": _SALT,
}
"""The columns of exported tables that are left out, and why."""

_NAMES_OF_STAFF = {"actor_name": "actor_kind", "author_name": "author_kind"}
"""Names that may be those of the publisher's staff, whose rights an export must not touch (Art.
15 (4) GDPR; CJEU, 22.06.2023, C-579/21). They are null where the other column says so."""


@dataclass(frozen=True, eq=False)
class Source:
    """A table in an export: its columns, and which rows are the customer's."""

    table: Table
    columns: tuple[Column[Any], ...]
    mine: ColumnElement[bool]

    @property
    def encrypted(self) -> tuple[str, ...]:
        """The columns that are to be decrypted: they are the person's own."""
        return tuple(column.name for column in self.columns if column.info.get("encrypted"))

    def rows(self) -> Select[Any]:
        """The customer's rows in the order of their keys."""
        table = self.table
        chosen = [_told(table, column) for column in self.columns]
        mine = select(*chosen).where(table.c.tenant_id == TENANT, self.mine)
        return mine.order_by(*table.primary_key.columns)


@cache
def sources() -> tuple[Source, ...]:
    """Every table in an export, in an order in which rows come after those that they hang on."""
    owned: dict[str, ColumnElement[bool]] = {}
    for table in Base.metadata.sorted_tables:
        mine = None if table.name in OTHER_TABLES else _mine(table, owned)
        if mine is not None:
            owned[table.name] = mine
    explained = {name: _pointed_at(name, owned) for name in EXPLAINING}
    tables = Base.metadata.tables
    return tuple(
        Source(tables[name], _columns(tables[name]), mine)
        for name, mine in {**owned, **explained}.items()
    )


def _columns(table: Table) -> tuple[Column[Any], ...]:
    return tuple(column for column in table.columns if f"{table.name}.{column.name}" not in OMITTED)


def _mine(table: Table, owned: Mapping[str, ColumnElement[bool]]) -> ColumnElement[bool] | None:
    """Which rows of a table are the customer's; None where nothing says so."""
    if table.name == "customer":
        return table.c.id == CUSTOMER
    if "customer_id" in table.c:
        return table.c.customer_id == CUSTOMER
    for column, parent in _links(table):
        if parent.name in owned and not column.nullable:
            return _among(column, parent, owned[parent.name])
    return None


def _pointed_at(name: str, owned: Mapping[str, ColumnElement[bool]]) -> ColumnElement[bool]:
    """The rows of a table that the customer's rows name."""
    table = Base.metadata.tables[name]
    return or_(
        *(
            table.c.id.in_(select(column).where(origin.c.tenant_id == TENANT, mine))
            for origin, mine in ((Base.metadata.tables[key], owned[key]) for key in owned)
            for column, parent in _links(origin)
            if parent is table
        )
    )


def _among(column: Column[Any], parent: Table, mine: ColumnElement[bool]) -> ColumnElement[bool]:
    return column.in_(select(parent.c.id).where(parent.c.tenant_id == TENANT, mine))


def _links(table: Table) -> Iterable[tuple[Column[Any], Table]]:
    """The columns that name rows of other tables of the tenant, in a fixed order."""
    for constraint in sorted(table.constraints, key=lambda one: str(one.name)):
        if isinstance(constraint, ForeignKeyConstraint) and len(constraint.elements) == 2:
            # The tenant comes first in each of them.
            yield list(constraint.columns)[1], constraint.referred_table


def _told(table: Table, column: Column[Any]) -> ColumnElement[Any]:
    """A column as the export tells it."""
    kind = _NAMES_OF_STAFF.get(column.name)
    if kind is None:
        return column
    by_staff = table.c[kind] == ActorKind.STAFF.value
    return case((by_staff, null()), else_=column).label(column.name)
