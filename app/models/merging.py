"""What becomes of a duplicate's rows when two customers become one.

Nothing here lists what moves: every row that names the duplicate names the other customer
afterwards, and what hangs on such rows goes with them. Said is only what does not simply move,
and why.
"""

from collections.abc import Iterator, Sequence
from types import MappingProxyType

from sqlalchemy import ForeignKeyConstraint, Table

from app.models import Base
from app.models.address import Address
from app.models.base import Record, TenantRow, Versioned

ENDS = MappingProxyType(
    {
        "customer_device": "A browser that is known again saves the duplicate's login a check.",
        "customer_recovery_code": "Their hashes are made with the key of whose codes they are.",
    }
)
"""Tables of which the duplicate's rows are deleted, and why."""

OTHERWISE = MappingProxyType(
    {
        "anonymization_request": "While there is one, customers are not merged.",
        "customer_sign_in": "One goes with the password that is kept.",
        "customer_term": "Triggers keep it.",
    }
)
"""Tables whose rows are seen to in another way, or can't be there."""

BECOME_ONE = MappingProxyType(
    {
        "address": "Addresses that are the same in all that they say.",
        "opt_in": "The states of one purpose on one channel; their logs become one, too.",
    }
)
"""Tables of which a row of each may be the same; then the duplicate's is deleted."""

UNIQUE = MappingProxyType(
    {
        "uq_address_preferred": "The duplicate's are preferred only where no other one is, and "
        "where the customer is about to move to.",
        "uq_bank_account_iban": "The duplicate's active mandate on the same IBAN is `doubled`.",
        "uq_bank_account_preferred": "The duplicate's is preferred only where no other one is.",
        "uq_customer_merge_running": "While one is under way for either, they are not merged.",
        "uq_data_export_running": "As above.",
        "uq_opt_in_tenant_id_customer_id_purpose_channel": "They become one.",
    }
)
"""What there may be one of in an account, by the constraints that say so, and how two are met."""

SAME_OPT_IN = "(mine.purpose, mine.channel) = (other.purpose, other.channel)"

SAME_IBAN = (
    "mine.iban_hash = other.iban_hash AND mine.mandate_state = 'ACTIVE' AND NOT mine.doubled"
    " AND other.mandate_state = 'ACTIVE'"
)
"""Whether the customer has a bank account, `mine`, that the duplicate has as well, `other`."""

_OF_THE_ROW = frozenset(
    {
        *Record.__annotations__,
        *TenantRow.__annotations__,
        *Versioned.__annotations__,
        "customer_id",
        "preferred",
    }
)
"""Columns of an address that say nothing of where it is."""


def same_address(one: str = "mine", another: str = "other") -> str:
    """Whether an address of the customer's, `mine`, is the same as a duplicate's, `other`."""
    names = [column.name for column in _table(Address).columns if column.name not in _OF_THE_ROW]
    mine, other = (", ".join(f"{side}.{name}" for name in names) for side in (one, another))
    return f"ROW({mine}) IS NOT DISTINCT FROM ROW({other})"


def moves_to(address: str, *, tenant: str, kept: str, duplicate: str, day: str) -> str:
    """Whether a preferred address of the duplicate's is where the customer is about to move to.

    It is where both prefer one and the same address today, and only the duplicate's account knows
    of a later one.
    """
    return f"""(
        coalesce({address}.valid_from > {day}, false)
        AND EXISTS (
            SELECT FROM public.address AS own JOIN public.address AS used
            ON {same_address("own", "used")}
            WHERE own.tenant_id = {tenant} AND own.customer_id = {kept} AND own.preferred
                AND used.tenant_id = {tenant} AND used.customer_id = {duplicate} AND used.preferred
                AND used.type = {address}.type AND coalesce(used.valid_from <= {day}, true)
        )
        AND NOT EXISTS (
            SELECT FROM public.address AS later
            WHERE later.tenant_id = {tenant} AND later.customer_id = {kept}
                AND later.type = {address}.type AND later.preferred AND later.valid_from > {day}
        )
    )"""  # noqa: S608  These are our own words.


def moved() -> Sequence[str]:
    """The tables whose rows name a customer, and name the other one afterwards."""
    return [
        table.name
        for table in Base.metadata.sorted_tables
        if "customer_id" in table.columns and table.name not in {*ENDS, *OTHERWISE}
    ]


def pointing_at(table: str) -> Iterator[tuple[str, str]]:
    """The columns that name rows of a table, each after its own table."""
    for origin in Base.metadata.sorted_tables:
        for constraint in sorted(origin.foreign_key_constraints, key=lambda one: str(one.name)):
            if constraint.referred_table.name == table:
                yield origin.name, _column(constraint)


def _column(constraint: ForeignKeyConstraint) -> str:
    """The column of a foreign key beside the tenant's."""
    return constraint.columns.values()[-1].name


def _table(model: type[TenantRow]) -> Table:
    return Base.metadata.tables[model.__tablename__]
