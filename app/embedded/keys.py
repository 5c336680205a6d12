"""The secrets that are made up where none are configured; they live beside the embedded data."""

import base64
import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from app.embedded.errors import ServiceError


def _password() -> str:
    return secrets.token_urlsafe(24)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True)
class GeneratedKeys:
    """Passwords of the embedded services, and the keys that encrypt columns."""

    database_superuser_password: str = field(default_factory=_password)
    database_owner_password: str = field(default_factory=_password)
    database_application_password: str = field(default_factory=_password)
    s3_access_key_id: str = field(default_factory=lambda: secrets.token_hex(10))
    s3_secret_access_key: str = field(default_factory=_password)
    encryption_keys: str = field(default_factory=lambda: f"1:{_key()}")
    lookup_key: str = field(default_factory=_key)


def load_keys(path: Path, guarded_data: Path) -> GeneratedKeys:
    """Read the keys, and make them up at the very first start.

    They are never made up anew beside `guarded_data`, which would be unreadable without the old.
    """
    if not path.exists():
        if guarded_data.exists():
            raise ServiceError(
                f"{path} is missing, and {guarded_data} can't be read without it: bring it back, "
                f"or move {guarded_data.parent} away to begin anew."
            )
        write_secret(path, asdict(GeneratedKeys()))
    try:
        return GeneratedKeys(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise ServiceError(f"{path} is damaged: {error}") from error


def write_secret(path: Path, content: object) -> None:
    """Write a JSON file that only its owner can read, all at once or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    Path(name).rename(path)
