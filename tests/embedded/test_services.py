"""What the configuration leaves open is filled in, by one process for all."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from app.embedded.errors import ServiceError
from app.embedded.keys import GeneratedKeys, load_keys
from app.embedded.services import attached, provided
from app.settings import Settings
from tests.processes import processes_naming

CONFIGURED = {
    "database_url": "postgresql://app:secret@db.example/abokonto",
    "s3_endpoint_url": "https://s3.example",
    "encryption_keys": "mine:x",
    "lookup_key": "x",
}


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a `var` directory of this test."""

    def make(**values: object) -> Settings:
        return Settings.model_validate({"var_directory": tmp_path / "var", **values})

    return make


def test_what_is_configured_is_left_alone(make: Callable[..., Settings], tmp_path: Path) -> None:
    configured = make(**CONFIGURED)
    with provided(configured) as settings:
        assert settings == configured
    assert attached(configured) == configured
    assert not (tmp_path / "var").exists()


def test_only_what_is_open_is_filled_in(make: Callable[..., Settings]) -> None:
    steps: list[str] = []

    def step(text: str) -> AbstractContextManager[object]:
        steps.append(text)
        return nullcontext()

    with provided(make(**CONFIGURED | {"encryption_keys": None}), step) as settings:
        assert settings.database_url == make(**CONFIGURED).database_url
        assert settings.lookup_key == make(**CONFIGURED).lookup_key
        assert settings.encryption_keys
        assert settings.encryption_keys.get_secret_value().startswith("1:")
    assert steps == []


def test_the_first_process_owns_and_others_use(
    make: Callable[..., Settings], tmp_path: Path
) -> None:
    var = tmp_path / "var"
    with provided(make(), alone=True) as first:
        with provided(make()) as second:
            assert second == first
        assert attached(make()) == first
        with pytest.raises(ServiceError, match="in use by another"), provided(make(), alone=True):
            pass
        for name in ("services.json", "secrets.json", "owner.lock", "postgres.log", "objects.log"):
            assert stat.S_IMODE((var / name).stat().st_mode) == 0o600, name
        assert stat.S_IMODE(var.stat().st_mode) == 0o700
        assert first.owner_database_url != first.database_url
    assert not (var / "services.json").exists()
    assert processes_naming(str(var)) == []
    with provided(make(), alone=True) as again:
        assert again.encryption_keys == first.encryption_keys
        assert again.lookup_key == first.lookup_key


def test_what_a_killed_owner_left_behind_is_not_believed(
    make: Callable[..., Settings], tmp_path: Path
) -> None:
    var = tmp_path / "var"
    var.mkdir()
    (var / "services.json").write_text(json.dumps({"lookup_key": "stale"}))
    with provided(make(**CONFIGURED | {"lookup_key": None})) as settings:
        assert settings.lookup_key
        assert settings.lookup_key.get_secret_value() != "stale"


@pytest.mark.parametrize("in_the_way", ["var", "var/deep"])
def test_a_directory_that_cannot_be_made_is_told(
    make: Callable[..., Settings], tmp_path: Path, in_the_way: str
) -> None:
    (tmp_path / "var").write_text("a file")
    settings = make(var_directory=tmp_path / in_the_way)
    with pytest.raises(ServiceError, match="ABOKONTO_VAR_DIRECTORY"), provided(settings):
        pass


def test_keys_are_made_once(tmp_path: Path) -> None:
    path, data = tmp_path / "secrets.json", tmp_path / "postgres"
    keys = load_keys(path, data)
    data.mkdir()
    assert load_keys(path, data) == keys
    assert keys != GeneratedKeys()


def test_lost_keys_are_never_replaced_beside_the_data_they_open(tmp_path: Path) -> None:
    path, data = tmp_path / "secrets.json", tmp_path / "postgres"
    data.mkdir()
    with pytest.raises(ServiceError, match="bring it back"):
        load_keys(path, data)
    assert not path.exists()


@pytest.mark.parametrize("content", ["", "{", '{"unknown": 1}', "[]"])
def test_damaged_keys_are_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(content)
    with pytest.raises(ServiceError, match="damaged"):
        load_keys(path, tmp_path / "postgres")
    assert path.read_text() == content


def test_secrets_are_on_no_command_line_of_any_process(
    make: Callable[..., Settings], tmp_path: Path
) -> None:
    with provided(make()) as settings:
        kept = json.loads((tmp_path / "var" / "secrets.json").read_text())
        for name, secret in kept.items():
            assert processes_naming(secret) == [], name
        assert "secret" not in repr(settings.database_url)


def test_the_command_line_is_light() -> None:
    code = "import sys, app.cli; print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    loaded = set(answer.stdout.split())
    assert not loaded & {"boto3", "sqlalchemy", "strawberry", "asyncpg", "pydantic", "faker"}
