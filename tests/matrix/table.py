"""Tables of who may what: a text file with a line for each row, compared caller by caller.

A line says what its row answers and to whom, so that a diff shows who gained what:

    Customer.tags; value: administrator, agent, auditor, partner; forbidden: customer, ...
"""

from collections.abc import Mapping
from pathlib import Path

from tests.matrix.callers import CALLERS

_RANKS = ("value", "done", "empty", "null", "refused", "forbidden", "not found", "unauthenticated")
"""In which order outcomes stand in a line: what gives most comes first."""


class Table:
    """What every caller gets of every row, as it is committed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[str, dict[str, str]] = {}
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            self._rows = dict(_read(line) for line in lines if line)

    def column(self, caller: str) -> dict[str, str]:
        """What a caller gets, by row."""
        return {name: row[caller] for name, row in self._rows.items() if caller in row}

    def differences(self, caller: str, found: Mapping[str, str]) -> list[str]:
        """Each row in which a caller got something else than is committed, in words."""
        known = self.column(caller)
        return [
            f"{name}: {caller} got {found.get(name, 'nothing')!r},"
            f" {self._path.name} says {known.get(name, 'nothing')!r}"
            for name in sorted(known.keys() | found.keys())
            if known.get(name) != found.get(name)
        ]

    def write(self, caller: str, found: Mapping[str, str]) -> None:
        """Take over what a caller got, and drop the rows that are there no more."""
        for row in self._rows.values():
            row.pop(caller, None)
        for name, outcome in found.items():
            self._rows.setdefault(name, {})[caller] = outcome
        lines = [_line(name, row) for name, row in sorted(self._rows.items()) if row]
        self._path.write_text("".join(lines), encoding="utf-8")


def _read(line: str) -> tuple[str, dict[str, str]]:
    name, *groups = line.split("; ")
    row = {}
    for group in groups:
        outcome, _, callers = group.partition(": ")
        row.update(dict.fromkeys(callers.split(", "), outcome))
    return name, row


def _line(name: str, row: Mapping[str, str]) -> str:
    groups = [
        f"{outcome}: {', '.join(caller for caller in CALLERS if row.get(caller) == outcome)}"
        for outcome in sorted(set(row.values()), key=_rank)
    ]
    return "; ".join([name, *groups]) + "\n"


def _rank(outcome: str) -> tuple[int, str]:
    return next(at for at, word in enumerate(_RANKS) if outcome.startswith(word)), outcome
