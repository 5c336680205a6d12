"""`abokonto renew`: its report, and what becomes of runs that are killed."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.models import Base
from app.settings import Settings
from tests.billing.invariants import hold
from tests.billing.publishing import House, opened_house
from tests.conftest import Database, cloned, settings_of
from tests.served import environment_of
from tests.services import Services

SUBSCRIPTIONS = 12
FIRST, LAST = date(2024, 1, 31), date(2024, 12, 31)
KILLS = 3

_NUMBER = re.compile(r"RE-\d{4}-\d{7}")
_KEY = re.compile(r"(?<=\w:)\d+$")
_GENERATED = {
    "id",
    "hash",
    "position",
    "personal_salt",
    "personal_digest",
    "actor_salt",
    "actor_digest",
}
_CHAINS = {"history_chain", "history_seal"}
"""They are made of the entries of the history in their order."""


def renewing(settings: Settings, *arguments: str) -> "subprocess.Popen[bytes]":
    """The command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "renew", "--until", str(LAST), *arguments],
        env=environment_of(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finished(process: "subprocess.Popen[bytes]", status: int = 0) -> str:
    """What a run printed that came to its end."""
    printed, told = process.communicate(timeout=120)
    assert process.returncode == status, told.decode()
    return printed.decode()


async def subscribe_many(house: House) -> dict[int, set[date]]:
    """Subscriptions of several kinds, all of which have been waiting for a year; the days on which
    some of them rest."""
    rests = {}
    magazine = await house.publication(FIRST, LAST)
    shares = {"REDUCED": "70.00", "STANDARD": "30.00"}
    offers = [
        await house.offer("23.90", shares=shares, publication=magazine),
        await house.offer("9.50", kind="PRINT", publication=magazine),
        await house.offer(
            "24.00", every=(3, "MONTH"), kind="PRINT", publication=magazine, issues=3
        ),
    ]
    for number in range(SUBSCRIPTIONS):
        ends = {"ends_on": date(2024, 9, 10)} if number % 5 == 0 else {}
        pauses = {"paused_from": date(2024, 4, 10), "resumes_on": date(2024, 5, 20)}
        more = pauses if number % 4 == 1 else ends
        key = await house.subscribe(offers[number % len(offers)], FIRST, **more)
        if more is pauses:
            rests[key] = {date(2024, 4, 10) + timedelta(days=day) for day in range(40)}
    return rests


@asynccontextmanager
async def owning(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the owner of a database's tables."""
    connection = await asyncpg.connect(database.owner_database_url)
    yield connection
    await connection.close()


async def contents(owner: asyncpg.Connection) -> dict[str, Counter[str]]:
    """All rows of all tables, without what depends on when and in which order it was done."""
    found = {}
    for table in Base.metadata.sorted_tables:
        if table.name not in _CHAINS:
            rows = await owner.fetch(f"SELECT to_jsonb(r) AS row FROM {table.name} AS r")  # noqa: S608  These are our tables.
            found[table.name] = Counter(
                json.dumps(_plain(json.loads(row["row"])), sort_keys=True) for row in rows
            )
    return found


def _plain(value: Any) -> Any:
    """A value without keys, times and numbers of invoices, neither in it nor in its names."""
    if isinstance(value, str):
        return _NUMBER.sub("RE", value)
    if not isinstance(value, dict):
        return value
    return {
        _KEY.sub("", name): _plain(one)
        for name, one in value.items()
        if name not in _GENERATED and not name.endswith(("_id", "_at"))
    }


@pytest.fixture
def settings_for(storage_settings: dict[str, str], tmp_path: Path) -> Any:
    """Gives the configuration for a database."""
    return lambda database: settings_of(database, storage_settings, tmp_path / "var")


async def test_killed_runs_come_to_what_a_quiet_one_does(
    database: Database, services: Services, settings_for: Any
) -> None:
    settings = settings_for(database)
    async with owning(database) as owner, opened_house(settings, owner, LAST) as house:
        rests = await subscribe_many(house)
    async with cloned(services, database.name) as quiet:
        finished(renewing(settings_for(quiet)))
        async with owning(quiet) as connection:
            expected = await contents(connection)
    async with owning(database) as owner:
        killed = 0
        while killed < KILLS:
            before = await opened(owner)
            process = renewing(settings)
            while process.poll() is None and await opened(owner) < before + 20:
                pass
            assert process.poll() is None, "It was over before it could be killed."
            process.kill()
            process.communicate()
            killed += 1
        # Two at once end what the others have left.
        others = renewing(settings), renewing(settings)
        for one in others:
            finished(one)
        found = await contents(owner)
        assert {name for name in found if found[name] != expected[name]} == set()
        house.publisher.owner = owner
        assert await owner.fetchval("SELECT count(*) FROM invoice") > 90
        assert await owner.fetchval("SELECT max(paused_days) FROM subscription_period") > 0
        await hold(house, rests)


async def opened(owner: asyncpg.Connection) -> int:
    """How many periods there are."""
    count: int = await owner.fetchval("SELECT count(*) FROM subscription_period")
    return count


async def test_the_report(database: Database, settings_for: Any) -> None:
    settings = settings_for(database)
    async with owning(database) as owner, opened_house(settings, owner, LAST) as house:
        offer = await house.offer()
        await house.subscribe(offer, date(2024, 11, 30))
        slug = await owner.fetchval("SELECT slug FROM tenant")
        [report] = json.loads(finished(renewing(settings, "--json", "--tenant", slug)))
        assert report.pop("failures") == []
        assert {name: value for name, value in report.items() if value} == {
            "tenant": slug,
            "until": "2024-12-31",
            "periods_opened": 2,
            "invoices_issued": 2,
            "invoiced": {"EUR": "20.00"},
        }
        homeless = await house.publisher.customer()
        await house.subscribe(offer, date(2024, 12, 1), customer_id=homeless)
        process = renewing(settings)
        printed, told = process.communicate(timeout=120)
        assert process.returncode == 1
        assert "Periods opened" in printed.decode()
        assert re.search(rf"{slug}: A-\d+: ADDRESS_REQUIRED: ", told.decode())


async def test_an_unknown_tenant_is_told(database: Database, settings_for: Any) -> None:
    process = renewing(settings_for(database), "--tenant", "nobody")
    assert process.communicate(timeout=120)[1].decode() == "abokonto: There is no tenant nobody.\n"
    assert process.returncode == 1
