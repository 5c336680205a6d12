"""The documents say what is true: settings, commands, queries, codes and links."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
from graphql import parse, validate

from app.cli import cli
from app.errors import ErrorCode
from app.schema.root import schema
from app.settings import Settings
from tests.markdown import blocks, rows

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
API = (ROOT / "docs/api.md").read_text("utf-8")
OPERATING = (ROOT / "docs/operating.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
DOCUMENTS = (
    "README.md",
    "docs/api.md",
    "docs/operating.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
)


def shown(default: Any) -> str:
    """A setting's default as the table writes it."""
    if default is None or default == ():
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_the_table_of_settings_is_the_settings() -> None:
    declared = [
        [f"`ABOKONTO_{name.upper()}`", shown(field.default), field.description]
        for name, field in Settings.model_fields.items()
    ]
    assert rows(OPERATING, "## Configuration") == declared


def test_every_variable_that_is_named_is_a_setting() -> None:
    known = {f"ABOKONTO_{name.upper()}" for name in Settings.model_fields}
    for document in (README, API, OPERATING, CONTRIBUTING):
        assert set(re.findall(r"ABOKONTO_[A-Z0-9_]+", document)) <= known


def test_the_queries_fit_the_schema() -> None:
    queries = blocks(README + API, "graphql")
    quoted = re.search(r"""-d '\{"query": "(.*)"\}'""", README)
    assert queries
    assert quoted
    for query in (*queries, quoted[1].replace('\\"', '"')):
        assert validate(schema._schema, parse(query)) == []


def test_every_error_code_is_explained_once() -> None:
    codes = [row[0].strip("`") for row in rows(API, "### Errors")]
    assert codes == [code.value for code in ErrorCode]


def _commands(group: Any, prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= _commands(command, f"{prefix} {name}")
        else:
            found[f"{prefix} {name}"] = command
    return found


def test_every_command_is_listed_and_every_one_that_is_named_exists() -> None:
    commands = _commands(typer.main.get_command(cli), "abokonto")
    assert {row[0].strip("`") for row in rows(OPERATING, "## Commands")} == set(commands)
    lines = [line for block in blocks(README + OPERATING, "sh") for line in block.splitlines()]
    used = [line for line in lines if line.startswith("abokonto ")]
    assert used
    for line in used:
        name = next(name for name in commands if line.startswith(name))
        options = {option for known in commands[name].params for option in known.opts}
        assert set(re.findall(r"(?<= )--[a-z]+", line)) <= options, line


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    command = re.compile(r"(?:`|^)(?:[A-Z]+=\S+ )*make ([a-z]+)", re.MULTILINE)
    named = set(command.findall(README + API + OPERATING + CONTRIBUTING))
    assert {"run", "test", "migration"} <= named
    assert named <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_links_to_is_there(name: str) -> None:
    document = ROOT / name
    links = re.findall(r"\]\((?!https?://)([^)#]+)(?:#([^)]+))?\)", document.read_text("utf-8"))
    targets = [((document.parent / path), anchor) for path, anchor in links]
    assert [path for path, _ in targets if not path.exists()] == []
    assert [anchor for path, anchor in targets if anchor and anchor not in anchors(path)] == []


def anchors(document: Path) -> set[str]:
    """What a document's headings are linked to by."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_files_that_are_named_for_contributors_are_there() -> None:
    invented = {"app/models/complaint.py", "app/schema/complaint.py"}
    invented.add("app/migrations/versions/0030_add_complaints.py")
    paths = set(re.findall(r"`((?:app|tests|benchmarks)/[\w/.]*)", CONTRIBUTING))
    assert invented <= paths
    assert [path for path in sorted(paths - invented) if not (ROOT / path).exists()] == []
