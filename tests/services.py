"""The PostgreSQL and the S3 server of a test run: started at the first use, shared by all workers.

The process that pytest was started as owns them. It answers the test processes (itself, or the
workers of pytest-xdist) over a Unix socket, so that none of them has to outlive the others.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Client, Listener
from pathlib import Path
from threading import Thread

from app.embedded import object_store, postgres
from app.migrations.run import migrate
from tests.processes import is_alive

TEMPLATE = "template"

_MEMORY = Path("/dev/shm")  # noqa: S108  Linux's own, where each run makes a folder by mkdtemp.
_ENOUGH_BYTES = 2 * 1024**3
_NAME = "abokonto-tests"

_PASSWORDS = postgres.Passwords(superuser="superuser", owner="owner", application="application")
_KEYS = object_store.Keys(access_key_id="tests", secret_access_key="secret-of-the-tests")


class Owner:
    """Starts the services when they are asked for and stops them at the end."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._directory = self._folder(Path(tempfile.gettempdir()))
        self._cluster_directory = self._folder(_quickest())
        self.address = str(self._directory / "services.sock")
        self._answers: dict[str, object] = {}
        self._listener = Listener(self.address, "AF_UNIX")
        Thread(target=self._answer, daemon=True).start()

    def _folder(self, parent: Path) -> Path:
        """A folder of this run's; those of runs that were killed are removed."""
        for left in parent.glob(f"{_NAME}-*"):
            if not is_alive(int(left.name.split("-")[2])):
                shutil.rmtree(left, ignore_errors=True)
        name = f"{_NAME}-{os.getpid()}-"
        made = tempfile.TemporaryDirectory(prefix=name, dir=parent)
        return Path(self._stack.enter_context(made))

    def _start_cluster(self) -> postgres.Cluster:
        """Start PostgreSQL and make the migrated database that tests clone."""
        directory = self._cluster_directory / "postgres"
        cluster = self._stack.enter_context(postgres.running(directory, _PASSWORDS, durable=False))
        postgres.create_database(cluster, TEMPLATE)
        migrate(cluster.owner_url(TEMPLATE))
        return cluster

    def _start_store(self) -> object_store.Store:
        return self._stack.enter_context(object_store.running(self._directory / "objects", _KEYS))

    def _answer(self) -> None:
        starts: dict[str, Callable[[], object]] = {
            "cluster": self._start_cluster,
            "store": self._start_store,
        }
        while True:
            try:
                with self._listener.accept() as asking:
                    name = asking.recv()
                    if name not in self._answers:
                        self._answers[name] = _outcome(starts[name])
                    asking.send(self._answers[name])
            except OSError:
                return

    def stop(self) -> None:
        """Stop what runs and remove its data."""
        self._listener.close()
        self._stack.close()


def _quickest() -> Path:
    """Where files are kept in memory, if there is room for a cluster: a database is a thousand
    files, and on a disk cloning one takes twelve times as long."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES:
        return _MEMORY
    return Path(tempfile.gettempdir())


def _outcome(start: Callable[[], object]) -> object:
    try:
        return start()
    except Exception as error:  # noqa: BLE001  every test that asks reports it.
        return error


@dataclass
class Services:
    """The services, seen from a test process."""

    address: str

    @cached_property
    def cluster(self) -> postgres.Cluster:
        """The shared PostgreSQL."""
        answer = self._ask("cluster")
        assert isinstance(answer, postgres.Cluster)
        return answer

    @cached_property
    def store(self) -> object_store.Store:
        """The shared S3 server."""
        answer = self._ask("store")
        assert isinstance(answer, object_store.Store)
        return answer

    def _ask(self, name: str) -> object:
        with Client(self.address, "AF_UNIX") as connection:
            connection.send(name)
            answer: object = connection.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer
