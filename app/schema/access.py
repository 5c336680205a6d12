"""Whether a customer has access now, and why not: the one place that paywalls ask."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, Select, Text, case, cast, func, null, select, true

from app.errors import ApiError, ErrorCode
from app.models.access_right import AccessDenial
from app.models.access_right import AccessRight as AccessRightModel
from app.resolvers.fields import part
from app.resolvers.reads import Columns, Inquired, Inquiry, Key
from app.resolvers.sql import table_of
from app.schema.access_right import denial
from app.schema.enums import described

_UNIQUE_ID = re.compile(r"[0-9A-Za-z-]{2,30}")

described(
    AccessDenial,
    "Why a customer has no access. Where several reasons hold, it is the first of these.",
    {
        "ANONYMIZED": "The account is anonymised.",
        "ACCESS_BLOCKED": "The customer's access is blocked, whatever their rights.",
        "NO_RIGHT": "There is no right to it at all.",
        "RIGHT_BLOCKED": "The right is blocked.",
        "SUBSCRIPTION_BLOCKED": "The subscription that keeps the right is blocked.",
        "NOT_YET": "The right begins later.",
        "EXPIRED": "The right is over.",
    },
)


@strawberry.type(description="Whether a customer has access at this moment.")
class Access:
    """The answer for a paywall."""

    allowed: bool = part("Whether there is access.")
    reason: AccessDenial | None = part("Why there is none; null where there is.")
    valid_from: datetime | None = part(
        "When the right that decided begins; where `reason` is NOT_YET, when access does."
    )
    valid_until: datetime | None = part(
        "When the right that decided ends: the moment from which it gives no access any more, as "
        "things stand. Null means never."
    )


def _right(t: Columns, unique_id: ColumnElement[str]) -> Select[str, datetime, datetime]:
    """The customer's right that decides: one that gives access, and lasts longest; else the one
    whose denial comes first, and of those that begin later the next."""
    right = table_of(AccessRightModel)
    why = denial(right.c)
    rank = case({reason.value: place for place, reason in enumerate(AccessDenial, 1)}, value=why)
    return (
        select(why.label("why"), right.c.valid_from, right.c.valid_until)
        .where(
            right.c.tenant_id == t.tenant_id,
            right.c.customer_id == t.id,
            right.c.access_id == unique_id,
        )
        .order_by(
            rank.nulls_first(),
            case((right.c.valid_from > func.now(), right.c.valid_from)),
            right.c.valid_until.desc().nulls_first(),
            right.c.id,
        )
        .limit(1)
        .correlate_except(right)
    )


def _access(t: Columns, parameter: Callable[[str], ColumnElement[Any]]) -> Select[Any]:
    """The fields of `Access`, over a customer's columns."""
    right = _right(t, cast(parameter("unique_id"), Text)).lateral("deciding")
    reason = case(
        (t.anonymized_at.is_not(None), AccessDenial.ANONYMIZED.value),
        (t.access_blocked_at.is_not(None), AccessDenial.ACCESS_BLOCKED.value),
        (right.c.valid_from.is_(None), AccessDenial.NO_RIGHT.value),
        else_=right.c.why,
    )
    one = select(null().label("nothing")).subquery("one")
    return (
        select(
            reason.is_(None).label("allowed"),
            reason.label("reason"),
            right.c.valid_from,
            right.c.valid_until,
        )
        .select_from(one.outerjoin(right, true()))
        .correlate_except(right, one)
    )


def access_of(find: Callable[[Mapping[str, Any]], Key], missing: str) -> Inquiry:
    """The inquiry of a customer, whom `find` names, about what their argument `uniqueId` says.

    It raises `ApiError` BAD_REQUEST for what is no unique id.
    """

    def inquired(arguments: Mapping[str, Any]) -> Inquired:
        key, unique_id = find({"by": arguments["customer"]}), arguments["unique_id"]
        if _UNIQUE_ID.fullmatch(unique_id) is None:
            raise ApiError(
                ErrorCode.BAD_REQUEST, "A `uniqueId` has 2 to 30 letters, digits and hyphens."
            )
        return Inquired(key, {"unique_id": unique_id})

    return Inquiry(inquired, _access, missing)
