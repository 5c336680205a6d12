"""Says what is being done while it takes long."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

_PATIENCE_SECONDS = 1.0


class Progress:
    """Shows steps that take more than a second: a spinner in a terminal, else plain lines."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show `text` while the block runs, if that takes long."""
        started = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(text):
                yield
        else:
            announcement = threading.Timer(_PATIENCE_SECONDS, self._say, [f"{text} ..."])
            announcement.daemon = True
            announcement.start()
            try:
                yield
            finally:
                announcement.cancel()
        seconds = time.monotonic() - started
        if seconds > _PATIENCE_SECONDS:
            self._say(f"{text}: done in {seconds:.1f} s")

    def _say(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False)
