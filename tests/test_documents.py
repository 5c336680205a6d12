"""The documents say what is true: settings, commands, queries, codes, imports and links."""

import ast
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

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")

BOTTOM = {"settings", "errors", "logs", "database", "storage", "encryption", "context"}
"""What everything may import."""


def rows(document: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a line of a document, without its head."""
    _, found, below = document.partition(f"\n{heading}")
    assert found, heading
    lines = iter(below.splitlines())
    table = []
    for line in lines:
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip("|").split(" | ")])
        elif table:
            break
    return table[2:]


def blocks(document: str, language: str) -> list[str]:
    """The code blocks of a document in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", document, re.DOTALL | re.MULTILINE)


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
    assert rows(README, "## Configuration") == declared


def test_every_variable_that_is_named_is_a_setting() -> None:
    known = {f"ABOKONTO_{name.upper()}" for name in Settings.model_fields}
    for document in (README, CONTRIBUTING):
        assert set(re.findall(r"ABOKONTO_[A-Z0-9_]+", document)) <= known


def test_the_queries_fit_the_schema() -> None:
    queries = blocks(README, "graphql")
    quoted = re.search(r"""-d '\{"query": "(.*)"\}'""", README)
    assert queries
    assert quoted
    for query in (*queries, quoted[1].replace('\\"', '"')):
        assert validate(schema._schema, parse(query)) == []


def test_every_error_code_is_explained_once() -> None:
    codes = [row[0].strip("`") for row in rows(README, "**Errors**")]
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
    assert {row[0].strip("`") for row in rows(README, "## Commands")} == set(commands)
    lines = [line for block in blocks(README, "sh") for line in block.splitlines()]
    used = [line for line in lines if line.startswith("abokonto ")]
    assert used
    for line in used:
        name = next(name for name in commands if line.startswith(name))
        options = {option for known in commands[name].params for option in known.opts}
        assert set(re.findall(r"(?<= )--[a-z]+", line)) <= options, line


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    command = re.compile(r"(?:`|^)(?:[A-Z]+=\S+ )*make ([a-z]+)", re.MULTILINE)
    named = set(command.findall(README + CONTRIBUTING))
    assert {"run", "test", "migration"} <= named
    assert named <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_links_to_is_there(name: str) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", (ROOT / name).read_text("utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_files_that_are_named_for_contributors_are_there() -> None:
    invented = {"app/models/complaint.py", "app/schema/complaint.py", "app/actions/"}
    invented.add("app/migrations/versions/0006_add_complaints.py")
    paths = set(re.findall(r"`((?:app|tests|benchmarks)/[\w/.]*)", CONTRIBUTING))
    assert invented <= paths
    assert [path for path in sorted(paths - invented) if not (ROOT / path).exists()] == []


def _imports(path: Path) -> set[str]:
    """The parts of the application that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("app.")}
    return found


def test_imports_go_as_the_table_of_the_house_says() -> None:
    allowed = {
        Path(row[0].strip("`")).relative_to("app").stem: set(re.findall(r"`(\w+)`", row[2]))
        for row in rows(CONTRIBUTING, "## The house")
    }
    paths = [path for path in (ROOT / "app").rglob("*.py") if "graphiql" not in path.parts]
    for path in paths:
        part = path.relative_to(ROOT / "app").with_suffix("").parts[0]
        if part in BOTTOM or part == "__init__":
            continue
        # `main` is what a row calls `app/main.py`.
        wrong = _imports(path) - {part} - allowed[part] - BOTTOM
        assert not wrong, f"{path.relative_to(ROOT)} imports {', '.join(sorted(wrong))}"
