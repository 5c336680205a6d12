"""Customers: founding an account, and changing the customer's own data."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import strawberry
from strawberry import UNSET

from app.auth.permissions import Permission
from app.errors import Refusal, Refused, UserErrorCode
from app.models import Customer
from app.models.customer import Salutation
from app.scalars import EmailAddress, PhoneNumber
from app.work.action import action
from app.work.inputs import (
    OfCustomer,
    Repeatable,
    Versioned,
    email,
    given,
    language,
    phone,
    set_fields,
    text,
)
from app.work.numbers import next_number
from app.work.unit import Work

_NUMBERS = "customer"
_FIRST_BIRTHDAY = date(1850, 1, 2)

_TAKEN = {
    "uq_customer_tenant_id_number": Refusal(
        UserErrorCode.NUMBER_TAKEN, "Another customer has this number.", ("number",)
    ),
    "uq_customer_tenant_id_email_key": Refusal(
        UserErrorCode.EMAIL_TAKEN, "Another customer has this e-mail address.", ("email",)
    ),
    "uq_customer_tenant_id_external_id": Refusal(
        UserErrorCode.EXTERNAL_ID_TAKEN, "Another customer has this id.", ("external_id",)
    ),
}
_FIELDS = (
    "number",
    "external_id",
    "email",
    "salutation",
    "title",
    "first_name",
    "last_name",
    "company",
    "phone",
    "birthday",
    "language",
)
_NEVER_NULL = ("number", "language")


@strawberry.input
class CustomerData:
    """The customer's own data, all of which may be left out."""

    number: str | None = text(
        "The customer number, unique in the tenant.", of=Customer.number, default=UNSET
    )
    external_id: str | None = text(
        "The id in another system, unique in the tenant.", of=Customer.external_id, default=UNSET
    )
    email: EmailAddress | None = email(
        "The e-mail address to log in with, unique in the tenant.", default=UNSET
    )
    salutation: Salutation | None = given("How the person is addressed.", default=UNSET)
    title: str | None = text("An academic or other title.", of=Customer.title, default=UNSET)
    first_name: str | None = text("The first name.", of=Customer.first_name, default=UNSET)
    last_name: str | None = text("The last name.", of=Customer.last_name, default=UNSET)
    company: str | None = text("The company.", of=Customer.company, default=UNSET)
    phone: PhoneNumber | None = phone("The telephone number.", default=UNSET)
    birthday: date | None = given("The day of birth.", default=UNSET)
    language: str | None = language("The language of letters and mails", default=UNSET)


@strawberry.input(
    description="A new customer. Without a `number` the tenant's next one is taken, without a "
    "`language` the tenant's."
)
class CreateCustomerInput(CustomerData, Repeatable):
    """The new customer's data."""


@strawberry.input(
    description="What to change of a customer's own data: what is left out stays as it is, and "
    "null removes a value."
)
class UpdateCustomerInput(OfCustomer, CustomerData, Versioned):
    """Which customer, and what to change."""


@action(
    history="customer.created",
    needs=Permission.CUSTOMER_CREATE,
    conflicts=_TAKEN,
    in_account=False,
)
async def create_customer(work: Work, input: CreateCustomerInput) -> Customer:
    """Create a customer with an empty account."""
    values = {name: value for name, value in _given(input) if value is not None}
    await _check_birthday(work, values.get("birthday"))
    if "language" not in values:
        values["language"] = (await work.tenant()).language
    if "number" not in values:
        values["number"] = await next_number(work, _NUMBERS, Customer.number)
    customer = work.add(Customer(**values))
    work.note("Customer created.")
    return customer


@action(
    history="customer.updated",
    needs=Permission.CUSTOMER_UPDATE,
    conflicts=_TAKEN,
)
async def update_customer(work: Work, input: UpdateCustomerInput) -> Customer:
    """Change a customer's own data."""
    customer = await work.account(input.customer_id)
    work.expect(customer, input.expected_version)
    values = dict(_given(input))
    missing = [name for name in _NEVER_NULL if values.get(name, "") is None]
    if missing:
        raise Refused.because(
            Refusal(UserErrorCode.REQUIRED, "This can't be removed.", (name,)) for name in missing
        )
    await _check_birthday(work, values.get("birthday"))
    for name, value in values.items():
        setattr(customer, name, value)
    changed = ", ".join(name.replace("_", " ") for name in work.changed(customer))
    work.note(f"Customer changed: {changed}." if changed else "Customer saved without a change.")
    return customer


def _given(input: CustomerData) -> Iterable[tuple[str, Any]]:
    return set_fields(input, *_FIELDS)


async def _check_birthday(work: Work, birthday: date | None) -> None:
    if birthday is not None and not _FIRST_BIRTHDAY <= birthday <= await work.today():
        raise Refused(UserErrorCode.INVALID, "Nobody alive was born that day.", "birthday")
