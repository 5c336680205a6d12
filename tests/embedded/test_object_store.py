"""The embedded S3 server, as real processes."""

import asyncio
import socket
import uuid
from pathlib import Path

import httpx2
import pytest

from app.embedded import object_store
from app.embedded.errors import ServiceError
from app.embedded.ports import free_ports
from app.settings import Settings
from app.storage import Storage
from tests.processes import processes_naming

KEYS = object_store.Keys("an-access-key", "a-secret")


def _storage(store: object_store.Store) -> Storage:
    return Storage(
        Settings.model_validate(
            {
                "s3_endpoint_url": store.url,
                "s3_access_key_id": store.keys.access_key_id,
                "s3_secret_access_key": store.keys.secret_access_key,
            }
        )
    )


def _read(storage: Storage, key: str) -> bytes:
    url = storage.signed_download_url(key, "kept.txt", "text/plain", 60)
    return httpx2.get(url).raise_for_status().content


def test_files_survive_a_restart_and_no_process_is_left(tmp_path: Path) -> None:
    directory = tmp_path / f"with a space {uuid.uuid4().hex}" / "objects"
    with object_store.running(directory, KEYS) as store:
        storage = _storage(store)
        asyncio.run(storage.ensure_bucket())
        asyncio.run(storage.put("first", b"one", "text/plain"))
    assert processes_naming(str(directory)) == []
    with object_store.running(directory, KEYS) as store:
        storage = _storage(store)
        asyncio.run(storage.put("second", b"two", "text/plain"))
        assert _read(storage, "first") == b"one"
        assert _read(storage, "second") == b"two"
        assert len(list(directory.glob("m[0-9]*"))) == 1
    assert not list(Path("/tmp").glob(f"seaweedfs-s3-{store.port}.sock"))  # noqa: S108  theirs.


def test_files_are_not_to_be_had_behind_the_s3_api(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = free_ports(5)
    monkeypatch.setattr(object_store, "free_ports", lambda _: ports)
    with object_store.running(tmp_path / "objects", KEYS) as store:
        storage = _storage(store)
        asyncio.run(storage.ensure_bucket())
        asyncio.run(storage.put("first", b"one", "text/plain"))
        s3, _master, _volume, filer, _admin = ports
        assert store.port == s3
        for port, path in (
            (s3, "/abokonto"),
            (s3, "/abokonto/first"),
            (filer, "/buckets/abokonto/"),
            (filer, "/buckets/abokonto/first"),
        ):
            address = f"http://127.0.0.1:{port}{path}"
            assert httpx2.get(address).status_code in (401, 403)
            assert httpx2.delete(address).status_code in (401, 403)
        assert _read(storage, "first") == b"one"


def test_a_taken_port_leads_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken_port = taken.getsockname()[1]
        offers = iter([[taken_port, *free_ports(4)], free_ports(5)])
        monkeypatch.setattr(object_store, "free_ports", lambda _: next(offers))
        with object_store.running(tmp_path / "objects", KEYS) as store:
            assert store.port != taken_port


def test_without_any_program_the_way_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(ServiceError, match="ABOKONTO_S3_ENDPOINT_URL"),
        object_store.running(tmp_path / "objects", KEYS),
    ):
        pass
