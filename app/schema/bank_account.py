"""The tab of bank accounts and their SEPA mandates."""

from collections.abc import Awaitable
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Date, case, cast, func, literal_column, select

from app.auth.permissions import Permission
from app.context import CallerContext
from app.domain.mandates import LAPSES_AFTER_YEARS
from app.models.bank_account import BankAccount as BankAccountModel
from app.models.bank_account import MandateState
from app.models.tenant import Tenant
from app.resolvers.fields import column, expression, python
from app.resolvers.reads import Columns, Row
from app.schema.connection import Connection, tab
from app.schema.enums import described
from app.schema.lazy import LazySubscription
from app.schema.node import AccountRecord, record
from app.work.disclosure import IBAN

described(
    MandateState,
    "Whether debits can be drawn with a SEPA mandate.",
    {
        "ACTIVE": "Debits can be drawn.",
        "REVOKED": "The customer or the publisher ended it.",
        "LAPSED": "It was not used for 36 months.",
    },
)


_TENANT = Tenant.__table__.alias("tenant_of_account")
_LASTS: ColumnElement[timedelta] = literal_column(f"interval '{LAPSES_AFTER_YEARS} years'")


def _lapses_on(t: Columns) -> ColumnElement[date]:
    """The day that `app.domain.mandates.lapses_on` gives; null where the mandate was revoked."""
    used = func.greatest(t.mandate_signed_on, t.mandate_last_used_on)
    return case((t.mandate_state != MandateState.REVOKED.value, cast(used + _LASTS, Date)))


def _state(t: Columns) -> ColumnElement[str]:
    """The state that is written down, unless the mandate lapsed by today, where the tenant is."""
    now = func.timezone(_TENANT.c.time_zone, func.now())
    today = select(cast(now, Date)).where(_TENANT.c.id == t.tenant_id).correlate_except(_TENANT)
    lapsed = _lapses_on(t) <= today.scalar_subquery()
    lapsed &= t.mandate_state == MandateState.ACTIVE.value
    return case((lapsed, MandateState.LAPSED.value), else_=t.mandate_state)


def not_removed(t: Columns) -> ColumnElement[bool]:
    """What lists of bank accounts show."""
    return t.removed_at.is_(None)


def _iban(context: CallerContext, row: Row) -> Awaitable[str | None]:
    return context.disclose(IBAN, row["_id"])


@record(
    BankAccountModel,
    needs=Permission.BANK_ACCOUNT_READ,
    description="A bank account for SEPA direct debits, with its mandate.",
)
class BankAccount(AccountRecord):
    """A bank account; the IBAN is masked here and encrypted in the database."""

    owner: str = column("The account's owner.", where=True, order=True)
    masked_iban: str | None = column(
        "The IBAN with all but its ends hidden; null once the customer is anonymised.",
        of="iban_masked",
    )
    iban: str | None = python(
        ("id",),
        _iban,
        "The whole IBAN; null once the customer is anonymised. That it was read, and by whom, is "
        "in the history before it is given.",
        needs=Permission.BANK_ACCOUNT_REVEAL,
    )
    bic: str | None = column("The bank's BIC (ISO 9362).", where=True)
    bank_name: str | None = column("The bank's name.", where=True)
    mandate_reference: str = column(
        "The mandate's reference, at most 35 characters.", where=True, order=True
    )
    mandate_signed_on: date = column("The day the mandate was signed.", where=True, order=True)
    mandate_last_used_on: date | None = column(
        "The day of the last debit, also if it came back; null means it was not used.",
        where=True,
        order=True,
    )
    mandate_lapses_on: date | None = expression(
        _lapses_on,
        "The first day on which debits can't be drawn any more unless it is used before; null "
        "once it was revoked.",
        where=True,
        order=True,
    )
    mandate_revoked_at: datetime | None = column("When it was revoked.", where=True)
    mandate_state: MandateState = expression(_state, "Whether debits can be drawn.", where=True)
    preferred: bool = column("Whether it is the preferred account.", where=True)
    removed_at: datetime | None = column(
        "When it was removed. Its record stays behind what was paid from it, and no list shows it."
    )
    version: int = column("Rises with every change; for `expectedVersion`.")
    subscriptions: Connection[LazySubscription] | None = tab(
        "bank_account_id",
        "The subscriptions that are paid from it.",
        needs=Permission.SUBSCRIPTION_READ,
    )
