"""The rules that a tenant sets itself: second factors, four eyes, and how long records are kept."""

from collections.abc import Mapping
from typing import Any

import strawberry
from sqlalchemy import select
from strawberry import UNSET

from app.actions.catalogue_inputs import refuse_null
from app.auth.permissions import Permission
from app.auth.tenant_rules import HISTORY, problems
from app.errors import Refusal, Refused, UserErrorCode
from app.models import AccessToken, Staff, TenantSettings
from app.models.access_token import SignIn
from app.models.tenant import RULES
from app.work.action import action
from app.work.inputs import given, set_fields
from app.work.unit import Work

STRICTER_ONLY = ("four_eyes", "book_years", "invoice_years", "letter_years")
"""Rules that would otherwise bind nobody who may change them: a switch or a number of years."""


@strawberry.input(description="What to change of the tenant's rules; what is left out stays.")
class UpdateTenantSettingsInput:
    """The rules."""

    two_factor_required: bool | None = given(
        "Whether members of staff need a second factor. From then on whoever has signed in with a "
        "password alone may nothing but set one up.",
        default=UNSET,
    )
    four_eyes: bool | None = given(
        "Whether two people have to agree before a customer is anonymised. Only an operator can "
        "end that.",
        default=UNSET,
    )
    book_years: int | None = given(
        "For how many years books are kept after the end of their calendar year, 100 at most. "
        "Only an operator can make it less.",
        default=UNSET,
    )
    invoice_years: int | None = given("The same for invoices and payments.", default=UNSET)
    letter_years: int | None = given("The same for letters and mails.", default=UNSET)
    login_days: int | None = given(
        "For how many days attempts to log in are kept, 1 to 36,500.", default=UNSET
    )


@action(
    history=HISTORY,
    needs=Permission.TENANT_WRITE,
    refuses=(UserErrorCode.TWO_FACTOR_NOT_ACTIVE, UserErrorCode.OPERATOR_REQUIRED),
    in_account=False,
    diary=False,
)
async def update_tenant_settings(work: Work, input: UpdateTenantSettingsInput) -> TenantSettings:
    """Change the rules that the tenant sets itself. Rules that keep a single person from erasing
    customers and books can be made stricter here; only an operator makes them less so.
    """
    values = dict(set_fields(input, *RULES))
    refuse_null(values, *RULES)
    wrong = [Refusal(UserErrorCode.INVALID, why, (name,)) for name, why in problems(values)]
    if wrong:
        raise Refused.because(wrong)
    # A key that others only point at is not locked: almost everything points at the tenant.
    own = select(TenantSettings).where(TenantSettings.id == work.tenant_id)
    settings = (await work.session.scalars(own.with_for_update(key_share=True))).one()
    _expect_as_strict(settings, values)
    if values.get("two_factor_required") and not settings.two_factor_required:
        await _expect_second_factor(work)
    for name, value in values.items():
        setattr(settings, name, value)
    return settings


def _expect_as_strict(settings: TenantSettings, values: Mapping[str, Any]) -> None:
    """See that rules against a single person's erasing stay as strict as they are.

    Raises:
        Refused: OPERATOR_REQUIRED.
    """
    loosened = [
        Refusal(UserErrorCode.OPERATOR_REQUIRED, "Only an operator can make this less.", (name,))
        for name in STRICTER_ONLY
        if name in values and values[name] < getattr(settings, name)
    ]
    if loosened:
        raise Refused.because(loosened)


async def _expect_second_factor(work: Work) -> None:
    """See that whoever wants others to have a second factor is not locked out by it.

    Raises:
        Refused: TWO_FACTOR_NOT_ACTIVE.
    """
    lacking = await work.session.scalar(
        select(Staff.id)
        .join(AccessToken, AccessToken.staff_id == Staff.id)
        .where(
            AccessToken.tenant_id == work.tenant_id,
            AccessToken.id == work.principal.token_id,
            # A provider of identities sees to second factors itself.
            AccessToken.signed_in_by.is_distinct_from(SignIn.OIDC.value),
            Staff.two_factor_since.is_(None),
        )
    )
    if lacking is not None:
        raise Refused(
            UserErrorCode.TWO_FACTOR_NOT_ACTIVE,
            "Set up a second factor of your own first.",
            "two_factor_required",
        )
