"""What nobody can sign in with any more is cleared some days after it has ended."""

import asyncpg

from app.jobs.clearing import clear
from app.jobs.registry import SCHEDULE, JobContext
from app.work.clearing import clear_sign_ins
from app.work.jobs import JobKind
from tests.auth.people import employ
from tests.publisher import Publisher

_TOKEN = """
    INSERT INTO access_token (tenant_id, kind, name, hash, created_at, expires_at, revoked_at,
                              replaces_id)
    VALUES ($1, 'PARTNER', $2, sha256(convert_to($2, 'UTF8')), now() - interval '2 years',
            now() + $3::text::interval, now() + $4::text::interval, $5) RETURNING id
"""
_SESSION = """
    INSERT INTO access_token (tenant_id, kind, customer_id, name, hash, signed_in_by, created_at,
                              expires_at, idle_seconds, revoked_at)
    VALUES ($1, 'CUSTOMER', $2, $3, sha256(convert_to($3, 'UTF8')), 'PASSWORD',
            now() - interval '90 days', now() + $4::text::interval, $5, now() + $6::text::interval)
"""


async def _token(
    publisher: Publisher, name: str, ends: str | None, revoked: str | None, replaces: int | None
) -> int:
    key: int = await publisher.owner.fetchval(
        _TOKEN, publisher.tenant_id, name, ends, revoked, replaces
    )
    return key


async def _names(owner: asyncpg.Connection) -> list[str]:
    return [row["name"] for row in await owner.fetch("SELECT name FROM access_token ORDER BY name")]


async def test_sessions_go_after_a_month_and_tokens_after_a_year(
    context: JobContext, publisher: Publisher, owner: asyncpg.Connection
) -> None:
    await owner.execute("DELETE FROM access_token")
    customer = await publisher.customer()
    year = 400 * 86_400
    for name, ends, idle, revoked in (
        ("a works", "1 day", year, None),
        ("b ended yesterday", "1 day", year, "-1 day"),
        ("c ended", "1 day", year, "-31 days"),
        ("d expired", "-31 days", year, None),
        ("e expired yesterday", "-1 day", year, None),
        ("f idle", "1 day", 3_600, None),
    ):
        await owner.execute(_SESSION, publisher.tenant_id, customer, name, ends, idle, revoked)
    replaced = await _token(publisher, "g replaced", "-366 days", None, None)
    await _token(publisher, "h successor", None, None, replaced)
    await _token(publisher, "i expired", "-366 days", None, None)
    await _token(publisher, "j revoked", None, "-366 days", None)
    await _token(publisher, "k revoked lately", None, "-300 days", None)
    await clear(context, publisher.tenant_id + 1, {})
    assert len(await _names(owner)) == 11
    await clear(context, publisher.tenant_id, {})
    assert [name[0] for name in await _names(owner)] == ["a", "b", "e", "g", "h", "k"]
    assert JobKind.CLEAR_SIGN_INS in [scheduled.kind for scheduled in SCHEDULE]


async def test_devices_invitations_and_counts_go_in_bounded_steps(
    context: JobContext, publisher: Publisher, owner: asyncpg.Connection
) -> None:
    customer = await publisher.customer()
    erika = await employ(owner, publisher.tenant_id)
    role = await owner.fetchval("SELECT id FROM role LIMIT 1")
    for days in (1, 181, 182, 183):
        moment = f"now() - interval '{days} days'"
        for statement in (
            f"INSERT INTO customer_device VALUES ($1, $2, sha256('{days}'), {moment})",  # noqa: S608  Our own words.
            f"INSERT INTO staff_device SELECT $3, sha256('{days}'), {moment}"
            " WHERE $1 > 0 AND $2 > 0",
            "INSERT INTO staff_invitation (tenant_id, role_id, email, name, hash, expires_at)"
            f" SELECT $1, {role}, 'x', 'x', sha256('{days}'), {moment} WHERE $2 + $3 > 0",
            "INSERT INTO throttle (key, count, last_at, until)"
            f" SELECT sha256('{days}'), 1, {moment} + interval '12 hours', now()"
            " WHERE $1 + $2 + $3 > 0",
        ):
            await owner.execute(
                f"WITH given AS (SELECT $1::integer, $2::bigint, $3::bigint) {statement}",
                publisher.tenant_id,
                customer,
                erika.id,
            )
    assert await clear_sign_ins(context.writing, publisher.tenant_id, most=2) == 12
    for table in ("customer_device", "staff_device", "staff_invitation", "throttle"):
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") == 1, table  # noqa: S608  As above.
