"""The npm package graphql-http audits servers against GraphQL over HTTP."""

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.server.endpoint import TOKEN, endpoint, serving

HERE = Path(__file__).parent
AUDITS = 61


def installed() -> None:
    """Install the suite from its lock on first use, once even when tests run side by side."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        reason = "node and npm are needed for the audits of graphql-http"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    stamp = HERE / "node_modules" / ".package-lock.json"
    with (HERE / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (
            not stamp.exists()
            or stamp.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime
        ):
            subprocess.run(["npm", "ci", "--silent"], cwd=HERE, check=True, timeout=120)  # noqa: S607


def test_all_audits_are_ok() -> None:
    installed()
    with serving(endpoint()) as url:
        run = subprocess.run(
            ["node", "run.mjs", f"{url}/graphql", TOKEN],  # noqa: S607
            cwd=HERE,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
    outcomes = json.loads(run.stdout)
    assert [outcome for outcome in outcomes if outcome["status"] != "ok"] == []
    assert len(outcomes) == AUDITS
