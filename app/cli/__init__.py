"""The command `abokonto`, a file for each group of its commands.

Commands import what they need when they run, so that `abokonto --help` answers at once.
"""

import signal
import sys
from typing import NoReturn

import typer

from app.cli import (
    demo,
    explain,
    histories,
    jobs,
    servers,
    staff,
    tax_rates,
    tenants,
    tokens,
    upkeep,
)
from app.cli.common import TERMINATED, progress
from app.commands.errors import CommandError
from app.embedded.errors import ServiceError

cli = typer.Typer(
    name="abokonto",
    help="The customer account of a subscription business, as a GraphQL API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for without_name in (servers, upkeep, explain):
    cli.add_typer(without_name.commands)
cli.add_typer(demo.commands, name="demo")
cli.add_typer(tenants.commands, name="tenant")
cli.add_typer(staff.commands, name="staff")
cli.add_typer(tokens.commands, name="token")
cli.add_typer(tax_rates.commands, name="tax-rate")
cli.add_typer(histories.commands, name="history")
cli.add_typer(jobs.commands, name="jobs")


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
    raise SystemExit(TERMINATED)
