"""Packages of npm that tests need, installed from the lock beside them."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest


def installed(folder: Path, reason: str) -> None:
    """Install a folder's packages on first use, once even when tests run side by side.

    Without node and npm the test is skipped for a reason; on CI it fails.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    stamp, lock_file = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    with (folder / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.stat().st_mtime < lock_file.stat().st_mtime:
            subprocess.run(["npm", "ci", "--silent"], cwd=folder, check=True, timeout=120)  # noqa: S607
