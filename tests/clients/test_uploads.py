"""What clients of others send, and the command that the guide shows, against a real server."""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from app.schema.node import encode_id
from app.settings import Settings
from tests.audit.installed import installed
from tests.files.genuine import sample
from tests.markdown import blocks
from tests.publisher import Publisher
from tests.served import environment_of, serving, url_of

HERE = Path(__file__).parent
GUIDE = (HERE.parents[1] / "docs/api.md").read_text("utf-8")
SHOWN_URL = "http://127.0.0.1:8000"


class Served:
    """A publisher with one customer, served by a process."""

    def __init__(self, publisher: Publisher, customer: str, url: str) -> None:
        self.publisher = publisher
        self.customer = customer
        self.url = url


@pytest.fixture
async def served(owner: asyncpg.Connection, settings: Settings) -> AsyncIterator[Served]:
    """A running server and somebody who may ask it."""
    environment = environment_of(settings)
    async with httpx2.AsyncClient() as nobody:
        publisher = await Publisher.found(owner, nobody)
    customer = encode_id("Customer", await publisher.customer())
    with serving(environment):
        yield Served(publisher, customer, url_of(environment))


def _ended(command: list[str], folder: Path) -> str:
    run = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def _attached(payload: dict[str, Any]) -> list[tuple[str, str]]:
    assert payload["userErrors"] == []
    return [(file["name"], file["sha256"]) for file in payload["activity"]["attachments"]]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def test_the_command_of_the_readme_attaches_a_file(served: Served, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is needed to try what the guide shows")
    (command,) = (block for block in blocks(GUIDE, "sh") if "-F map=" in block)
    (tmp_path / "var").mkdir()
    demo = {"staffToken": served.publisher.token, "customerIds": [served.customer]}
    (tmp_path / "var" / "demo.json").write_text(json.dumps(demo))
    (tmp_path / "brief.pdf").write_bytes(sample("letter.pdf"))
    assert SHOWN_URL in command
    output = _ended(["sh", "-c", command.replace(SHOWN_URL, served.url)], tmp_path)
    payload = json.loads(output)["data"]["addActivity"]
    assert payload["userErrors"] == []
    (file,) = payload["activity"]["attachments"]
    assert (file["name"], file["size"]) == ("brief.pdf", len(sample("letter.pdf")))
    async with httpx2.AsyncClient() as client:
        assert (await client.get(file["downloadUrl"])).content == sample("letter.pdf")


async def test_apollos_upload_client_attaches_files(served: Served, tmp_path: Path) -> None:
    installed(HERE, "node and npm are needed to try Apollo's upload client")
    names = ["letter.pdf", "Größe.docx"]
    contents = [sample("letter.pdf"), sample("letter.docx")]
    for name, content in zip(names, contents, strict=True):
        (tmp_path / name).write_bytes(content)
    paths = [str(tmp_path / name) for name in names]
    graphql = f"{served.url}/graphql"
    command = ["node", "upload.mjs", graphql, served.publisher.token, served.customer, *paths]
    attached = _attached(json.loads(_ended(command, HERE)))
    assert attached == [(n, _hash(c)) for n, c in zip(names, contents, strict=True)]


def test_apollos_header_is_the_one_that_the_readme_names() -> None:
    script = (HERE / "upload.mjs").read_text("utf-8")
    (header,) = re.findall(r'"Apollo-Require-Preflight": "true"', script)
    assert header in GUIDE
