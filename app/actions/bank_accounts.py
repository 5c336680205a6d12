"""Bank accounts: adding one with its mandate, and preferring one over the others."""

from collections.abc import Iterable
from datetime import date

import strawberry
from strawberry import UNSET

from app.actions.mandates import (
    REFERENCE_TAKEN,
    check_signature,
    checked_reference,
    has_lapsed,
    locked,
    require_usable,
)
from app.auth.permissions import Permission
from app.domain.iban import Iban, InvalidBic, InvalidIban, check_bic, parse, parse_bic
from app.domain.mandates import LONGEST_REFERENCE
from app.errors import Refusal, Refused, UserErrorCode
from app.models import BankAccount, Transaction
from app.models.bank_account import MandateState
from app.models.transaction import TransactionAction, TransactionStatus
from app.work.action import action
from app.work.inputs import (
    OfCustomer,
    Repeatable,
    Versioned,
    checked_text,
    given,
    identifier,
    text,
)
from app.work.numbers import next_number
from app.work.unit import Work

_NUMBERS = "mandate"
_LONGEST_SPELLING = 60
_LONGEST_BANK_NAME = 200

_DUPLICATE = {
    "uq_bank_account_iban": Refusal(
        UserErrorCode.BANK_ACCOUNT_DUPLICATE,
        "The customer has this bank account already, with an active mandate.",
        ("iban",),
    )
}


def _checked_iban(value: str) -> str | None:
    spelled = checked_text(value, _LONGEST_SPELLING)
    if spelled is None:
        return None
    try:
        iban = parse(spelled)
    except InvalidIban as error:
        raise Refused(UserErrorCode.IBAN_INVALID, str(error)) from None
    if not iban.in_sepa:
        raise Refused(
            UserErrorCode.IBAN_NOT_IN_SEPA, f"SEPA debits can't be drawn in {iban.country}."
        )
    return iban.value


def _checked_bic(value: str) -> str | None:
    spelled = checked_text(value, _LONGEST_SPELLING)
    try:
        return None if spelled is None else parse_bic(spelled)
    except InvalidBic as error:
        raise Refused(UserErrorCode.BIC_INVALID, str(error)) from error


@strawberry.input(
    description="A bank account that SEPA direct debits may be drawn from, and the mandate for it."
)
class AddBankAccountInput(OfCustomer, Repeatable):
    """Whose bank account, and what the mandate says."""

    owner: str = text("The account's owner.", of=BankAccount.owner)
    iban: str = given("The IBAN, with or without spaces, of a SEPA country.", check=_checked_iban)
    bic: str | None = given(
        "The bank's BIC (ISO 9362). It follows from most IBANs, and is needed only outside of the "
        "EEA where it does not.",
        default=UNSET,
        check=_checked_bic,
    )
    mandate_reference: str | None = given(
        f"The mandate's reference, at most {LONGEST_REFERENCE} characters of those that SEPA "
        "messages take, unique in the tenant whatever its spaces and case. The next number "
        "unless given.",
        default=UNSET,
        check=checked_reference,
    )
    mandate_signed_on: date | None = given(
        "The day the mandate was signed; today unless given.", default=UNSET
    )
    preferred: bool | None = given(
        "Whether it becomes the preferred account. Unless given it does where there is none.",
        default=UNSET,
    )


@strawberry.input(description="The bank account to prefer over the customer's others.")
class SetPreferredBankAccountInput(Versioned):
    """Which bank account."""

    bank_account_id: strawberry.ID = identifier("The id of the bank account.")


@action(
    history="bank_account.added",
    needs=Permission.BANK_ACCOUNT_WRITE,
    refuses=(
        UserErrorCode.IBAN_INVALID,
        UserErrorCode.IBAN_NOT_IN_SEPA,
        UserErrorCode.BIC_INVALID,
        UserErrorCode.DATE_IN_FUTURE,
        UserErrorCode.MANDATE_LAPSED,
    ),
    conflicts=REFERENCE_TAKEN | _DUPLICATE,
)
async def add_bank_account(work: Work, input: AddBankAccountInput) -> BankAccount:
    """Add a bank account with a SEPA mandate, which is a transaction of its own."""
    customer = await work.account(input.customer_id)
    iban = parse(input.iban)
    bic = _bic_of(iban, input.bic or None)
    signed_on = input.mandate_signed_on or await work.today()
    check_signature(signed_on, await work.today())
    others = await _others(work, customer.id)
    preferred = input.preferred
    if preferred is UNSET or preferred is None:
        preferred = not any(other.preferred for other in others)
    if preferred:
        await _prefer_none(work, others)
    reference = input.mandate_reference or await next_number(
        work, _NUMBERS, BankAccount.mandate_reference_key
    )
    account = work.add(
        BankAccount(
            customer_id=customer.id,
            owner=input.owner,
            iban=work.keyring.encrypt(iban.value, BankAccount.iban),
            iban_hash=work.keyring.lookup_hash(iban.value),
            iban_masked=iban.masked,
            bic=bic,
            bank_name=iban.bank_name[:_LONGEST_BANK_NAME] if iban.bank_name else None,
            mandate_reference=reference,
            mandate_signed_on=signed_on,
            mandate_state=MandateState.ACTIVE.value,
            preferred=preferred,
        )
    )
    await work.flush()
    await _add_transaction(work, account)
    work.note(f"Bank account added: {account.iban_masked}.")
    return account


@action(
    history="bank_account.preferred",
    needs=Permission.BANK_ACCOUNT_WRITE,
    refuses=(
        UserErrorCode.BANK_ACCOUNT_PREFERRED,
        UserErrorCode.BANK_ACCOUNT_REMOVED,
        UserErrorCode.MANDATE_LAPSED,
        UserErrorCode.MANDATE_REVOKED,
    ),
)
async def set_preferred_bank_account(
    work: Work, input: SetPreferredBankAccountInput
) -> BankAccount:
    """Prefer a bank account, whose mandate can be used, over the customer's others."""
    account = await locked(work, input.bank_account_id)
    work.expect(account, input.expected_version)
    await require_usable(work, account)
    if account.preferred:
        raise Refused(
            UserErrorCode.BANK_ACCOUNT_PREFERRED,
            "This is the preferred bank account already.",
            "bank_account_id",
        )
    await _prefer_none(work, await _others(work, account.customer_id))
    account.preferred = True
    work.note(f"Bank account preferred: {account.iban_masked}.")
    return account


def _bic_of(iban: Iban, given: str | None) -> str | None:
    """The BIC that was given, or else what follows from the IBAN."""
    if given is None:
        if iban.bic is None and iban.needs_bic:
            raise Refused(
                UserErrorCode.REQUIRED, f"Debits in {iban.country} need the bank's BIC.", "bic"
            )
        return iban.bic
    try:
        check_bic(given, iban)
    except InvalidBic as error:
        raise Refused(UserErrorCode.BIC_INVALID, str(error), "bic") from error
    return given


async def _others(work: Work, customer: int) -> Iterable[BankAccount]:
    """The customer's bank accounts; of those that lapsed it is written down, so that they stand in
    the way neither of the same IBAN with a new mandate nor of another preferred one."""
    today = await work.today()
    accounts = await work.rows(
        BankAccount, BankAccount.customer_id == customer, BankAccount.removed_at.is_(None)
    )
    for account in accounts:
        if account.mandate_state == MandateState.ACTIVE and has_lapsed(account, today):
            account.mandate_state = MandateState.LAPSED.value
            account.preferred = False
    await work.flush()
    return accounts


async def _prefer_none(work: Work, accounts: Iterable[BankAccount]) -> None:
    """Make room for another preferred one, which the database would else find too many."""
    for account in accounts:
        account.preferred = False
    await work.flush()


async def _add_transaction(work: Work, account: BankAccount) -> None:
    """Note the mandate among the transactions."""
    work.add(
        Transaction(
            customer_id=account.customer_id,
            action=TransactionAction.SEPA_MANDATE_CREATION.value,
            status=TransactionStatus.SUCCESS.value,
            amount=0,
            currency=(await work.tenant()).currency,
            executed_on=await work.today(),
            bank_account_id=account.id,
            reference=account.mandate_reference,
        )
    )
