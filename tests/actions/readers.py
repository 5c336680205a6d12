"""A weekly paper, its issues, and who subscribes to it: for tests of what readers are given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app import models
from app.auth.tokens import hash_token, make_token
from app.models.access_token import TokenKind
from app.schema.node import encode_id
from tests.publisher import Publisher
from tests.rows import insert

WEDNESDAY = datetime(2026, 3, 4, 11, tzinfo=UTC)
"""When the tests of goodwill take place."""

FRIDAYS = tuple(date(2026, 2, 6) + timedelta(weeks=week) for week in range(16))
"""The days that the paper appears on; the fifth is the first that lies ahead."""

WHY = {"reasonKind": "DELIVERY_MISSING", "reason": "Kam nicht an."}


@dataclass
class Paper:
    """A weekly paper, with an offer and issues."""

    publication: int
    offer: int
    issues: dict[date, int] = field(default_factory=dict)


async def paper(
    publisher: Publisher,
    issues_per_period: int | None = None,
    days: Sequence[date] = FRIDAYS,
    **terms: Any,
) -> Paper:
    """A paper that appears on days; where it has issues per period, it is sold in issues."""
    publication = await publisher.make(models.Publication, frequency="WEEKLY")
    product = await publisher.make(models.Product, kind="PRINT", publication_id=publication)
    offer = await publisher.make(
        models.Offer,
        product_id=product,
        publication_id=publication,
        issues_per_period=issues_per_period,
        **terms,
    )
    made = Paper(publication, offer)
    for day in days:
        await appear(publisher, made, day)
    return made


async def appear(publisher: Publisher, of: Paper, day: date) -> None:
    """Let the catalogue know of another issue."""
    of.issues[day] = await publisher.make(
        models.Issue, publication_id=of.publication, publishing_on=day, closing_on=day
    )


async def subscribe(publisher: Publisher, customer: int, of: Paper, **values: Any) -> int:
    """A subscription that began in February, with its key."""
    begun = {"starts_on": date(2026, 2, 1), "ordered_on": date(2026, 1, 15)}
    return await publisher.make(
        models.Subscription, customer_id=customer, offer_id=of.offer, **{**begun, **values}
    )


async def deliver(
    publisher: Publisher, customer: int, subscription: int, of: Paper, day: date, **values: Any
) -> int:
    """A delivery of the issue of a day, which was sent unless something else is said."""
    status = values.setdefault("status", "SENT")
    if status in {"SENT", "RETURNED"}:
        values["sent_at"] = WEDNESDAY
    return await publisher.make(
        models.Delivery,
        customer_id=customer,
        subscription_id=subscription,
        issue_id=of.issues[day],
        publishing_on=day,
        **values,
    )


async def employ(publisher: Publisher, role: int, name: str) -> str:
    """A token of a new member of staff, in a role."""
    staff = await insert(publisher.owner, "staff", name=name)
    token = make_token(TokenKind.STAFF)
    await publisher.owner.execute(
        "INSERT INTO staff_membership (tenant_id, staff_id, role_id) VALUES ($1, $2, $3)",
        publisher.tenant_id,
        staff,
        role,
    )
    await publisher.owner.execute(
        "INSERT INTO access_token (tenant_id, kind, staff_id, name, hash, permissions)"
        " VALUES ($1, 'STAFF', $2, $3, $4, '{}')",
        publisher.tenant_id,
        staff,
        name,
        hash_token(token),
    )
    return token


def subscription_id(key: int) -> str:
    """The opaque id of a subscription."""
    return encode_id("Subscription", key)
