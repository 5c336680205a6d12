"""Breaks SQL into lines that can be read: clauses and columns, indented by the query."""

import re

_TOKENS = re.compile(
    r"""(?P<clause>\b(?:SELECT|FROM|WHERE|GROUP[ ]BY|HAVING|ORDER[ ]BY|LIMIT|UNION(?:[ ]ALL)?|AND
        |(?:LEFT[ ]|CROSS[ ])?(?:OUTER[ ])?JOIN)\b)
    | (?P<query>\((?=\s*SELECT\b)) | (?P<open>[(\[]) | (?P<close>[)\]]) | (?P<comma>,\s*)
    | (?P<space>\s+)
    | (?P<text>'(?:[^']|'')*' | "(?:[^"]|"")*" | \w+ | .)""",
    re.VERBOSE | re.DOTALL,
)
_INDENT = "  "


def pretty(sql: str) -> str:
    """The same statement on more lines.

    What belongs to a query begins a line; what belongs to a function, like the order in
    `json_agg(x ORDER BY y)`, does not.
    """
    return _Printer().print(sql)


class _Printer:
    """Goes through a statement from its beginning to its end."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line = ""
        self._inside = [True]
        """For each parenthesis that is open, and the statement itself: whether it is a query."""

    def print(self, sql: str) -> str:
        """Break a statement into lines."""
        for token in _TOKENS.finditer(sql):
            kind = str(token.lastgroup)
            in_query = self._inside[-1]
            if kind == "clause" and in_query:
                self._break(token[0])
            elif kind == "comma" and in_query:
                self._line += ","
                self._break(_INDENT)
            elif kind == "close":
                self._close(token[0])
            else:
                self._line += " " if kind == "space" else token[0]
                if kind in ("query", "open"):
                    self._inside.append(kind == "query")
        self._break("")
        return "\n".join(self._lines)

    def _close(self, parenthesis: str) -> None:
        if self._inside.pop():
            self._break("")
            self._line += _INDENT
        self._line += parenthesis

    def _break(self, begin: str) -> None:
        """End the line; the next one begins with a clause, or continues one."""
        if self._line.strip():
            self._lines.append(self._line.rstrip())
        depth = sum(self._inside) - 1
        self._line = _INDENT * depth + begin
