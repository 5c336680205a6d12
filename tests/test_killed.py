"""A server that is killed while files come in: what it leaves behind, and what a sweep does."""

import asyncio
import random
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator

import asyncpg
import httpx2
import pytest

from app.models.file import thumbnail_key
from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage
from tests.actions.uploads import png, upload
from tests.publisher import Publisher
from tests.served import client_of, environment_of, serving

UPLOADS = 200
AT_ONCE = 8
KILLS = 3


@pytest.fixture
async def settings(settings: Settings) -> Settings:
    """A configuration with a bucket of its own, in which every object counts."""
    own = settings.model_copy(update={"s3_bucket": f"killed-{secrets.token_hex(8)}"})
    await Storage(own).ensure_bucket()
    return own


@pytest.fixture
async def publisher(owner: asyncpg.Connection) -> AsyncIterator[Publisher]:
    """A publisher that is served by a process of its own."""
    async with httpx2.AsyncClient() as nobody:
        yield await Publisher.found(owner, nobody)


class Uploads:
    """Two hundred uploads, each of which is tried once, by whichever server is there."""

    def __init__(self, publisher: Publisher, customer: str) -> None:
        self._publisher = publisher
        self._customer = customer
        self._left = [png(2_000 * number) for number in range(UPLOADS)]
        self.told: list[str] = []
        """The ids of the activities that clients were told of."""
        self.lost = 0
        """How many got no answer."""
        self._due, self._due_after = asyncio.Event(), UPLOADS

    @property
    def tried(self) -> int:
        """How many have an outcome."""
        return len(self.told) + self.lost

    async def outcomes(self, more: int) -> None:
        """Wait until so many more have an outcome."""
        self._due_after = self.tried + more
        self._due.clear()
        await self._due.wait()

    async def go_on(self) -> None:
        """Send what is left, until the server is gone."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._send())

    async def _send(self) -> None:
        while self._left:
            content = self._left.pop()
            try:
                answer = await upload(self._publisher, self._customer, ("a.png", content))
            except httpx2.TransportError:
                self.lost += 1
                return
            assert "errors" not in answer, answer["errors"]
            self.told.append(answer["data"]["addActivity"]["activity"]["id"])
            if self.tried >= self._due_after:
                self._due.set()


async def test_files_and_rows_stay_together(
    publisher: Publisher, owner: asyncpg.Connection, settings: Settings
) -> None:
    customer = encode_id("Customer", await publisher.customer())
    uploads = Uploads(publisher, customer)
    environment = environment_of(settings, unclaimed_file_seconds=10)
    moments = random.Random(13)  # noqa: S311  Nothing is secret about it.
    for number in range(KILLS + 1):
        with serving(environment) as process:
            async with client_of(environment) as publisher.client:
                going = asyncio.create_task(uploads.go_on())
                if number < KILLS:
                    await uploads.outcomes(moments.randrange(10, UPLOADS // (KILLS + 1)))
                    await asyncio.sleep(moments.random() / 10)
                    process.kill()
                await going
    assert uploads.tried == UPLOADS
    assert uploads.lost >= KILLS
    await _sweep(environment, owner)
    await _compare(uploads, owner, Storage(settings))


async def _sweep(environment: dict[str, str], owner: asyncpg.Connection) -> None:
    """Let the time pass that files are waited for, and sweep as an operator does."""
    await owner.execute("UPDATE unclaimed_file SET expires_at = now()")
    command = [sys.executable, "-m", "app.cli", "sweep"]
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Files removed: ")


async def _compare(uploads: Uploads, owner: asyncpg.Connection, storage: Storage) -> None:
    """Every row has its file and every file its row; and nobody was told what is not so."""
    rows = await owner.fetch(
        "SELECT file.key, activity.id AS activity_id FROM file"
        " LEFT JOIN activity_attachment AS attachment ON attachment.file_id = file.id"
        " LEFT JOIN activity ON activity.id = attachment.activity_id"
    )
    named = {key for row in rows for key in (row["key"], thumbnail_key(row["key"]))}
    assert {found.key async for page in storage.pages() for found in page} == named
    assert await owner.fetchval("SELECT count(*) FROM unclaimed_file") == 0
    activities = {encode_id("Activity", row["activity_id"]) for row in rows}
    assert {*uploads.told} <= activities
    for table in ("activity", "activity_attachment", "history"):
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") == len(rows)  # noqa: S608  Ours.
    assert UPLOADS - uploads.lost <= len(rows) <= UPLOADS
