"""The command `abokonto`.

Commands import what they need when they run, so that `abokonto --help` answers at once.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer
from rich.console import Console

from app.commands.errors import CommandError
from app.commands.progress import Progress
from app.embedded.errors import ServiceError

if TYPE_CHECKING:
    from app.settings import Settings

cli = typer.Typer(
    name="abokonto",
    help="The customer account of a subscription business, as a GraphQL API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
demo = typer.Typer(help="Data to try things out with.", no_args_is_help=True)
tenant = typer.Typer(help="Publishers whose customers are kept here.", no_args_is_help=True)
staff = typer.Typer(help="People who work in customers' accounts.", no_args_is_help=True)
token = typer.Typer(help="Tokens that programs and people identify themselves with.")
cli.add_typer(demo, name="demo")
cli.add_typer(tenant, name="tenant")
cli.add_typer(staff, name="staff")
cli.add_typer(token, name="token", no_args_is_help=True)

_TERMINATED = 128 + signal.SIGTERM

progress = Progress(Console(stderr=True))


@cli.command()
def run() -> None:
    """Start everything that is needed, fill in a demonstration, and serve."""
    from app.commands import serving

    with _served():
        serving.run(_settings(), progress)


@cli.command()
def serve() -> None:
    """Serve in production: nothing is migrated and nothing filled in."""
    from app.commands import serving

    with _served():
        serving.serve(_settings(), progress)


@cli.command()
def migrate() -> None:
    """Bring the database to this version, and create the bucket if it isn't there."""
    from app.commands.serving import prepare

    with _provided() as settings:
        prepare(settings, progress)


@cli.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from app.schema.root import schema as root

    typer.echo(root.as_str())


def main() -> NoReturn:
    """Run a command; what the user can put right is told in a line, without a stack trace."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        cli()
    except (CommandError, ServiceError) as error:
        progress.console.print(f"abokonto: {error}", highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    sys.exit(0)


def _terminate(*_: object) -> NoReturn:
    """End as if the program had come to its end, so that everything is put away in order."""
    raise SystemExit(_TERMINATED)


@contextmanager
def _served() -> Iterator[None]:
    """A server that is told to stop, by ctrl-C or `kill`, has done what it should."""
    try:
        yield
    except KeyboardInterrupt:
        return
    except SystemExit as end:
        if end.code != _TERMINATED:
            raise


def _settings() -> "Settings":
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
def _provided() -> Iterator["Settings"]:
    """The settings of this process, with embedded services where none are configured."""
    from app.embedded.services import provided

    with provided(_settings(), progress.step) as settings:
        yield settings


if __name__ == "__main__":
    main()
