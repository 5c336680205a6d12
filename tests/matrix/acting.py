"""Every mutation with an input that nothing stands against but who asks."""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app import models
from app.auth.checks import CUSTOMER, STAFF
from app.auth.permissions import Permission
from app.auth.tokens import INVITATION, hash_token
from app.domain import opaque
from app.resolvers.fields import ReadField
from app.schema.node import encode_id
from tests.actions.examples import EXAMPLES
from tests.auth.people import HASH, PASSWORD, work_for
from tests.matrix import outside
from tests.matrix.callers import CALLERS, PARTNER_WITHOUT, Arrival, Place
from tests.matrix.reading import value_at, why, worded
from tests.publisher import Publisher
from tests.rows import KEYRING, insert
from tests.schema.documents import schema

Given = dict[str, Any]

assert schema.mutation_type is not None
MUTATIONS: dict[str, GraphQLField] = dict(schema.mutation_type.fields)

NEW_PASSWORD = "another horse battery"


@dataclass(frozen=True)
class Call:
    """A mutation, who calls it, and with what."""

    name: str
    token: str | None
    given: Given | None


async def call(publisher: Publisher, *calls: Call) -> dict[str, str]:
    """What came of calls of one caller's in one request, and what the payloads' fields show."""
    token = calls[0].token
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    response = await publisher.client.post("/graphql", json=_body(calls), headers=headers)
    # Who signs in gets a cookie, which is nobody else's.
    publisher.client.cookies.clear()
    answer = response.json()
    found = {}
    for name in (one.name for one in calls):
        came = _came(answer, name)
        found[f"Mutation.{name}"] = came
        for field in _payload(name).fields:
            if field != "userErrors":
                seen = _shown(answer, (name, field)) if came == "done" else came
                found[f"Mutation.{name}.{field}"] = seen
    return found


def _shown(answer: Mapping[str, Any], place: tuple[str, ...]) -> str:
    if value_at(answer, place) is not None:
        return "value"
    return why(answer.get("errors", []), place)


def _body(calls: Sequence[Call]) -> Given:
    """A request with some calls, each of which has its input as a variable of its own."""
    declared, fields, variables = [], [], {}
    for one in calls:
        field = one.name
        if one.given is not None:
            declared.append(f"${one.name}: {MUTATIONS[one.name].args['input'].type}")
            variables[one.name] = one.given
            field += f"(input: ${one.name})"
        fields.append(f"{field} {_selection(_payload(one.name))}")
    with_variables = f"({', '.join(declared)})" if declared else ""
    return {"query": f"mutation {with_variables} {{ {' '.join(fields)} }}", "variables": variables}


def _selection(payload: GraphQLObjectType) -> str:
    """All fields of a payload."""
    shown = " ".join(
        name if is_leaf_type(get_named_type(field.type)) else f"{name} {{ __typename }}"
        for name, field in payload.fields.items()
        if name != "userErrors"
    )
    return f"{{ {shown} userErrors {{ code field message }} }}"


def _came(answer: Mapping[str, Any], name: str) -> str:
    payload = value_at(answer, (name,))
    if payload is None:
        return why(answer.get("errors", []), (name,))
    codes = sorted({error["code"] for error in payload["userErrors"]})
    return ", ".join(map(worded, codes)) if codes else "done"


def _payload(name: str) -> GraphQLObjectType:
    type_ = get_named_type(MUTATIONS[name].type)
    assert isinstance(type_, GraphQLObjectType)
    return type_


def needed(name: str) -> Permission | None:
    """The permission that a mutation needs."""
    declared = MUTATIONS[name].extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    assert isinstance(declared, ReadField)
    return declared.needs


_NOW = datetime.now(UTC)

_UNDONE: dict[str, Given] = {
    "deactivateTwoFactor": {"totp_secret": b"secret", "two_factor_since": _NOW},
    "unblockAccess": {"access_blocked_at": _NOW},
    "unblockCustomer": {"login_blocked_at": _NOW},
}
"""What a customer must be for it to be taken back."""


async def prepare(place: Place, name: str, caller: str) -> Call:
    """A call of a mutation by somebody new, on records of its own."""
    state = {"password_hash": HASH, "tags": ["old"], "email": _email(), **_UNDONE.get(name, {})}
    own = replace(place, customer=await place.publisher.customer(**state))
    arrival = await arrive(own, caller, name)
    given = await input_of(own, name, arrival)
    if given is not None and name in {"editActivity", "removeActivity"}:
        given["activityId"] = await _written(own, arrival)
    return Call(name, arrival.token, given)


async def _written(place: Place, arrival: Arrival) -> str:
    """The id of an activity that a caller has written, which nobody else may correct."""
    row = await place.publisher.owner.fetchrow(
        "SELECT kind, coalesce(staff_id, customer_id, id) AS id FROM access_token WHERE hash = $1",
        hash_token(arrival.token or ""),
    )
    kind, author = ("SYSTEM", None) if row is None else (row["kind"], row["id"])
    key = await place.publisher.make(
        models.Activity,
        customer_id=place.customer,
        created_at=datetime.now(UTC),
        actor_kind=kind,
        actor_id=author,
    )
    return encode_id("Activity", key)


async def arrive(place: Place, caller: str, name: str) -> Arrival:
    """A caller, who lacks what a mutation needs where that is who they are."""
    if caller == PARTNER_WITHOUT:
        token = await place.publisher.issue_token(*(set(Permission) - {needed(name)}))
        return Arrival(token)
    return await CALLERS[caller](place)


async def input_of(place: Place, name: str, arrival: Arrival) -> Given | None:
    """The input of a mutation, and all that has to be there for it."""
    if name in EXAMPLES:
        given = await EXAMPLES[name].input(place.publisher, place.customer)
        # Two mandates can't have the same.
        return given | (
            {"mandateReference": secrets.token_hex(6)} if name == "updateMandate" else {}
        )
    if name in outside.OUTSIDE:
        return await outside.input_of(place.publisher, name)
    return await IDENTITY[name](place, arrival)


def _email() -> str:
    return f"{secrets.token_hex(6)}@example.org"


async def _alone(_place: Place, _arrival: Arrival) -> None:
    """No input."""


async def _here(_place: Place, _arrival: Arrival) -> Given:
    return {"everywhere": False}


async def _passwords(_place: Place, _arrival: Arrival) -> Given:
    return {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}


async def _password(_place: Place, _arrival: Arrival) -> Given:
    return {"password": PASSWORD}


async def _first_code(place: Place, arrival: Arrival) -> Given:
    """The code of a second factor that waits for it."""
    secret, owner = pyotp.random_base32(), place.publisher.owner
    if arrival.staff:
        await owner.execute(
            "UPDATE staff SET totp_pending = $2 WHERE id = $1",
            arrival.staff,
            KEYRING.encrypt(secret, STAFF.secret_place),
        )
    if arrival.customer:
        await owner.execute(
            "INSERT INTO customer_sign_in (tenant_id, customer_id, totp_pending)"
            " VALUES ($1, $2, $3)",
            place.publisher.tenant_id,
            arrival.customer,
            KEYRING.encrypt(secret, CUSTOMER.secret_place),
        )
    return {"code": pyotp.TOTP(secret).now()}


async def _password_and_code(place: Place, arrival: Arrival) -> Given:
    """What takes a second factor away."""
    secret, owner = pyotp.random_base32(), place.publisher.owner
    for table, key, sort in (
        ("staff", arrival.staff, STAFF),
        ("customer", arrival.customer, CUSTOMER),
    ):
        await owner.execute(
            f"UPDATE {table} SET totp_secret = $2, two_factor_since = now() WHERE id = $1",  # noqa: S608  Written above.
            key,
            KEYRING.encrypt(secret, sort.secret_place),
        )
    return {"password": PASSWORD, "code": pyotp.TOTP(secret).now()}


async def _invitation(place: Place, _arrival: Arrival) -> Given:
    """An invitation of somebody new."""
    token = INVITATION + secrets.token_urlsafe(32)
    role = await place.publisher.make(models.Role, name=secrets.token_hex(6))
    await place.publisher.make(
        models.StaffInvitation,
        role_id=role,
        email=_email(),
        hash=hash_token(token),
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )
    return {"token": token, "password": PASSWORD}


async def _customers_login(place: Place, _arrival: Arrival) -> Given:
    email = await place.publisher.owner.fetchval(
        "SELECT email FROM customer WHERE id = $1", place.customer
    )
    return {"email": email, "password": PASSWORD}


async def _staffs_login(place: Place, _arrival: Arrival) -> Given:
    email, publisher = _email(), place.publisher
    staff = await insert(publisher.owner, "staff", email=email, password_hash=HASH)
    await work_for(publisher.owner, staff, publisher.tenant_id, "nothing", [])
    return {"email": email, "password": PASSWORD, "browser": False}


async def _other_tenant(place: Place, arrival: Arrival) -> Given:
    """A tenant that the caller works for, too, where callers work."""
    owner, there = place.publisher.owner, place.elsewhere
    if arrival.staff:
        await work_for(owner, arrival.staff, there.tenant_id, "nothing", [])
    slug = await owner.fetchval("SELECT slug FROM tenant WHERE id = $1", there.tenant_id)
    return {"tenant": slug}


async def _session(place: Place, arrival: Arrival) -> Given:
    """The session that asks, or else anybody's."""
    key = await place.publisher.owner.fetchval(
        "SELECT min(id) FROM access_token WHERE staff_id = $1 OR customer_id = $2",
        arrival.staff,
        arrival.customer,
    )
    return {"sessionId": opaque.encode(f"OwnSession:{key or 1}")}


IDENTITY: dict[str, Callable[[Place, Arrival], Awaitable[Given | None]]] = {
    "acceptStaffInvitation": _invitation,
    "changePassword": _passwords,
    "changeStaffPassword": _passwords,
    "confirmStaffTwoFactor": _first_code,
    "confirmTwoFactor": _first_code,
    "customerLogin": _customers_login,
    "customerLogout": _here,
    "enrolStaffTwoFactor": _password,
    "enrolTwoFactor": _password,
    "renewRecoveryCodes": _password_and_code,
    "renewStaffRecoveryCodes": _password_and_code,
    "removeStaffTwoFactor": _password_and_code,
    "removeTwoFactor": _password_and_code,
    "revokeOtherSessions": _alone,
    "revokeSession": _session,
    "staffLogin": _staffs_login,
    "staffLogout": _here,
    "switchTenant": _other_tenant,
}
"""By name the mutations about who somebody is."""
