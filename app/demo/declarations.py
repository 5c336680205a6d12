"""What customers are asked to agree to, and what they said to it."""

from datetime import UTC, datetime, timedelta
from functools import cache

import asyncpg

from app import models
from app.demo import texts
from app.demo.account import Account
from app.demo.batch import Batch
from app.demo.days import at_any_time

_IPS = ("192.0.2.{}", "198.51.100.{}", "203.0.113.{}")
_CONFIRMED_WITHIN = timedelta(days=14)


def add_declarations(batch: Batch) -> dict[tuple[str, str], int]:
    """The texts of all declarations; their ids by purpose and channel."""
    ids = {}
    for (purpose, channel), (version, text) in texts.DECLARATIONS.items():
        at = _first_day(version)
        ids[purpose, channel] = batch.add(
            models.OptInText,
            purpose=purpose,
            channel=channel,
            version=version,
            text=text,
            sha256=texts.HASHES[purpose, channel],
            created_at=at,
            changed_at=at,
        )
    return ids


async def load_declarations(
    connection: asyncpg.Connection, tenant_id: int
) -> dict[tuple[str, str], int]:
    """The ids of the texts of a tenant that was begun before."""
    found = await connection.fetch(
        "SELECT purpose, channel, id FROM opt_in_text WHERE tenant_id = $1 ORDER BY id", tenant_id
    )
    return {(row["purpose"], row["channel"]): row["id"] for row in found}


def add_opt_ins(account: Account) -> None:
    """What the customer agreed to, each with the log that proves it."""
    rng = account.rng
    for (purpose, channel), (version, _) in texts.DECLARATIONS.items():
        likely = 0.6 if channel == "EMAIL" else 0.15
        if not account.chance(likely) or (channel == "EMAIL" and not account.person.email):
            continue
        first = max(_first_day(version), account.created)
        if first >= account.now:
            continue
        at = at_any_time(rng, first, account.now)
        steps = ["SINGLE_OPT_IN", "DOUBLE_OPT_IN"] if channel == "EMAIL" else ["SINGLE_OPT_IN"]
        if rng.random() < 0.15:
            steps.append("REVOKED")
        _add_opt_in(account, purpose, channel, steps, at)


def _add_opt_in(
    account: Account, purpose: str, channel: str, steps: list[str], at: datetime
) -> None:
    rng, single = account.rng, None
    opt_in = account.add(
        models.OptIn, at, account.customer, purpose=purpose, channel=channel, status=steps[-1]
    )
    for step in steps:
        if step == "REVOKED":
            at = at_any_time(rng, at, account.now)
        agreed = step != "REVOKED"
        entry = account.add(
            models.OptInEntry,
            at,
            account.customer,
            opt_in_id=opt_in,
            status=step,
            source="Bestellformular" if agreed else "Abmeldelink",
            ip=some_ip(account),
            user_agent=rng.choice(texts.USER_AGENTS),
            opt_in_text_id=account.world.declarations[purpose, channel] if agreed else None,
            text_sha256=texts.HASHES[purpose, channel] if agreed else None,
            confirm_until=at + _CONFIRMED_WITHIN if step == "SINGLE_OPT_IN" else None,
            confirms_id=single if step == "DOUBLE_OPT_IN" else None,
        )
        single = single or entry
        at = min(at + timedelta(minutes=rng.randrange(2, 500)), account.now)


@cache
def _first_day(version: str) -> datetime:
    """A declaration's version is the month that it was written in."""
    return datetime.strptime(version, "%Y-%m").replace(tzinfo=UTC)


def some_ip(account: Account) -> str:
    """An address from the blocks that are reserved for documentation."""
    return account.rng.choice(_IPS).format(account.rng.randrange(1, 255))
