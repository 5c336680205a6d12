"""Fills in what the configuration leaves open: a database, an object store, keys.

One process at a time owns the embedded services of a `var` directory; it holds the lock on
`var/owner.lock` and writes down in `var/services.json` how to reach them. Other processes
(commands, workers) use them from there. The rest of the application sees none of this: it gets
`Settings` in which nothing is open.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from pydantic import SecretStr

from app.embedded import object_store, postgres
from app.embedded.errors import ServiceError
from app.embedded.keys import GeneratedKeys, load_keys, write_secret
from app.settings import Settings

Step = Callable[[str], AbstractContextManager[object]]

_OPEN_FIELDS = (
    "database_url",
    "owner_database_url",
    "s3_endpoint_url",
    "s3_access_key_id",
    "s3_secret_access_key",
    "encryption_keys",
    "lookup_key",
)
_WAIT_SECONDS = 60.0


def _silent(_: str) -> AbstractContextManager[object]:
    return nullcontext()


@contextmanager
def provided(
    settings: Settings, step: Step = _silent, *, alone: bool = False
) -> Iterator[Settings]:
    """Settings in which nothing is open, for as long as the block runs.

    Embedded services that another process owns are used, unless this one must be `alone` to have
    them. `step` is entered around everything that may take a while, with words for it.
    """
    if _is_complete(settings):
        yield settings
        return
    var = prepare_directory(settings.var_directory)
    with (var / "owner.lock").open("a+") as lock:
        if not _take(lock.fileno(), var, alone=alone):
            yield attached(settings)
            return
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        with ExitStack() as stack:
            found = _start(settings, var, stack, step)
            write_secret(var / "services.json", found)
            stack.callback((var / "services.json").unlink, missing_ok=True)
            yield _filled(settings, found)


def attached(settings: Settings) -> Settings:
    """Settings in which nothing is open, with the embedded services of another process."""
    if _is_complete(settings):
        return settings
    return _filled(settings, json.loads((settings.var_directory / "services.json").read_text()))


def _is_complete(settings: Settings) -> bool:
    database = settings.database_url or settings.owner_database_url
    keys = settings.encryption_keys and settings.lookup_key
    return bool(database and settings.s3_endpoint_url and keys)


def _filled(settings: Settings, found: dict[str, str]) -> Settings:
    secret = {name for name in _OPEN_FIELDS if name != "s3_endpoint_url"}
    return settings.model_copy(
        update={
            name: SecretStr(value) if name in secret else value for name, value in found.items()
        }
    )


def prepare_directory(directory: Path) -> Path:
    """Create the directory of embedded data and secrets, which nobody else may enter."""
    directory = directory.absolute()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        (directory / "owner.lock").touch(0o600)
    except OSError as error:
        raise ServiceError(
            f"{directory} can't be written ({error.strerror}): make it writable, or name another "
            "directory with ABOKONTO_VAR_DIRECTORY."
        ) from error
    return directory


def _take(lock: int, var: Path, *, alone: bool) -> bool:
    """Become the owner of the services. False: another process is, and its services are there."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if alone:
                break
            if (var / "services.json").exists():
                return False
            time.sleep(0.1)
        else:
            # Left behind by an owner that was killed.
            (var / "services.json").unlink(missing_ok=True)
            return True
    process = (var / "owner.lock").read_text() or "unknown"
    raise ServiceError(f"{var} is in use by another abokonto (process {process}): stop it first.")


def _start(settings: Settings, var: Path, stack: ExitStack, step: Step) -> dict[str, str]:
    """Start what isn't configured and say how to reach it, by the names of the settings."""
    keys = load_keys(var / "secrets.json", var / "postgres")
    found: dict[str, str] = {}
    if not settings.encryption_keys:
        found["encryption_keys"] = keys.encryption_keys
    if not settings.lookup_key:
        found["lookup_key"] = keys.lookup_key
    if not settings.database_url and not settings.owner_database_url:
        with step("Starting the embedded PostgreSQL"):
            found |= _start_database(var, keys, stack)
    if not settings.s3_endpoint_url:
        with step("Starting the embedded S3 server"):
            found |= _start_store(var, keys, stack)
    return found


def _start_database(var: Path, keys: GeneratedKeys, stack: ExitStack) -> dict[str, str]:
    passwords = postgres.Passwords(
        superuser=keys.database_superuser_password,
        owner=keys.database_owner_password,
        application=keys.database_application_password,
    )
    cluster = stack.enter_context(postgres.running(var / "postgres", passwords))
    return {
        "database_url": cluster.application_url(),
        "owner_database_url": cluster.owner_url(),
    }


def _start_store(var: Path, keys: GeneratedKeys, stack: ExitStack) -> dict[str, str]:
    store_keys = object_store.Keys(keys.s3_access_key_id, keys.s3_secret_access_key)
    store = stack.enter_context(object_store.running(var / "objects", store_keys))
    return {
        "s3_endpoint_url": store.url,
        "s3_access_key_id": store_keys.access_key_id,
        "s3_secret_access_key": store_keys.secret_access_key,
    }
