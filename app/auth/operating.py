"""What an operator does for members of staff who can't sign in, and about a tenant's rules.

It is in the history of each tenant that it concerns, done by the system: who the operator was,
nobody knows here. The caller decides on the transaction, of the role that owns the tables.
"""

import json
from collections.abc import Mapping
from typing import Any

import asyncpg

from app.auth.administration import AdministrationError, tenant_id_of
from app.auth.one_time import ONE_TIME_HOURS, one_time_password
from app.auth.passwords import hash_password
from app.auth.tenant_rules import HISTORY, problems
from app.models.tenant import RULES


async def reset_staff_password(connection: asyncpg.Connection, email: str) -> str:
    """Give somebody a one-time password in place of theirs, end their sessions, and return it: it
    can't be shown again.

    Raises:
        AdministrationError: There is nobody with this e-mail address.
    """
    password = one_time_password()
    person = await connection.fetchval(
        "UPDATE staff SET password_hash = $2,"
        " one_time_until = clock_timestamp() + make_interval(hours => $3)"
        " WHERE email_key = lower($1) RETURNING id",
        email,
        await hash_password(password),
        ONE_TIME_HOURS,
    )
    if person is None:
        raise AdministrationError(f"There is no member of staff with {email}.")
    await _sign_out(connection, person)
    await _record_of_staff(connection, person, "staff.password_reset")
    return password


async def remove_second_factor(connection: asyncpg.Connection, email: str) -> None:
    """Take away somebody's second factor and recovery codes, and end their sessions.

    Raises:
        AdministrationError: There is nobody with this e-mail address, or they have none.
    """
    found = await connection.fetchrow(
        "SELECT id, two_factor_since FROM staff WHERE email_key = lower($1) FOR UPDATE", email
    )
    if found is None:
        raise AdministrationError(f"There is no member of staff with {email}.")
    if found["two_factor_since"] is None:
        raise AdministrationError(f"{email} has no second factor.")
    await connection.execute(
        "UPDATE staff SET totp_secret = NULL, totp_pending = NULL, totp_step = NULL,"
        " two_factor_since = NULL WHERE id = $1",
        found["id"],
    )
    await connection.execute("DELETE FROM staff_recovery_code WHERE staff_id = $1", found["id"])
    await _sign_out(connection, found["id"])
    await _record_of_staff(connection, found["id"], "staff.two_factor_deactivated")


async def change_rules(
    connection: asyncpg.Connection, tenant: str, values: Mapping[str, int | bool]
) -> None:
    """Change the rules that a tenant works by, as its administrators do by
    `updateTenantSettings`.

    Raises:
        AdministrationError: The tenant is unknown, or a rule can't be so.
    """
    for name, why in problems(values):
        raise AdministrationError(f"{name}: {why}")
    tenant_id = await tenant_id_of(connection, tenant)
    known = await connection.fetchrow(
        f"SELECT {', '.join(RULES)} FROM tenant WHERE id = $1 FOR NO KEY UPDATE",  # noqa: S608  The names are ours.
        tenant_id,
    )
    assert known is not None  # noqa: S101  Nobody deletes tenants.
    changed = {name: value for name, value in values.items() if known[name] != value}
    if not changed:
        return
    places = ", ".join(f"{name} = ${place}" for place, name in enumerate(changed, start=2))
    await connection.execute(
        f"UPDATE tenant SET {places} WHERE id = $1",  # noqa: S608  As above.
        tenant_id,
        *changed.values(),
    )
    before = {name: known[name] for name in changed}
    await _record(connection, tenant_id, HISTORY, "TenantSettings", tenant_id, before, changed)


async def _sign_out(connection: asyncpg.Connection, person: int) -> None:
    await connection.execute(
        "UPDATE access_token SET revoked_at = clock_timestamp()"
        " WHERE staff_id = $1 AND signed_in_by IS NOT NULL AND revoked_at IS NULL",
        person,
    )


async def _record_of_staff(connection: asyncpg.Connection, person: int, action: str) -> None:
    """Write it down at each tenant that somebody works for, in one order, as each locks its
    history."""
    memberships = await connection.fetch(
        "SELECT tenant_id, id FROM staff_membership"
        " WHERE staff_id = $1 AND deactivated_at IS NULL ORDER BY tenant_id",
        person,
    )
    for row in memberships:
        await _record(connection, row["tenant_id"], action, "StaffMembership", row["id"])


async def _record(
    connection: asyncpg.Connection,
    tenant_id: int,
    action: str,
    record_type: str,
    record_id: int,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    await connection.execute(
        "INSERT INTO history (tenant_id, action, record_type, record_id, before, after)"
        " VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb)",
        tenant_id,
        action,
        record_type,
        record_id,
        None if before is None else json.dumps(before),
        None if after is None else json.dumps(after),
    )
