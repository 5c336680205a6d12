"""Servers in processes of their own, as they run in production."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from pydantic import SecretStr

from app.settings import Settings

_START_SECONDS = 60


class Served(NamedTuple):
    """A server's address, and its process."""

    url: str
    process: int


@contextmanager
def serving(settings: Settings) -> Iterator[Served]:
    """The application as `abokonto serve` runs it."""
    command = [sys.executable, "-m", "app.cli", "serve"]
    with running(command, environment(settings), settings.port) as process:
        yield Served(f"http://{settings.host}:{settings.port}", process)


@contextmanager
def running(
    command: Sequence[str], variables: Mapping[str, str], port: int, directory: Path | None = None
) -> Iterator[int]:
    """A server that listens on a port, and its process.

    Raises:
        RuntimeError: when it ends, or doesn't answer in time.
    """
    process = subprocess.Popen(command, env={**os.environ, **variables}, cwd=directory)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(command)} does not start.")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def environment(settings: Settings) -> dict[str, str]:
    """Settings in which nothing is open as the environment variables that would make them."""
    variables = {}
    for name, value in settings.model_dump(exclude_defaults=True).items():
        if value is not None:
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            variables[f"ABOKONTO_{name.upper()}"] = str(plain)
    return variables


def _answers(port: int) -> bool:
    """Whether anything, be it an error, is answered."""
    try:
        urlopen(f"http://127.0.0.1:{port}/readyz").close()
    except HTTPError as error:
        return error.code != 503
    except (URLError, OSError):
        return False
    return True
