"""What all commands have in common: the terminal, the settings, and how a server ends."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from app.commands.errors import CommandError
from app.commands.progress import Progress

if TYPE_CHECKING:
    from app.settings import Settings

TERMINATED = 128 + signal.SIGTERM

Tenant = Annotated[str, typer.Option(help="The tenant's slug.")]

progress = Progress(Console(stderr=True))


@contextmanager
def served() -> Iterator[None]:
    """A server that is told to stop, by ctrl-C or `kill`, has done what it should."""
    try:
        yield
    except KeyboardInterrupt:
        return
    except SystemExit as end:
        if end.code != TERMINATED:
            raise


def loaded_settings() -> "Settings":
    """The settings of this process.

    Raises:
        CommandError: One is wrong.
    """
    from pydantic import ValidationError

    from app.settings import settings

    try:
        return settings()
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0]).upper()
        variable = name if name.startswith(("ABOKONTO_", "PORT")) else f"ABOKONTO_{name}"
        raise CommandError(f"{variable} is wrong: {fault['msg']}.") from error


@contextmanager
def provided_settings() -> Iterator["Settings"]:
    """The settings of this process, with embedded services where none are configured."""
    from app.embedded.services import provided

    with provided(loaded_settings(), progress.step) as settings:
        yield settings
