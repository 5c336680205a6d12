"""The billing profile: what the tenant's documents say of it, and its terms of payment."""

import re
from collections.abc import Iterator
from typing import Any

import strawberry
from strawberry import UNSET

from app.actions.catalogue_inputs import refuse_null
from app.auth.permissions import Permission
from app.billing.profile import billing_profile
from app.domain import addresses, creditors
from app.domain.iban import Iban, InvalidBic, InvalidIban, check_bic, parse, parse_bic
from app.errors import Refusal, Refused, UserErrorCode
from app.models import BillingProfile
from app.scalars import URL, CountryCode
from app.work.action import action
from app.work.inputs import (
    Versioned,
    checked_text,
    country,
    email,
    given,
    phone,
    set_fields,
    text,
)
from app.work.unit import Work

_PREFIX = re.compile(r"[0-9A-Za-z/-]{0,20}")
_LONGEST_SPELLING = 60
_OPTIONAL = (
    *("street", "house_number", "postal_code", "city", "vat_number", "tax_number"),
    *("register_court", "register_number", "managing_directors", "email", "phone", "website"),
    *("bank_name", "iban", "bic", "creditor_id", "footer"),
)
_NEEDED = ("legal_name", "country", "invoice_prefix", "payment_days", "pre_notification_days")


def _website(value: str) -> str | None:
    from pydantic import HttpUrl, TypeAdapter, ValidationError

    spelled = checked_text(value, 500)
    if spelled is None:
        return None
    try:
        TypeAdapter(HttpUrl).validate_python(spelled)
    except ValidationError:
        raise Refused(
            UserErrorCode.INVALID, "This is no address of the web, such as https://example.com."
        ) from None
    return spelled


def _creditor_id(value: str) -> str | None:
    spelled = checked_text(value, _LONGEST_SPELLING)
    try:
        return None if spelled is None else creditors.creditor_id(spelled)
    except ValueError:
        raise Refused(
            UserErrorCode.INVALID,
            "This is no SEPA creditor identifier: DE98ZZZ09999999999 is one.",
        ) from None


def _prefix(value: str) -> str:
    if not _PREFIX.fullmatch(value.strip()):
        raise Refused(
            UserErrorCode.INVALID, "This takes at most 20 letters, digits, hyphens and slashes."
        )
    return value.strip()


def _days(least: int, most: int) -> Any:
    def check(value: int) -> int:
        if not least <= value <= most:
            raise Refused(UserErrorCode.INVALID, f"This is between {least} and {most} days.")
        return value

    return check


def _optional(description: str, name: str, *, lines: bool = False) -> Any:
    column = getattr(BillingProfile, name)
    return text(description, of=column, lines=lines, default=UNSET)


@strawberry.input(
    description="What to change of the billing profile: what is left out stays as it is, and null "
    "removes a value. Documents that were issued keep what they say."
)
class UpdateBillingProfileInput(Versioned):
    """The letterhead, the account to pay to, and the terms of payment."""

    legal_name: str | None = _optional("The company's whole name.", "legal_name")
    street: str | None = _optional("The street without the number.", "street")
    house_number: str | None = _optional("The number in the street.", "house_number")
    postal_code: str | None = _optional("The postal code.", "postal_code")
    city: str | None = _optional("The city.", "city")
    country: CountryCode | None = country("The country (ISO 3166-1): `DE`.", default=UNSET)
    vat_number: str | None = _optional(
        "The VAT identification number. Invoices say it, or else the tax number.", "vat_number"
    )
    tax_number: str | None = _optional("The tax office's number.", "tax_number")
    register_court: str | None = _optional("The court that registers it.", "register_court")
    register_number: str | None = _optional("Its number there: `HRB 12345`.", "register_number")
    managing_directors: str | None = _optional("Who directs it.", "managing_directors")
    email: str | None = email("Where customers can write to.", default=UNSET)
    phone: str | None = phone("Where customers can call.", default=UNSET)
    website: URL | None = given("Its page on the web.", default=UNSET, check=_website)
    bank_name: str | None = _optional(
        "The bank's name. It follows from most IBANs where it is left out.", "bank_name"
    )
    iban: str | None = text(
        "The IBAN to pay to, with or without spaces, of a SEPA country.",
        most=_LONGEST_SPELLING,
        default=UNSET,
    )
    bic: str | None = text(
        "The bank's BIC. It follows from most IBANs where it is left out.",
        most=_LONGEST_SPELLING,
        default=UNSET,
    )
    creditor_id: str | None = given(
        "The SEPA creditor identifier, without which no debit can be drawn.",
        default=UNSET,
        check=_creditor_id,
    )
    footer: str | None = _optional("What every document ends with.", "footer", lines=True)
    invoice_prefix: str | None = given(
        "What the numbers of documents begin with, from the next one on.",
        default=UNSET,
        check=_prefix,
    )
    payment_days: int | None = given(
        "How many days customers have to pay, 0 to 365.", default=UNSET, check=_days(0, 365)
    )
    pre_notification_days: int | None = given(
        "How many days before a debit customers are told of it, 1 to 60.",
        default=UNSET,
        check=_days(1, 60),
    )


@action(
    history="billing_profile.updated",
    needs=Permission.BILLING_WRITE,
    refuses=(
        UserErrorCode.ADDRESS_INVALID,
        UserErrorCode.IBAN_INVALID,
        UserErrorCode.IBAN_NOT_IN_SEPA,
        UserErrorCode.BIC_INVALID,
    ),
    in_account=False,
    diary=False,
)
async def update_billing_profile(work: Work, input: UpdateBillingProfileInput) -> BillingProfile:
    """Change what the next documents say of the tenant, and how they are paid."""
    key = (await billing_profile(work)).id
    profile = await work.lock_key(BillingProfile, key)
    assert profile is not None  # noqa: S101  Every tenant has one, and nobody can delete it.
    work.expect(profile, input.expected_version)
    values = dict(set_fields(input, *_NEEDED, *_OPTIONAL))
    refuse_null(values, *_NEEDED)
    for name, value in values.items():
        setattr(profile, name, value)
    refusals = [*_address(profile), *_numbers(profile), *_account(profile, values)]
    if refusals:
        raise Refused.because(refusals)
    return profile


def _address(profile: BillingProfile) -> Iterator[Refusal]:
    """Hold the address against its country's rules, as far as it is there."""
    names = ("street", "postal_code", "city", "country")
    values: dict[str, str | None] = {name: getattr(profile, name) for name in names}
    if not any(values[name] for name in names[:-1]):
        return
    checked = addresses.check(values)
    for problem in checked.problems:
        # Regions, which some countries have, are part of a profile's city.
        if problem.field in names:
            yield Refusal(UserErrorCode.ADDRESS_INVALID, problem.message, (problem.field,))
    profile.postal_code = checked.values.get("postal_code") or None


def _numbers(profile: BillingProfile) -> Iterator[Refusal]:
    """Check both numbers, one of which every invoice has to say (§ 14 (4) Nr. 2 UStG)."""
    if not profile.vat_number and not profile.tax_number:
        message = "Invoices say the VAT identification number or the tax number."
        yield Refusal(UserErrorCode.REQUIRED, message, ("vat_number",))
    try:
        number = addresses.vat_number(profile.vat_number or "", profile.country)
        profile.vat_number = number or None
    except ValueError:
        message = "There is no VAT number of this form."
        yield Refusal(UserErrorCode.INVALID, message, ("vat_number",))
    try:
        if profile.tax_number:
            profile.tax_number = creditors.tax_number(profile.tax_number, profile.country)
    except ValueError:
        message = f"There is no tax number of this form in {profile.country}."
        yield Refusal(UserErrorCode.INVALID, message, ("tax_number",))


def _account(profile: BillingProfile, values: dict[str, Any]) -> Iterator[Refusal]:
    """Check the account, and fill in what follows from its IBAN."""
    if not {"iban", "bic"} & values.keys():
        return
    try:
        iban = parse(profile.iban) if profile.iban else None
    except InvalidIban as error:
        yield Refusal(UserErrorCode.IBAN_INVALID, str(error), ("iban",))
        return
    if iban is None:
        profile.iban = profile.bic = profile.bank_name = None
        return
    if not iban.in_sepa:
        message = f"SEPA payments can't be made to {iban.country}."
        yield Refusal(UserErrorCode.IBAN_NOT_IN_SEPA, message, ("iban",))
    profile.iban = iban.value
    yield from _bank(profile, iban, values)


def _bank(profile: BillingProfile, iban: Iban, values: dict[str, Any]) -> Iterator[Refusal]:
    if "iban" in values:
        # What was known of the bank before was of another account.
        profile.bic = values.get("bic") or iban.bic
        profile.bank_name = values.get("bank_name") or iban.bank_name
    if profile.bic is None:
        return
    try:
        profile.bic = parse_bic(profile.bic)
        check_bic(profile.bic, iban)
    except InvalidBic as error:
        yield Refusal(UserErrorCode.BIC_INVALID, str(error), ("bic",))
