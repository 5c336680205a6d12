"""Shows that nothing changed: every row of a publisher, and every file in the bucket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from app.models import Base
from app.storage import Storage

_TABLES = sorted(
    table.name
    for table in Base.metadata.tables.values()
    if "tenant_id" in table.columns and table.name != "access_token"
)
_ROWS = " UNION ALL ".join(
    f"SELECT '{name}' AS name, to_jsonb(r)::text AS row FROM {name} AS r WHERE tenant_id = $1"  # noqa: S608  The names are ours.
    for name in _TABLES
)


class Everything:
    """All that a publisher holds."""

    def __init__(self, owner: asyncpg.Connection, tenant_id: int, bucket: Storage) -> None:
        self._owner = owner
        self._tenant_id = tenant_id
        self._bucket = bucket

    async def rows(self) -> list[tuple[str, str]]:
        """Every row of every table, with the table's name."""
        found = await self._owner.fetch(_ROWS, self._tenant_id)
        return sorted((row["name"], row["row"]) for row in found)

    async def files(self) -> list[str]:
        """The keys of all files in the bucket of this test process."""
        return await asyncio.to_thread(self._files)

    def _files(self) -> list[str]:
        pages = self._bucket._client.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self._bucket._bucket)
        return sorted(file["Key"] for page in found for file in page.get("Contents", []))

    @asynccontextmanager
    async def unchanged(self) -> AsyncIterator[None]:
        """Fail where what happens in the block leaves a trace."""
        before = await self.rows(), await self.files()
        yield
        assert (await self.rows(), await self.files()) == before
