"""Tables, for eyes or as the Markdown that the README takes."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

_WIDTH = 120


class Report:
    """Prints what was measured to standard output, and what is going on to the other one."""

    def __init__(self, *, markdown: bool = False) -> None:
        self.progress = Console(stderr=True)
        self._markdown = markdown
        console = Console()
        # Lines of a file are long enough for the tables.
        self._console = console if console.is_terminal else Console(width=_WIDTH)

    def say(self, text: str) -> None:
        """A paragraph."""
        if self._markdown:
            print(f"{text}\n", flush=True)
        else:
            self._console.print(f"\n{text}\n", highlight=False)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table; its first column is text, the others are figures."""
        if self._markdown:
            lines = [f"**{title}**", "", f"| {' | '.join(columns)} |"]
            lines.append("| --- |" + " ---: |" * (len(columns) - 1))
            lines += [f"| {' | '.join(row)} |" for row in rows]
            print("\n".join([*lines, ""]), flush=True)
            return
        table = Table(title=title, title_justify="left")
        for place, column in enumerate(columns):
            table.add_column(column, justify="right" if place else "left")
        for row in rows:
            table.add_row(*row)
        self._console.print(table)
