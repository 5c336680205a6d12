import asyncio
import gc
import tracemalloc

import asyncpg
import pytest
from rich.console import Console

from app.auth.administration import create_tenant
from app.demo import bulk
from app.demo.bulk import seed_customers
from app.settings import Settings


async def _seed(settings: Settings, count: int) -> str:
    console = Console(record=True, quiet=False, width=200, force_terminal=False)
    with console.capture():
        await asyncio.to_thread(seed_customers, settings, count, console)
    return console.export_text()


async def _peak_of_seeding(settings: Settings, count: int) -> int:
    gc.collect()
    tracemalloc.start()
    await _seed(settings, count)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


async def test_memory_does_not_grow_with_the_number_of_customers(
    settings: Settings, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BATCH_CUSTOMERS", 100)
    await _seed(settings, 50)
    few = await _peak_of_seeding(settings, 250)
    many = await _peak_of_seeding(settings, 1_200)
    assert many < 1.5 * few
    assert await owner.fetchval("SELECT count(*) FROM customer") == 1_200
    assert await owner.fetchval("SELECT sum(count) FROM customer_count") == 1_200
    assert 5 < await owner.fetchval("SELECT count(*) FROM activity") / 1_200 < 15


async def test_a_run_goes_on_where_the_last_one_ended(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    said = await _seed(settings, 30)
    assert "Partner token: abo_partner_" in said
    before = await owner.fetch("SELECT id, number FROM customer ORDER BY id")
    await _seed(settings, 70)
    after = await owner.fetch("SELECT id, number FROM customer ORDER BY id")
    assert len(after) == 70
    assert after[:30] == before
    broken = await owner.fetch(
        "SELECT split_part(number, '-', 2) FROM invoice GROUP BY 1"
        " HAVING max(split_part(number, '-', 3)::int) <> count(*)"
    )
    assert broken == []


async def test_what_the_application_adds_later_gets_ids_of_its_own(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    await _seed(settings, 20)
    tenant_id = await owner.fetchval("SELECT id FROM tenant")
    for number in range(5):
        await owner.execute(
            "INSERT INTO customer (tenant_id, number) VALUES ($1, $2)", tenant_id, f"neu-{number}"
        )
    assert await owner.fetchval("SELECT count(*) FROM customer") == 25


async def test_another_tenant_is_left_alone(settings: Settings, owner: asyncpg.Connection) -> None:
    await create_tenant(owner, "bulk", "Ein Verlag")
    with pytest.raises(bulk.TenantTakenError, match="--tenant"):
        await _seed(settings, 10)
    assert await owner.fetchval("SELECT count(*) FROM customer") == 0
