"""A service under guard, seen from the process that owns it."""

import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from app.embedded import guardian
from app.embedded.errors import ServiceError


@contextmanager
def claimed(path: Path, wait_seconds: float = 30) -> Iterator[IO[bytes]]:
    """Open a service's log anew, once nothing is left of an earlier run of the service.

    The file is locked, and the guardian, the service and the service's own children inherit the
    lock with their output: it is free when the last of them is gone.
    """
    path.touch(0o600)
    with path.open("ab") as log:
        deadline = time.monotonic() + wait_seconds
        while not _lock(log):
            if time.monotonic() > deadline:
                raise ServiceError(f"An earlier service still writes to {path}: stop it first.")
            time.sleep(0.05)
        log.truncate(0)
        yield log


def _lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Guarded:
    """A running service that stops when its owner does, in whatever way that ends."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: IO[bytes],
        stop_signals: Sequence[signal.Signals],
        patience_seconds: float = 10,
        directory: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        """Start the service; its output goes to `log`, which `claimed` has opened.

        The stop signals are sent one after the other, `patience_seconds` apart; SIGKILL follows
        them by itself. The service runs in `directory`, if one is given.
        """
        options = [",".join(number.name for number in stop_signals), str(patience_seconds)]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__, *options, *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=directory,
            env=environment,
        )
        self._log = Path(log.name)

    @property
    def pid(self) -> int:
        """The process id of the guardian."""
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the service still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop the service and wait until it is gone."""
        pipe = self._process.stdin
        if pipe is not None:
            pipe.close()
        self._process.wait()

    def output(self) -> str:
        """The last lines that the service has written."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.strip().splitlines()[-5:])
