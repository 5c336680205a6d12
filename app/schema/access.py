"""Whether a customer has access now, and why not: the one place that paywalls ask."""

import re
from datetime import datetime
from functools import cache

import orjson
import strawberry
from sqlalchemy import ColumnElement, Select, Text, bindparam, case, cast, func, null, select, true

from app.context import RequestContext
from app.database import Statement
from app.errors import ApiError, ErrorCode
from app.models.access_right import AccessDenial
from app.models.access_right import AccessRight as AccessRightModel
from app.models.customer import Customer as CustomerModel
from app.resolvers.fields import part
from app.resolvers.reads import Columns, Key, Row
from app.resolvers.sql import known_caller, table_of, tenant, whole_row
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


def access(t: Columns, unique_id: ColumnElement[str]) -> Select[str, datetime, datetime]:
    """One row over a customer's columns: `reason` (null is access), `valid_from`, `valid_until`."""
    right = _right(t, unique_id).lateral("deciding")
    reason = case(
        (t.anonymized_at.is_not(None), AccessDenial.ANONYMIZED.value),
        (t.access_blocked_at.is_not(None), AccessDenial.ACCESS_BLOCKED.value),
        (right.c.valid_from.is_(None), AccessDenial.NO_RIGHT.value),
        else_=right.c.why,
    )
    columns = (reason.label("reason"), right.c.valid_from, right.c.valid_until)
    one = select(null().label("nothing")).subquery("one")
    return select(*columns).select_from(one.outerjoin(right, true())).correlate_except(right, one)


@cache
def _statement(column: str) -> Statement:
    """The statement that answers for the customer whose column has a value."""
    customer = table_of(CustomerModel)
    found = access(customer.c, bindparam("unique_id", type_=Text)).lateral("found")
    wanted = customer.c[column]
    return Statement.of(
        select(cast(func.row_to_json(whole_row(found)), Text).label("found"))
        .select_from(known_caller().join(customer, customer.c.tenant_id == tenant()))
        .join(found, true())
        .where(wanted == bindparam("value", type_=wanted.type))
    )


async def find_access(context: RequestContext, key: Key, unique_id: str, missing: str) -> Row:
    """Whether a customer has access to what a unique id stands for.

    Raises:
        ApiError: BAD_REQUEST for what is no unique id, NOT_FOUND with the message `missing` when
            there is no such customer.
    """
    if _UNIQUE_ID.fullmatch(unique_id) is None:
        raise ApiError(
            ErrorCode.BAD_REQUEST, "A `uniqueId` has 2 to 30 letters, digits and hyphens."
        )
    values = {
        "tenant": context.reading.principal.tenant_id,
        "value": key.value,
        "unique_id": unique_id,
    }
    rows = await context.reading.fetch(_statement(key.column or "id"), values)
    if not rows:
        raise ApiError(ErrorCode.NOT_FOUND, missing)
    row: Row = orjson.loads(rows[0]["found"])
    return {**row, "allowed": row["reason"] is None}
