"""SEPA mandates: correcting one before it is used, and revoking one."""

from datetime import date

import strawberry
from sqlalchemy import exists, select
from strawberry import UNSET

from app.auth.permissions import Permission
from app.domain.mandates import LONGEST_REFERENCE, lapses_on, reference_fault
from app.errors import Refusal, Refused, UserErrorCode
from app.models import BankAccount, Transaction
from app.models.bank_account import MandateState
from app.models.transaction import TransactionAction
from app.work.action import action
from app.work.inputs import Versioned, checked_text, given, identifier, set_fields, text
from app.work.unit import Work

LONGEST_REASON = 500

REFERENCE_TAKEN = {
    "uq_bank_account_mandate": Refusal(
        UserErrorCode.MANDATE_REFERENCE_TAKEN,
        "Another mandate has this reference; spaces and upper or lower case make no difference.",
        ("mandate_reference",),
    )
}


def checked_reference(value: str) -> str | None:
    """A mandate's reference that banks take; None where there is none.

    Raises:
        Refused: INVALID or TOO_LONG.
    """
    reference = checked_text(value, LONGEST_REFERENCE)
    fault = None if reference is None else reference_fault(reference)
    if fault is not None:
        raise Refused(UserErrorCode.INVALID, fault)
    return reference


@strawberry.input(
    description="What to correct of a mandate that was not used: what is left out stays as it is."
)
class UpdateMandateInput(Versioned):
    """Whose mandate, and what to correct."""

    bank_account_id: strawberry.ID = identifier("The id of the bank account.")
    mandate_reference: str | None = given(
        f"The mandate's reference, at most {LONGEST_REFERENCE} characters of those that SEPA "
        "messages take, unique in the tenant whatever its spaces and case.",
        default=UNSET,
        check=checked_reference,
    )
    mandate_signed_on: date | None = given("The day the mandate was signed.", default=UNSET)


@strawberry.input(description="A mandate to end.")
class RevokeMandateInput(Versioned):
    """Whose mandate, and why."""

    bank_account_id: strawberry.ID = identifier("The id of the bank account.")
    reason: str | None = text("Why.", most=LONGEST_REASON, default=UNSET)


@action(
    history="mandate.updated",
    needs=Permission.BANK_ACCOUNT_WRITE,
    refuses=(
        UserErrorCode.BANK_ACCOUNT_REMOVED,
        UserErrorCode.DATE_IN_FUTURE,
        UserErrorCode.MANDATE_LAPSED,
        UserErrorCode.MANDATE_REVOKED,
        UserErrorCode.MANDATE_USED,
    ),
    conflicts=REFERENCE_TAKEN,
)
async def update_mandate(work: Work, input: UpdateMandateInput) -> BankAccount:
    """Correct a mandate that was not used yet. Once it was, it proves that debits were allowed,
    and a new mandate takes its place."""
    account = await locked(work, input.bank_account_id)
    work.expect(account, input.expected_version)
    await require_usable(work, account)
    if await _was_used(work, account):
        raise Refused(
            UserErrorCode.MANDATE_USED,
            "Debits were drawn with this mandate. Revoke it, and add a new one.",
            "bank_account_id",
        )
    values = dict(set_fields(input, "mandate_reference", "mandate_signed_on"))
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise Refused.because(
            Refusal(UserErrorCode.REQUIRED, "This can't be removed.", (name,)) for name in missing
        )
    if "mandate_signed_on" in values:
        check_signature(values["mandate_signed_on"], await work.today())
    for name, value in values.items():
        setattr(account, name, value)
    work.note(f"Mandate corrected: {account.mandate_reference}.")
    return account


@action(
    history="mandate.revoked",
    needs=Permission.BANK_ACCOUNT_WRITE,
    refuses=(UserErrorCode.BANK_ACCOUNT_REMOVED, UserErrorCode.MANDATE_REVOKED),
)
async def revoke_mandate(work: Work, input: RevokeMandateInput) -> BankAccount:
    """End a mandate for good. Subscriptions keep running, and have to be paid in another way."""
    account = await locked(work, input.bank_account_id)
    work.expect(account, input.expected_version)
    if account.mandate_state == MandateState.REVOKED:
        raise Refused(
            UserErrorCode.MANDATE_REVOKED, "This mandate was revoked already.", "bank_account_id"
        )
    revoke(work, account)
    work.note(f"Mandate revoked: {account.mandate_reference}.", input.reason or None)
    return account


async def locked(work: Work, id: str) -> BankAccount:
    """Lock a bank account that was not removed.

    Raises:
        Refused: NOT_FOUND, BANK_ACCOUNT_REMOVED, or what stands against the action.
    """
    account = await work.lock(BankAccount, id, "bank_account_id")
    if account.removed_at is not None:
        raise Refused(
            UserErrorCode.BANK_ACCOUNT_REMOVED, "This bank account was removed.", "bank_account_id"
        )
    return account


async def require_usable(work: Work, account: BankAccount) -> None:
    """See that debits can be drawn with a bank account's mandate today.

    Raises:
        Refused: MANDATE_REVOKED or MANDATE_LAPSED.
    """
    if account.mandate_state == MandateState.REVOKED:
        raise Refused(
            UserErrorCode.MANDATE_REVOKED,
            "The mandate was revoked. Add the bank account again with a new mandate.",
            "bank_account_id",
        )
    if has_lapsed(account, await work.today()):
        raise Refused(
            UserErrorCode.MANDATE_LAPSED,
            "The mandate was not used for 36 months. Add the bank account again with a new one.",
            "bank_account_id",
        )


def check_signature(signed_on: date, today: date) -> None:
    """See that a mandate signed on a day can be used today.

    Raises:
        Refused: DATE_IN_FUTURE or MANDATE_LAPSED.
    """
    if signed_on > today:
        raise Refused(UserErrorCode.DATE_IN_FUTURE, "This day lies ahead.", "mandate_signed_on")
    if lapses_on(signed_on) <= today:
        raise Refused(
            UserErrorCode.MANDATE_LAPSED,
            "A mandate signed that long ago, and not used since, has lapsed.",
            "mandate_signed_on",
        )


def revoke(work: Work, account: BankAccount) -> None:
    """End a bank account's mandate, which also ends its being preferred."""
    account.mandate_state = MandateState.REVOKED.value
    account.mandate_revoked_at = work.now
    account.preferred = False


def has_lapsed(account: BankAccount, today: date) -> bool:
    """Whether a bank account's mandate has lapsed, be that written down or not."""
    if account.mandate_state != MandateState.ACTIVE:
        return account.mandate_state == MandateState.LAPSED
    return lapses_on(account.mandate_signed_on, account.mandate_last_used_on) <= today


async def _was_used(work: Work, account: BankAccount) -> bool:
    """Whether a debit was presented, or is about to be."""
    if account.mandate_last_used_on is not None:
        return True
    debits = exists().where(
        Transaction.tenant_id == account.tenant_id,
        Transaction.bank_account_id == account.id,
        Transaction.action == TransactionAction.SEPA_DEBIT,
    )
    return bool(await work.session.scalar(select(debits)))
