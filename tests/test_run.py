"""`abokonto run` as a real process: it starts alone, and whatever ends it leaves nothing behind."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from app.embedded.ports import free_ports
from tests.processes import eventually, is_alive, processes_naming

Environment = dict[str, str]


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that one after the other of these tests starts from."""
    return tmp_path_factory.mktemp("run") / "with a space" / "var"


@pytest.fixture
def environment(var: Path) -> Environment:
    return {
        **os.environ,
        "ABOKONTO_VAR_DIRECTORY": str(var),
        "PORT": str(free_ports(1)[0]),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def _started(environment: Environment, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A running command in a process group of its own, as a shell starts one."""
    # Whoever runs the tests in the background has them, and what they start, ignore ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", *command],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def _answer(environment: Environment, path: str = "/readyz") -> int:
    return httpx2.get(f"http://127.0.0.1:{environment['PORT']}{path}", timeout=120).status_code


def _is_ready(environment: Environment) -> bool:
    try:
        return _answer(environment) == 200
    except httpx2.TransportError:
        return False


def _wait_until_ready(environment: Environment, process: "subprocess.Popen[str]") -> None:
    assert eventually(lambda: process.poll() is not None or _is_ready(environment), 120)
    assert process.poll() is None, process.communicate()[1]


def _ended(environment: Environment, *command: str) -> tuple[int, str]:
    """How a command ends that can't do what it should."""
    answer = subprocess.run(
        [sys.executable, "-m", "app.cli", *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return answer.returncode, answer.stderr


def _nothing_runs(var: Path) -> Callable[[], bool]:
    return lambda: not processes_naming(str(var))


def _demo(var: Path) -> dict[str, object]:
    demo: dict[str, object] = json.loads((var / "demo.json").read_text())
    return demo


def test_a_stop_is_orderly_and_data_is_kept(var: Path, environment: Environment) -> None:
    first = _run_and_stop(var, environment, signal.SIGINT)
    assert _run_and_stop(var, environment, signal.SIGTERM) == first


def _run_and_stop(var: Path, environment: Environment, number: signal.Signals) -> dict[str, object]:
    """What `demo.json` says of a server that is stopped by a signal."""
    with _started(environment, "run") as process:
        _wait_until_ready(environment, process)
        demo = _demo(var)
        assert demo["url"] == f"http://127.0.0.1:{environment['PORT']}/graphql"
        assert stat.S_IMODE((var / "demo.json").stat().st_mode) == 0o600
        # As a terminal does it: to everything in the foreground.
        os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in errors
        assert str(demo["staffToken"]) in errors
    assert _nothing_runs(var)()
    return demo


def test_nothing_outlives_a_server_that_is_killed(var: Path, environment: Environment) -> None:
    with _started(environment, "run") as process:
        _wait_until_ready(environment, process)
        assert len(processes_naming(str(var))) >= 4
        process.kill()
        process.wait()
        # At once, while the services are still stopping.
        with _started(environment, "run") as second:
            _wait_until_ready(environment, second)
            second.terminate()
            assert second.wait(30) == 0
    assert eventually(_nothing_runs(var))


def test_nothing_outlives_guardians_that_are_killed(var: Path, environment: Environment) -> None:
    with _started(environment, "run") as process:
        _wait_until_ready(environment, process)
        for guardian in processes_naming("guardian.py"):
            if guardian in processes_naming(str(var)):
                os.kill(guardian, signal.SIGKILL)
        assert eventually(_nothing_runs(var))
        assert _answer(environment, "/healthz") == 200
        assert _answer(environment) == 503
        process.terminate()
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in errors
    with _started(environment, "run") as again:
        _wait_until_ready(environment, again)


def test_workers_share_the_port_and_go_with_their_parent(
    var: Path, environment: Environment
) -> None:
    environment["ABOKONTO_WORKERS"] = "2"
    with _started(environment, "run") as process:
        _wait_until_ready(environment, process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) >= 4
        process.kill()
        process.wait()
        assert eventually(lambda: not any(is_alive(int(child)) for child in children))
    assert eventually(_nothing_runs(var))


def test_a_second_one_is_refused_and_commands_use_the_first(
    var: Path, environment: Environment
) -> None:
    with _started(environment, "run") as process:
        _wait_until_ready(environment, process)
        other = environment | {"PORT": str(free_ports(1)[0])}
        code, errors = _ended(other, "run")
        assert code == 1
        assert f"in use by another abokonto (process {process.pid})" in errors
        assert errors.count("\n") == 1
        code, errors = _ended(environment, "tenant", "create", "second", "--name", "Second")
        assert (code, errors) == (0, "")
        assert _answer(environment) == 200
        process.terminate()
        assert process.wait(30) == 0
    assert _nothing_runs(var)()


def test_a_port_in_use_is_told_before_anything_starts(
    tmp_path: Path, environment: Environment
) -> None:
    var = tmp_path / "var"
    with socket.create_server(("127.0.0.1", int(environment["PORT"]))):
        code, errors = _ended(environment | {"ABOKONTO_VAR_DIRECTORY": str(var)}, "run")
    port = environment["PORT"]
    assert code == 1
    assert errors == (
        f"abokonto: Port {port} is in use: choose another, like `PORT={int(port) + 1} make run`.\n"
    )
    assert not var.exists()


def test_a_var_that_cannot_be_written_is_told(tmp_path: Path, environment: Environment) -> None:
    (tmp_path / "file").write_text("in the way")
    code, errors = _ended(environment | {"ABOKONTO_VAR_DIRECTORY": f"{tmp_path}/file/var"}, "run")
    assert code == 1
    assert "can't be written" in errors
    assert errors.count("\n") == 1


def test_an_interrupted_command_leaves_nothing(tmp_path: Path, environment: Environment) -> None:
    var = tmp_path / "var"
    with _started(environment | {"ABOKONTO_VAR_DIRECTORY": str(var)}, "migrate") as process:
        assert eventually(lambda: bool(processes_naming(str(var))))
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "Traceback" not in errors
    assert eventually(_nothing_runs(var))
