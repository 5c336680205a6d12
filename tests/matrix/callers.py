"""Everybody who calls: each sort of caller has a way to get a token."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.auth.permissions import Permission
from app.auth.roles import ADMINISTRATOR, AGENT, AUDITOR, ROLES
from app.auth.tokens import hash_token, make_token
from app.models.access_token import TokenKind
from app.schema.node import encode_id
from tests.auth.people import HASH, work_for
from tests.publisher import Publisher
from tests.rows import EPOCH, insert


@dataclass
class Place:
    """Where callers are: a publisher with a customer, and two others."""

    publisher: Publisher
    competitor: Publisher
    elsewhere: Publisher
    """Where staff can work as well."""

    customer: int
    """The key of the customer whose account everybody asks for."""

    @property
    def customer_id(self) -> str:
        """The same, as clients name it."""
        return encode_id("Customer", self.customer)


@dataclass(frozen=True)
class Arrival:
    """A token, and the person behind it."""

    token: str | None = None
    staff: int | None = None
    customer: int | None = None


Arrive = Callable[[Place], Awaitable[Arrival]]


async def _employ(publisher: Publisher, role: str, permissions: frozenset[Permission]) -> Arrival:
    """Somebody new who works for a publisher and has signed in."""
    email = f"{secrets.token_hex(6)}@example.org"
    staff = await insert(publisher.owner, "staff", email=email, password_hash=HASH)
    await work_for(publisher.owner, staff, publisher.tenant_id, role, sorted(permissions))
    return Arrival(await _staff_session(publisher, staff), staff=staff)


async def _staff_session(publisher: Publisher, staff: int) -> str:
    token = make_token(TokenKind.STAFF)
    await publisher.owner.execute(
        "INSERT INTO access_token (tenant_id, kind, staff_id, name, hash, signed_in_by, expires_at,"
        " idle_seconds, address, last_address, last_used_at, user_agent) VALUES ($1, 'STAFF', $2,"
        " 'Session', $3, 'PASSWORD', now() + interval '1 day', 3600, '192.0.2.1', '192.0.2.1',"
        " now(), 'Browser')",
        publisher.tenant_id,
        staff,
        hash_token(token),
    )
    return token


def _staff(role: str) -> Arrive:
    async def arrive(place: Place) -> Arrival:
        return await _employ(place.publisher, role, ROLES.get(role, frozenset()))

    return arrive


def _partner(*permissions: Permission) -> Arrive:
    async def arrive(place: Place) -> Arrival:
        return Arrival(await place.publisher.issue_token(*permissions))

    return arrive


async def _competitor(place: Place) -> Arrival:
    return await _employ(place.competitor, ADMINISTRATOR, ROLES[ADMINISTRATOR])


async def _customer(place: Place) -> Arrival:
    return Arrival(await place.publisher.sign_in(place.customer), customer=place.customer)


async def _neighbour(place: Place) -> Arrival:
    other = await place.publisher.customer(password_hash=HASH)
    return Arrival(await place.publisher.sign_in(other), customer=other)


async def _nobody(_place: Place) -> Arrival:
    return Arrival()


async def _unknown(_place: Place) -> Arrival:
    return Arrival(make_token(TokenKind.PARTNER))


async def _expired(place: Place) -> Arrival:
    return Arrival(await place.publisher.issue_token(*Permission, expires_at=EPOCH))


async def _revoked(place: Place) -> Arrival:
    return Arrival(await place.publisher.issue_token(*Permission, revoked=True))


async def _signed_out(place: Place) -> Arrival:
    arrival = await _customer(place)
    await _end(place, arrival, "revoked_at = now()")
    return arrival


async def _idle(place: Place) -> Arrival:
    arrival = await _employ(place.publisher, ADMINISTRATOR, ROLES[ADMINISTRATOR])
    await _end(place, arrival, "last_used_at = now() - interval '2 hours'")
    return arrival


async def _end(place: Place, arrival: Arrival, change: str) -> None:
    await place.publisher.owner.execute(
        f"UPDATE access_token SET {change} WHERE hash = $1",  # noqa: S608  Written above.
        hash_token(arrival.token or ""),
    )


async def _blocked(place: Place) -> Arrival:
    """A customer who is blocked, and whose session nobody ended."""
    arrival = await _neighbour(place)
    await place.publisher.owner.execute(
        "UPDATE customer SET login_blocked_at = now() WHERE id = $1", arrival.customer
    )
    return arrival


async def _dismissed(place: Place) -> Arrival:
    """An administrator who works there no more, and whose session nobody ended."""
    arrival = await _employ(place.publisher, ADMINISTRATOR, ROLES[ADMINISTRATOR])
    await place.publisher.owner.execute(
        "UPDATE staff_membership SET deactivated_at = now() WHERE staff_id = $1", arrival.staff
    )
    return arrival


PARTNER_WITHOUT = "partner without"
"""A partner who may everything but what the row needs; there is one for each permission."""

CALLERS: dict[str, Arrive] = {
    "administrator": _staff(ADMINISTRATOR),
    "agent": _staff(AGENT),
    "auditor": _staff(AUDITOR),
    "role of nothing": _staff("nothing"),
    "partner": _partner(*Permission),
    PARTNER_WITHOUT: _partner(),
    "partner of nothing": _partner(),
    "customer": _customer,
    "neighbour": _neighbour,
    "competitor": _competitor,
    "nobody": _nobody,
    "unknown": _unknown,
    "expired": _expired,
    "revoked": _revoked,
    "signed out": _signed_out,
    "idle": _idle,
    "blocked": _blocked,
    "dismissed": _dismissed,
}
"""By the names that tables call them:

- staff of each role that a tenant begins with, and of a role that may nothing;
- a partner with every scope, with every one but what the row needs, and with none;
- the customer, another customer of the tenant, and an administrator of another tenant;
- nobody, and those whose tokens were never made, have expired or were revoked;
- a customer who has signed out, an administrator who was idle for too long, a customer who is
  blocked, and an administrator who was dismissed.
"""
