"""How much roles may give away, and keeping gifts within it."""

from datetime import date
from decimal import Decimal
from typing import NamedTuple

import strawberry
from sqlalchemy import func, select
from strawberry import UNSET

from app.actions.catalogue_inputs import currency_code
from app.auth.permissions import Permission
from app.domain.money import Money
from app.domain.periods import begins_at
from app.errors import Refused, UserErrorCode
from app.models import Goodwill, GoodwillLimit, Role, StaffMembership
from app.models.base import ActorKind
from app.scalars import CurrencyCode
from app.work.action import action
from app.work.inputs import given, identifier
from app.work.unit import Work


@strawberry.input(
    description="How much a role may give away in a currency. What is left out stays as it is; "
    "null is no limit."
)
class SetGoodwillLimitInput:
    """Whose limits, and which."""

    role_id: strawberry.ID = identifier("The id of the role.")
    currency: CurrencyCode | None = given(
        "The currency that the limits are in and for; by default the tenant's.",
        default=UNSET,
        check=currency_code,
    )
    per_gift: Decimal | None = given("The largest value of one gift.", default=UNSET)
    per_month: Decimal | None = given(
        "The largest value of all that one member of staff gives away in a calendar month.",
        default=UNSET,
    )


class _Limit(NamedTuple):
    currency: str
    per_gift: Decimal | None
    per_month: Decimal | None


@action(
    history="goodwill_limit.set",
    needs=Permission.STAFF_WRITE,
    refuses=(UserErrorCode.NOT_FOUND, UserErrorCode.PRICE_INVALID),
    in_account=False,
    diary=False,
)
async def set_goodwill_limit(work: Work, input: SetGoodwillLimitInput) -> GoodwillLimit:
    """Set how much everybody in a role may give away, with one gift and in a calendar month.

    A role with a limit in one currency gives nothing in those that it has none in. Partners'
    tokens have no role, and no limit.
    """
    role = await work.lock(Role, input.role_id, "role_id")
    currency = input.currency or (await work.tenant()).currency
    of_role = (GoodwillLimit.role_id == role.id, GoodwillLimit.currency == currency)
    known = await work.rows(GoodwillLimit, *of_role)
    limit = known[0] if known else work.add(GoodwillLimit(role_id=role.id, currency=currency))
    for name in ("per_gift", "per_month"):
        value = getattr(input, name)
        if value is not UNSET:
            setattr(limit, name, _checked(value, currency, name))
    return limit


def _checked(value: Decimal | None, currency: str, field: str) -> Decimal | None:
    if value is None:
        return None
    try:
        most = Money(value, currency)
    except ValueError as error:
        raise Refused(UserErrorCode.PRICE_INVALID, str(error), field) from error
    if most.amount < 0:
        raise Refused(UserErrorCode.PRICE_INVALID, "This can't be negative.", field)
    return most.amount


async def keep_within_limit(work: Work, value: Money) -> None:
    """See that the caller may give away so much, with one gift and in this month.

    Whoever gives something away waits for their own other gifts to be done, so that no two of
    them are both the last one that there was room for.

    Raises:
        Refused: GOODWILL_LIMIT, saying what is left.
    """
    limits = await _limits(work)
    if not value or all(limit.per_gift is limit.per_month is None for limit in limits):
        return
    limit = next((limit for limit in limits if limit.currency == value.currency), None)
    if limit is None:
        raise Refused(
            UserErrorCode.GOODWILL_LIMIT,
            f"Your role has no limit in {value.currency}, and so it gives nothing away in it.",
        )
    left = await _left(work, limit)
    if limit.per_gift is not None and value.amount > limit.per_gift:
        reason = f"your role gives away at most {limit.per_gift} with one gift"
        if left is not None:
            reason += f", and {left} of {limit.per_month} are left to you this month"
    elif left is not None and value.amount > left:
        reason = f"{left} of {limit.per_month} are left to you this month"
    else:
        return
    raise Refused(
        UserErrorCode.GOODWILL_LIMIT,
        f"This is worth {value.amount} {value.currency}: {reason}.",
    )


async def _limits(work: Work) -> list[_Limit]:
    """The limits of the caller's role; where there are any, the caller's membership is locked."""
    if work.principal.staff_id is None:
        return []
    wanted = (
        select(GoodwillLimit.currency, GoodwillLimit.per_gift, GoodwillLimit.per_month)
        .join(
            StaffMembership,
            (StaffMembership.tenant_id == GoodwillLimit.tenant_id)
            & (StaffMembership.role_id == GoodwillLimit.role_id),
        )
        .where(
            StaffMembership.tenant_id == work.tenant_id,
            StaffMembership.staff_id == work.principal.staff_id,
        )
        .with_for_update(of=StaffMembership, key_share=True)
    )
    return [_Limit(*row) for row in await work.session.execute(wanted)]


async def _left(work: Work, limit: _Limit) -> Decimal | None:
    """What the caller may still give away this month; None without a limit."""
    if limit.per_month is None:
        return None
    first: date = (await work.today()).replace(day=1)
    given_away = await work.session.scalar(
        select(func.sum(Goodwill.value)).where(
            Goodwill.tenant_id == work.tenant_id,
            Goodwill.actor_kind == ActorKind.STAFF.value,
            Goodwill.actor_id == work.principal.staff_id,
            Goodwill.currency == limit.currency,
            Goodwill.created_at >= begins_at(first, (await work.tenant()).time_zone),
        )
    )
    return max(limit.per_month - (given_away or Decimal(0)), Decimal("0.00"))
