"""Whether a database is of this version, asked without Alembic, which takes 10 MB to import."""

import asyncio
from pathlib import Path

import asyncpg

_VERSIONS = Path(__file__).with_name("versions")


def is_current(url: str) -> bool:
    """Whether the database has the tables of this version; any role may ask."""
    return asyncio.run(_revisions(url)) == [newest()]


def newest() -> str:
    """The newest migration's revision, which its file's name begins with."""
    return max(path.name for path in _VERSIONS.glob("[0-9]*.py")).partition("_")[0]


async def _revisions(url: str) -> list[str]:
    """What the database says that it is at; nothing, if it was never migrated."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return []
    finally:
        await connection.close()
    return [row["version_num"] for row in rows]
