"""The sessions of whoever asks, members of staff and customers alike: listing and ending them."""

from datetime import UTC, datetime
from typing import Any

import strawberry

from app.auth.customer_account import CustomerAccount
from app.auth.staff_account import StaffAccount
from app.context import RequestContext
from app.database import Statement
from app.domain import opaque
from app.errors import Refused, UserErrorCode
from app.models.access_token import SignIn
from app.resolvers.fields import part
from app.resolvers.reads import Row
from app.schema.enums import described
from app.schema.identity import identity
from app.schema.node import encode_id
from app.schema.user_error import UserError
from app.work.inputs import identifier

_TYPE = "OwnSession"
_OF_STAFF = Statement("SELECT * FROM abokonto.staff_sessions($1)", ("person",), {})
_OF_CUSTOMER = Statement(
    """
    SELECT token.id, tenant.name AS tenant, token.signed_in_by, token.created_at,
           token.last_used_at, least(token.expires_at, idle.until) AS expires_at, token.address,
           token.last_address, token.user_agent
    FROM access_token AS token
    JOIN tenant ON tenant.id = token.tenant_id
    CROSS JOIN LATERAL (
        SELECT coalesce(token.last_used_at, token.created_at)
               + make_interval(secs => token.idle_seconds) AS until
    ) AS idle
    WHERE token.tenant_id = abokonto.current_tenant() AND token.customer_id = $1
        AND token.revoked_at IS NULL AND token.expires_at > clock_timestamp()
        AND idle.until > clock_timestamp()
    ORDER BY token.created_at DESC, token.id DESC
    """,
    ("person",),
    {},
)

described(
    SignIn,
    "How somebody signed in.",
    {
        "PASSWORD": "With a password, and the second factor where there is one.",
        "OIDC": "By a provider of identities, with OpenID Connect.",
    },
)


@strawberry.type(description="A session of whoever asks, which works until it ends.")
class OwnSession:
    """Somebody who is signed in."""

    id: strawberry.ID = part("For `revokeSession`.")
    current: bool = part("Whether it is the session that asks.")
    tenant: str = part("The name of the tenant that it is for.")
    signed_in_by: SignIn = part("How it was opened.")
    signed_in_at: datetime = part("When it was opened.")
    last_used_at: datetime | None = part("When it was last used, give or take half a minute.")
    expires_at: datetime = part("When it ends unless it is used before, or ends in any case.")
    address: str | None = part("The address that it was opened from.")
    last_address: str | None = part("The address that it was last used from.")
    user_agent: str | None = part("What the browser or program calls itself.")


@strawberry.type(description="What came of ending sessions.")
class SessionsPayload:
    """How many ended."""

    ended: int | None = part("How many sessions ended.")
    user_errors: list[UserError] = part("Why it did not happen; empty where it did.")


@strawberry.input(description="Which session to end.")
class RevokeSessionInput:
    """One of one's own."""

    session_id: strawberry.ID = identifier("The id of the session.")


@identity(SessionsPayload, refuses=(UserErrorCode.NOT_FOUND,))
async def revoke_session(context: RequestContext, input: RevokeSessionInput) -> Row:
    """End one of one's own sessions."""
    key = _session_key(input.session_id)
    account = _account(context)
    await context.apart(lambda: account.revoke_session(context.credentials, key))
    return {"ended": 1}


@identity(SessionsPayload, refuses=())
async def revoke_other_sessions(context: RequestContext) -> Row:
    """End all of one's own sessions but the one that asks."""
    account = _account(context)
    return {
        "ended": await context.apart(lambda: account.revoke_other_sessions(context.credentials))
    }


async def my_sessions(context: RequestContext) -> list[Row]:
    """The sessions of whoever asks, the newest first."""
    principal = context.principal
    found, person = _OF_STAFF, principal.staff_id
    if principal.customer_id is not None:
        found, person = _OF_CUSTOMER, principal.customer_id
    if person is None:
        return []
    rows = await context.reading.fetch(found, {"person": person})
    return [
        {
            "id": encode_id(_TYPE, row["id"]),
            "current": row["id"] == principal.token_id,
            "tenant": row["tenant"],
            "signed_in_by": row["signed_in_by"],
            "signed_in_at": _moment(row["created_at"]),
            "last_used_at": _moment(row["last_used_at"]),
            "expires_at": _moment(row["expires_at"]),
            "address": _text(row["address"]),
            "last_address": _text(row["last_address"]),
            "user_agent": row["user_agent"],
        }
        for row in rows
    ]


def _account(context: RequestContext) -> StaffAccount | CustomerAccount:
    """What ends the sessions of whoever asks; for programs it is refused there."""
    if context.principal.customer_id is not None:
        return context.services.customer_account
    return context.services.staff_account


def _session_key(id: str) -> int:
    try:
        name, key = opaque.decode(id).split(":")
        if name != _TYPE:
            raise ValueError(name)
        return opaque.key(key)
    except ValueError as error:
        raise Refused(
            UserErrorCode.INVALID, "This is not the id of a session.", "session_id"
        ) from error


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
