"""Mandates in the course of time: whether debits can be drawn, and those that lapse."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import ColumnElement, func

from app.domain.mandates import LAPSES_AFTER_YEARS, lapses_on
from app.models import BankAccount
from app.models.bank_account import MandateState
from app.work.batch import Batch


def usable(account: BankAccount, day: date) -> bool:
    """Whether debits can be drawn from a bank account on a day."""
    return (
        account.mandate_state == MandateState.ACTIVE
        and account.removed_at is None
        and lapses_on(account.mandate_signed_on, account.mandate_last_used_on) > day
    )


def lapsed_by(day: date) -> ColumnElement[bool]:
    """Mandates that nobody has written down as lapsed and that have lapsed by a day."""
    since = func.greatest(BankAccount.mandate_signed_on, BankAccount.mandate_last_used_on)
    lapsing = since + func.make_interval(LAPSES_AFTER_YEARS)
    return (BankAccount.mandate_state == MandateState.ACTIVE.value) & (lapsing <= day)


async def lapse(batch: Batch, keys: Collection[int], day: date) -> int:
    """Write down of mandates that they have lapsed; how many did.

    They are not preferred any more, as revoked ones aren't. Subscriptions keep running, and are
    billed by invoice.
    """
    locked = await batch.lock_all(BankAccount, keys, lapsed_by(day))
    for account, _customer in locked:
        account.mandate_state = MandateState.LAPSED.value
        account.preferred = False
        batch.keep("mandate.lapsed", account, note=f"Mandate lapsed: {account.mandate_reference}.")
    return len(locked)
