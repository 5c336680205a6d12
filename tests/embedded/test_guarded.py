"""Services end when their owner does, however that happens."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from app.embedded.errors import ServiceError
from app.embedded.guarded import Guarded, claimed
from tests.processes import eventually, is_alive

# Says its number when it is ready, and what it is sent.
STUBBORN = """
import os, signal, time
for name in ("SIGINT", "SIGTERM"):
    signal.signal(getattr(signal, name), lambda *_, name=name: os.write(1, f" {name}".encode()))
os.write(1, str(os.getpid()).encode())
while True:
    time.sleep(0.05)
"""

OWNER = """
import signal, sys, time
from pathlib import Path
from app.embedded.guarded import Guarded, claimed
with claimed(Path(sys.argv[1])) as log:
    guarded = Guarded([sys.executable, "-c", sys.argv[2]], log=log,
                      stop_signals=(signal.SIGINT, signal.SIGTERM), patience_seconds=0.2)
print(guarded.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "service.log"


@pytest.fixture
def log(log_path: Path) -> Iterator[IO[bytes]]:
    with claimed(log_path) as log:
        yield log


def _service_pid(log: Path) -> int:
    assert eventually(lambda: log.exists() and bool(log.read_text()))
    return int(log.read_text().split()[0])


def _start(log: IO[bytes], *, patience_seconds: float = 0.2) -> Guarded:
    return Guarded(
        [sys.executable, "-c", STUBBORN],
        log=log,
        stop_signals=(signal.SIGINT, signal.SIGTERM),
        patience_seconds=patience_seconds,
    )


def test_a_stubborn_service_gets_each_signal_and_is_killed_at_last(
    log: IO[bytes], log_path: Path
) -> None:
    guarded = _start(log)
    service = _service_pid(log_path)
    guarded.stop()
    assert not is_alive(service)
    assert not guarded.is_running()
    assert guarded.output() == f"{service} SIGINT SIGTERM"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_owner_is_killed(log_path: Path, number: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(log_path), STUBBORN], stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout
        guardian = int(owner.stdout.readline())
        service = _service_pid(log_path)
        owner.send_signal(number)
    assert eventually(lambda: not is_alive(service))
    assert eventually(lambda: not is_alive(guardian))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a death")
def test_the_guardian_is_killed(log: IO[bytes]) -> None:
    guarded = Guarded(["sleep", "60"], log=log, stop_signals=(signal.SIGTERM,))
    children = Path(f"/proc/{guarded.pid}/task/{guarded.pid}/children")
    assert eventually(lambda: bool(children.read_text()))
    service = int(children.read_text())
    os.kill(guarded.pid, signal.SIGKILL)
    assert eventually(lambda: not is_alive(service))
    guarded.stop()


def test_the_guardian_is_asked_to_end(log: IO[bytes], log_path: Path) -> None:
    guarded = _start(log)
    service = _service_pid(log_path)
    os.kill(guarded.pid, signal.SIGTERM)
    assert eventually(lambda: not guarded.is_running())
    assert not is_alive(service)
    guarded.stop()


def test_a_terminal_does_not_reach_the_guardian(log: IO[bytes], log_path: Path) -> None:
    guarded = _start(log)
    service = _service_pid(log_path)
    assert os.getsid(guarded.pid) == guarded.pid != os.getsid(0)
    os.kill(guarded.pid, signal.SIGINT)
    os.kill(guarded.pid, signal.SIGHUP)
    assert not eventually(lambda: not is_alive(service), seconds=0.5)
    guarded.stop()


def test_a_log_is_free_when_the_last_process_of_a_service_is_gone(log_path: Path) -> None:
    with claimed(log_path) as log:
        guarded = _start(log)
    service = _service_pid(log_path)
    with pytest.raises(ServiceError, match="stop it first"), claimed(log_path, wait_seconds=0.1):
        pass
    os.kill(guarded.pid, signal.SIGKILL)
    assert eventually(lambda: not guarded.is_running())
    # The service was sent a signal, which it ignores: it lives on, and so does its claim.
    with pytest.raises(ServiceError, match="stop it first"), claimed(log_path, wait_seconds=0.1):
        pass
    os.kill(service, signal.SIGKILL)
    guarded.stop()
    with claimed(log_path):
        assert log_path.read_text() == ""
