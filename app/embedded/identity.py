"""Who an embedded service runs as."""

import os
import shutil

from app.embedded.errors import ServiceError


def prefix() -> list[str]:
    """What to put before a command that refuses to run as root.

    A user namespace in which root has another number is enough for PostgreSQL's check. No file
    changes its owner, so that data may lie in a folder that only root can enter.
    """
    if os.geteuid() != 0:
        return []
    if shutil.which("unshare") is None:
        raise ServiceError(
            "PostgreSQL refuses to run as root and there is no `unshare` here: run as another "
            "user, or set ABOKONTO_DATABASE_URL."
        )
    return ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"]


def hint(output: str) -> str:
    """What to add when a service started with the prefix was not let into a folder."""
    if os.geteuid() != 0 or "Permission denied" not in output:
        return ""
    return " (It can't enter a folder that only another user may enter: run as that user.)"
