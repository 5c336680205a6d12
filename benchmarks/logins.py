"""Whether the time of a refused login tells why it was refused.

Logins of each kind are tried in turn, in an order that is drawn anew each time, and each kind's
times are compared with those of unknown addresses by two tests that assume nothing about how times
are distributed: Mann and Whitney's, which finds one of them slower, and Kolmogorov and Smirnov's,
which finds any difference.
"""

import asyncio
import math
import random
import secrets
from collections.abc import Sequence
from itertools import groupby
from statistics import median
from typing import Any

from app.auth.administration import create_partner_token, create_tenant
from app.auth.passwords import hash_password
from app.settings import Settings
from benchmarks.client import WARM_UP, Client, Query
from benchmarks.report import Report
from benchmarks.servers import serving
from benchmarks.tenants import connect

PASSWORD = "correct horse battery"  # noqa: S105  Nobody's but these customers'.

_LOGIN = """mutation Login($input: CustomerLoginInput!) {
  customerLogin(input: $input) { token userErrors { code message } }
}"""
_UNKNOWN = "unknown address"
_KINDS = (_UNKNOWN, "wrong password", "blocked", "anonymised", "expired one-time password")


def logins(settings: Settings, report: Report, count: int) -> None:
    """Measure, in a tenant of its own."""
    token = asyncio.run(_found(settings))
    with serving(settings) as served:
        client = Client(served.url)
        times: dict[str, list[float]] = {kind: [] for kind in _KINDS}
        order = random.Random(6238)  # noqa: S311  It decides about nothing but the order.
        for number in range(WARM_UP + count):
            for kind in order.sample(_KINDS, len(_KINDS)):
                took = client.timed(_attempt(kind, token))
                if number >= WARM_UP:
                    times[kind].append(took)
    unknown = times[_UNKNOWN]
    rows = [
        (
            kind,
            f"{median(found):.2f}",
            f"{median(found) - median(unknown):+.2f}",
            *(
                [f"{mann_whitney(unknown, found):.3f}", f"{kolmogorov(unknown, found):.3f}"]
                if kind != _UNKNOWN
                else ["", ""]
            ),
        )
        for kind, found in times.items()
    ]
    report.table(
        f"Refused logins: {count:,} of each, in turn",
        ("", "Median in ms", "Beside unknown", "p, Mann-Whitney", "p, Kolmogorov-Smirnov"),
        rows,
    )


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> float:
    """How probable it is that neither of two samples tends to be larger, were they of one kind."""
    merged = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks, place, ties = 0.0, 0, 0
    for _, group in groupby(merged, key=lambda pair: pair[0]):
        members = [which for _, which in group]
        ranks += members.count(0) * (place + (len(members) + 1) / 2)
        place += len(members)
        ties += len(members) ** 3 - len(members)
    n, m = len(first), len(second)
    both = n + m
    u = ranks - n * (n + 1) / 2
    spread = math.sqrt(n * m / 12 * (both + 1 - ties / (both * (both - 1))))
    return math.erfc(abs(u - n * m / 2) / spread / math.sqrt(2))


def kolmogorov(first: Sequence[float], second: Sequence[float]) -> float:
    """How probable so large a gap between two samples' distributions is, were they of one kind."""
    n, m = len(first), len(second)
    gap, below = 0.0, [0, 0]
    merged = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    for _, group in groupby(merged, key=lambda pair: pair[0]):
        for _, which in group:
            below[which] += 1
        gap = max(gap, abs(below[0] / n - below[1] / m))
    scale = math.sqrt(n * m / (n + m))
    x = (scale + 0.12 + 0.11 / scale) * gap
    if x < 0.2:
        return 1.0
    terms = ((-1.0) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))
    total: float = 2 * sum(terms)
    return min(1.0, max(0.0, total))


def _attempt(kind: str, token: str) -> Query:
    """A login that is refused, from an address that has tried nothing yet."""
    name = secrets.token_hex(6) if kind == _UNKNOWN else kind.split()[0]
    password = PASSWORD if kind != "wrong password" else "wrong horse battery"
    given: dict[str, Any] = {
        "email": f"{name}@example.org",
        "password": password,
        "newPassword": "another horse battery",
        "clientIp": ".".join(str(part) for part in (10, *secrets.token_bytes(3))),
    }
    return Query(_LOGIN, {"input": given}, token)


async def _found(settings: Settings) -> str:
    """A front end's token for a tenant in which there is a customer of each kind."""
    connection = await connect(settings)
    try:
        slug = f"bench-logins-{secrets.token_hex(4)}"
        tenant = await create_tenant(connection, slug, "Logins")
        password = await hash_password(PASSWORD)
        for number, kind in enumerate(_KINDS[1:]):
            customer = await connection.fetchval(
                "INSERT INTO customer (tenant_id, number, email, last_name, password_hash,"
                " login_blocked_at, anonymized_at) VALUES ($1, $2, $3, 'Muster', $4,"
                " CASE WHEN $5 = 'blocked' THEN now() END,"
                " CASE WHEN $5 = 'anonymised' THEN now() END) RETURNING id",
                tenant,
                f"K-{number}",
                f"{kind.split()[0]}@example.org",
                password,
                kind,
            )
            if kind.startswith("expired"):
                await connection.execute(
                    "INSERT INTO customer_sign_in (tenant_id, customer_id, one_time_until)"
                    " VALUES ($1, $2, now() - interval '1 hour')",
                    tenant,
                    customer,
                )
        return await create_partner_token(
            connection, tenant=slug, name="front end", scopes=["customer:login"], expires_at=None
        )
    finally:
        await connection.close()
