"""The databases that commands work on, checked before anything else is done with them."""

import asyncio
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.commands.errors import CommandError
from app.settings import Settings

_TIMEOUT_SECONDS = 10


def owner_url(settings: Settings) -> str:
    """The owner's address of a database that answers."""
    return _checked(settings.owner_database_url, "ABOKONTO_OWNER_DATABASE_URL")


def application_url(settings: Settings) -> str:
    """The application's address of a database that answers."""
    return _checked(settings.database_url, "ABOKONTO_DATABASE_URL")


def application_role(settings: Settings) -> str | None:
    """The role that requests are served as, if it is known."""
    url = settings.database_url
    return urlsplit(url.get_secret_value()).username if url else None


def _checked(secret: SecretStr | None, variable: str) -> str:
    if secret is None:
        raise CommandError(f"Set {variable}: a database is configured, but not for this role.")
    url = secret.get_secret_value()
    asyncio.run(_connect(url, variable))
    return url


async def _connect(url: str, variable: str) -> None:
    import asyncpg

    try:
        connection = await asyncpg.connect(url, timeout=_TIMEOUT_SECONDS)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CommandError(
            f"The database of {variable} can't be reached at {_without_password(url)}: "
            f"{str(error) or type(error).__name__}"
        ) from error
    await connection.close()


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"
