"""The embedded PostgreSQL, as real processes."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from app.embedded import postgres
from app.embedded.errors import ServiceError
from app.embedded.ports import free_ports
from tests.processes import processes_naming

PASSWORDS = postgres.Passwords("superuser", "owner", "application")


@contextmanager
def _running(directory: Path) -> Iterator[postgres.Cluster]:
    with postgres.running(directory, PASSWORDS, durable=False) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster's data folder, made once, in a folder that nobody else may enter."""
    parent = tmp_path_factory.mktemp("closed")
    parent.chmod(0o700)
    directory = parent / "with a space" / "postgres"
    with _running(directory):
        pass
    return directory


def _value(url: str, query: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_data_survives_a_restart_and_no_process_is_left(directory: Path) -> None:
    with _running(directory) as cluster:
        _value(cluster.owner_url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    assert processes_naming(str(directory)) == []
    with _running(directory) as cluster:
        assert _value(cluster.owner_url(), "SELECT answer FROM kept") == 42


def test_roles_are_as_weak_as_they_must_be(directory: Path) -> None:
    query = (
        "SELECT string_agg(concat_ws(' ', rolname, rolsuper, rolbypassrls, rolcreatedb,"
        " rolcreaterole), ', ' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'abokonto%'"
    )
    with _running(directory) as cluster:
        roles = _value(cluster.application_url(), query)
        owner = _value(
            cluster.application_url(),
            "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()",
        )
    assert roles == "abokonto_app f f f f, abokonto_owner f t f f"
    assert owner == "abokonto_owner"


def test_every_role_needs_its_password_and_only_the_loopback_listens(directory: Path) -> None:
    with _running(directory) as cluster:
        for url in (cluster.superuser_url(), cluster.owner_url(), cluster.application_url()):
            with pytest.raises(asyncpg.InvalidPasswordError):
                _value(url.replace("@", "x@"), "SELECT 1")
        addresses = _value(cluster.superuser_url(), "SHOW listen_addresses")
        sockets = _value(cluster.superuser_url(), "SHOW unix_socket_directories")
        encryption = _value(cluster.superuser_url(), "SHOW password_encryption")
    assert (addresses, sockets, encryption) == ("127.0.0.1", "", "scram-sha-256")


def test_a_broken_off_start_is_made_good(tmp_path: Path) -> None:
    unfinished = tmp_path / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")
    with _running(tmp_path / "postgres") as cluster:
        assert _value(cluster.application_url(), "SELECT 1") == 1
    assert not unfinished.exists()


def test_a_lock_file_that_names_another_process_is_no_obstacle(directory: Path) -> None:
    (directory / "postmaster.pid").write_text(f"{os.getpid()}\n{directory}\n")
    with _running(directory) as cluster:
        assert _value(cluster.application_url(), "SELECT 1") == 1


def test_a_taken_port_leads_to_another(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1], *free_ports(1)])
        monkeypatch.setattr(postgres, "free_ports", lambda _: [next(ports)])
        with _running(directory) as cluster:
            assert cluster.port != taken.getsockname()[1]


def test_other_passwords_than_the_kept_ones_are_told(directory: Path) -> None:
    others = postgres.Passwords("other", "owner", "application")
    with (
        pytest.raises(ServiceError, match="other passwords"),
        postgres.running(directory, others, durable=False),
    ):
        pass
    assert processes_naming(str(directory)) == []


def test_data_of_another_version_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "postgres"
    directory.mkdir()
    (directory / "PG_VERSION").write_text("12")
    with pytest.raises(ServiceError, match="of PostgreSQL 12"), _running(directory):
        pass


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "postgres"
    directory.mkdir()
    (directory / "letter").write_text("mine")
    with pytest.raises(ServiceError, match="move it away"), _running(directory):
        pass
    assert (directory / "letter").read_text() == "mine"


def test_without_the_wheel_the_machines_own_programs_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wheel = postgres._programs()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", f"{wheel}:/usr/bin:/bin")
    assert postgres._programs() == wheel
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    with pytest.raises(ServiceError, match="ABOKONTO_DATABASE_URL"):
        postgres._programs()
