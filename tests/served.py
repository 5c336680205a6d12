"""`abokonto serve` as a real process, on the test's own database and bucket."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import httpx2

from app.embedded.ports import free_ports
from app.settings import Settings
from tests.processes import eventually

_SECRETS = ("database_url", "s3_access_key_id", "s3_secret_access_key", "encryption_keys")


def environment_of(settings: Settings, **more: object) -> dict[str, str]:
    """The environment that gives a process these settings, and a port of its own."""
    values = {name: getattr(settings, name) for name in (*_SECRETS, "lookup_key")}
    plain = {name: secret.get_secret_value() for name, secret in values.items() if secret}
    others = {name: getattr(settings, name) for name in ("s3_endpoint_url", "s3_bucket")}
    named = {**plain, **others, "var_directory": settings.var_directory, **more}
    return {
        **os.environ,
        "PORT": str(free_ports(1)[0]),
        **{f"ABOKONTO_{name.upper()}": str(value) for name, value in named.items()},
    }


@contextmanager
def serving(environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A server that is ready; it is ended with SIGKILL, unless that was done before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve"],
        env=environment,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert eventually(lambda: process.poll() is not None or _is_ready(environment), 60)
        assert process.poll() is None
        yield process
    finally:
        # Its workers are in its session, and would outlive it.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def url_of(environment: dict[str, str]) -> str:
    """Where such a server is found."""
    return f"http://127.0.0.1:{environment['PORT']}"


@asynccontextmanager
async def client_of(environment: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of such a server."""
    async with httpx2.AsyncClient(base_url=url_of(environment), timeout=60) as client:
        yield client


def _is_ready(environment: dict[str, str]) -> bool:
    try:
        return httpx2.get(f"{url_of(environment)}/readyz", timeout=10).status_code == 200
    except httpx2.TransportError:
        return False
