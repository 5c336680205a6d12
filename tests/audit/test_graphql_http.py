"""The npm package graphql-http audits servers against GraphQL over HTTP."""

import json
import subprocess
from pathlib import Path

from tests.audit.installed import installed
from tests.server.endpoint import TOKEN, endpoint, serving

HERE = Path(__file__).parent
AUDITS = 61


def test_all_audits_are_ok() -> None:
    installed(HERE, "node and npm are needed for the audits of graphql-http")
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
