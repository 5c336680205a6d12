"""The rules that a tenant sets itself: second factors, four eyes, and how long records are kept."""

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


@strawberry.input(description="What to change of the tenant's rules; what is left out stays.")
class UpdateTenantSettingsInput:
    """The rules."""

    two_factor_required: bool | None = given(
        "Whether members of staff need a second factor. From then on whoever has signed in with a "
        "password alone may nothing but set one up.",
        default=UNSET,
    )
    four_eyes: bool | None = given(
        "Whether two people have to agree before a customer is anonymised.", default=UNSET
    )
    book_years: int | None = given(
        "For how many years books are kept after the end of their calendar year, 0 to 100.",
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
    refuses=(UserErrorCode.TWO_FACTOR_NOT_ACTIVE,),
    in_account=False,
    diary=False,
)
async def update_tenant_settings(work: Work, input: UpdateTenantSettingsInput) -> TenantSettings:
    """Change the rules that the tenant sets itself. What need not be kept any longer by the new
    ones is erased the next night.
    """
    values = dict(set_fields(input, *RULES))
    refuse_null(values, *RULES)
    wrong = [Refusal(UserErrorCode.INVALID, why, (name,)) for name, why in problems(values)]
    if wrong:
        raise Refused.because(wrong)
    # A key that others only point at is not locked: almost everything points at the tenant.
    own = select(TenantSettings).where(TenantSettings.id == work.tenant_id)
    settings = (await work.session.scalars(own.with_for_update(key_share=True))).one()
    if values.get("two_factor_required") and not settings.two_factor_required:
        await _expect_second_factor(work)
    for name, value in values.items():
        setattr(settings, name, value)
    return settings


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
