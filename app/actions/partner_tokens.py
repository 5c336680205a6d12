"""Partners' tokens: what programs identify themselves with, shown once and kept as hashes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network

import strawberry
from sqlalchemy import select
from strawberry import UNSET

from app.actions.staff_rules import expect_own, known_permissions, permission_name
from app.auth.permissions import Permission
from app.auth.tokens import hash_token, make_token
from app.errors import Refusal, Refused, UserErrorCode
from app.models import AccessToken
from app.models.access_token import TokenKind
from app.work.action import action
from app.work.inputs import Repeatable, checked_text, given, identifier, text
from app.work.unit import Work

MOST_NETWORKS = 50
LONGEST_OVERLAP = timedelta(days=30)
_DAY_IN_SECONDS = 86_400

_LONGEST_NETWORK = 60
_SHOWN = {"token": "The token. It is shown this once; only its hash is kept."}


def _network(value: str) -> str | None:
    return checked_text(value, _LONGEST_NETWORK)


@strawberry.input(description="A token for a partner's program.")
class CreatePartnerTokenInput(Repeatable):
    """What it is for, and what it may."""

    name: str = text("What it is for; records that it makes show this name.", of=AccessToken.name)
    permissions: list[str] = given(
        "What it may, as `customer:read`; nothing that you may not.", check=permission_name
    )
    expires_at: datetime | None = given(
        "When it ends; never, where nothing is said.", default=UNSET
    )
    allowed_networks: list[str] | None = given(
        f"The networks that it works from, as `192.0.2.0/24`: at most {MOST_NETWORKS}. From "
        "anywhere, where nothing is said.",
        check=_network,
        default=UNSET,
    )


@strawberry.input(description="A token to replace by a new one.")
class RotatePartnerTokenInput(Repeatable):
    """Which token, and for how long both work."""

    access_token_id: strawberry.ID = identifier("The id of the token.")
    overlap_seconds: int = given(
        "For how long the old one still works: at most 30 days.", default=_DAY_IN_SECONDS
    )
    expires_at: datetime | None = given(
        "When the new one ends; by default it lasts as long as the old one was to.", default=UNSET
    )


@strawberry.input(description="A token to end.")
class RevokePartnerTokenInput:
    """Which token."""

    access_token_id: strawberry.ID = identifier("The id of the token.")


@action(
    history="token.created",
    needs=Permission.TOKEN_WRITE,
    refuses=(
        UserErrorCode.PERMISSION_UNKNOWN,
        UserErrorCode.PERMISSION_EXCEEDED,
        UserErrorCode.NETWORK_INVALID,
        UserErrorCode.DATE_NOT_IN_FUTURE,
    ),
    in_account=False,
    diary=False,
    shows=_SHOWN,
)
async def create_partner_token(work: Work, input: CreatePartnerTokenInput) -> AccessToken:
    """Create a token for a partner's program."""
    permissions = known_permissions(input.permissions, "permissions")
    expect_own(work, permissions, "permissions")
    return _made(
        work,
        name=input.name,
        permissions=permissions,
        expires_at=_ahead(work, input.expires_at or None),
        allowed_networks=_networks(input.allowed_networks or ()),
    )


@action(
    history="token.rotated",
    needs=Permission.TOKEN_WRITE,
    refuses=(
        UserErrorCode.NOT_FOUND,
        UserErrorCode.PERMISSION_EXCEEDED,
        UserErrorCode.DATE_NOT_IN_FUTURE,
        UserErrorCode.TOKEN_ENDED,
    ),
    in_account=False,
    diary=False,
    shows=_SHOWN,
)
async def rotate_partner_token(work: Work, input: RotatePartnerTokenInput) -> AccessToken:
    """Replace a token by a new one with the same name, permissions and networks.

    Both work until the overlap is over.
    """
    overlap = timedelta(seconds=input.overlap_seconds)
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Refused(UserErrorCode.INVALID, "It takes 0 to 30 days.", "overlap_seconds")
    old = await _locked(work, input.access_token_id)
    if await _is_replaced(work, old):
        raise _ended()
    expect_own(work, old.permissions, "access_token_id")
    expires_at = _ahead(work, input.expires_at or None)
    if expires_at is None and old.expires_at is not None:
        expires_at = work.now + (old.expires_at - old.created_at)
    over = work.now + overlap
    old.expires_at = over if old.expires_at is None else min(old.expires_at, over)
    networks = old.allowed_networks
    return _made(
        work,
        name=old.name,
        permissions=old.permissions,
        expires_at=expires_at,
        allowed_networks=None if networks is None else [str(network) for network in networks],
        replaces_id=old.id,
    )


@action(
    history="token.revoked",
    needs=Permission.TOKEN_WRITE,
    refuses=(UserErrorCode.NOT_FOUND, UserErrorCode.TOKEN_ENDED),
    in_account=False,
    diary=False,
)
async def revoke_partner_token(work: Work, input: RevokePartnerTokenInput) -> AccessToken:
    """End a token at once."""
    token = await _locked(work, input.access_token_id)
    token.revoked_at = work.now
    return token


async def _locked(work: Work, id: str) -> AccessToken:
    """A partner's token that works.

    Raises:
        Refused: NOT_FOUND or TOKEN_ENDED.
    """
    token = await work.lock(AccessToken, id, "access_token_id")
    if token.kind != TokenKind.PARTNER.value:
        raise Refused(
            UserErrorCode.NOT_FOUND, "There is no partner's token with this id.", "access_token_id"
        )
    expired = token.expires_at is not None and token.expires_at <= work.now
    if token.revoked_at is not None or expired:
        raise _ended()
    return token


async def _is_replaced(work: Work, token: AccessToken) -> bool:
    successor = select(AccessToken.id).where(
        AccessToken.tenant_id == work.tenant_id, AccessToken.replaces_id == token.id
    )
    return await work.session.scalar(successor.limit(1)) is not None


def _made(work: Work, **values: object) -> AccessToken:
    token = make_token(TokenKind.PARTNER)
    work.show("token", token)
    return work.add(
        AccessToken(
            kind=TokenKind.PARTNER.value, hash=hash_token(token), created_at=work.now, **values
        )
    )


def _ahead(work: Work, moment: datetime | None) -> datetime | None:
    if moment is not None and moment <= work.now:
        raise Refused(UserErrorCode.DATE_NOT_IN_FUTURE, "This is over.", "expires_at")
    return moment


def _networks(given: Sequence[str]) -> list[str] | None:
    """Networks as they are kept, or None for everywhere.

    Raises:
        Refused: NETWORK_INVALID for each that is none, or for too many.
    """
    if len(given) > MOST_NETWORKS:
        raise Refused(
            UserErrorCode.NETWORK_INVALID,
            f"There are at most {MOST_NETWORKS} networks.",
            "allowed_networks",
        )
    refusals, kept = [], []
    for place, one in enumerate(given):
        try:
            kept.append(str(ip_network(one.strip())))
        except ValueError:
            message = "This is no network, as `192.0.2.0/24`, whose last bits are zero."
            path = ("allowed_networks", str(place))
            refusals.append(Refusal(UserErrorCode.NETWORK_INVALID, message, path))
    if refusals:
        raise Refused.because(refusals)
    return kept or None


def _ended() -> Refused:
    return Refused(
        UserErrorCode.TOKEN_ENDED,
        "The token is revoked or expired, or another one replaces it.",
        "access_token_id",
    )
