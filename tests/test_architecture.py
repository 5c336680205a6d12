"""Imports go only downward, by the table in CONTRIBUTING.md, whose highest row is the top."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.markdown import rows

ROOT = Path(__file__).parents[1]
APP = ROOT / "app"

BOTTOM = (
    "scalars",
    "context",
    "writing",
    "database",
    "encryption",
    "logs",
    "storage",
    "mail",
    "errors",
    "settings",
)
"""What everything may import; among these, too, each only those further on."""

HOUSE = {
    Path(row[0].strip("`")).stem: set(re.findall(r"`(\w+)`", row[2]))
    for row in rows((ROOT / "CONTRIBUTING.md").read_text("utf-8"), "## The house")
}
"""The parts of the application from the top to the bottom, and what each may import."""


def _part(path: Path) -> str:
    return path.relative_to(APP).with_suffix("").parts[0]


def _modules() -> list[Path]:
    return [path for path in sorted(APP.rglob("*.py")) if path != APP / "__init__.py"]


def _imports(path: Path) -> Iterator[str]:
    """The other parts that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by dots."
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            assert not name.startswith(("tests.", "benchmarks.")), f"{path} imports {name}."
            if name.startswith("app.") and name.split(".")[1] != _part(path):
                yield name.split(".")[1]


def test_the_table_names_every_part() -> None:
    assert {_part(path) for path in _modules()} == {*HOUSE, *BOTTOM}


def test_the_table_goes_downward() -> None:
    order = list(HOUSE)
    for place, part in enumerate(order):
        assert HOUSE[part] <= set(order[place + 1 :]), part


def test_modules_import_what_the_table_allows() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {other}"
        for path in _modules()
        if _part(path) not in BOTTOM
        for other in _imports(path)
        if other not in HOUSE[_part(path)] | set(BOTTOM)
    ]
    assert wrong == []


def test_the_bottom_imports_only_what_is_further_down() -> None:
    for place, part in enumerate(BOTTOM):
        # The context of a request names the types of what resolvers keep in it.
        above = {"auth", "resolvers"} if part == "context" else set()
        assert set(_imports(APP / f"{part}.py")) <= set(BOTTOM[place + 1 :]) | above, part
