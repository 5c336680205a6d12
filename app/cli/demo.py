"""Data to try things out with."""

from typing import Annotated

import typer

from app.cli.common import progress, provided_settings
from app.commands.errors import CommandError

commands = typer.Typer(help="Data to try things out with.", no_args_is_help=True)


@commands.command("seed")
def seed_demo(
    customers: Annotated[int, typer.Option(min=1, help="How many there are to be.")] = 10_000,
    tenant: Annotated[str, typer.Option(help="The tenant, which is made for this.")] = "bulk",
) -> None:
    """Fill a tenant of its own with many customers, to see how things behave at that size.

    Customers that are there from an earlier run, also one that was interrupted, are kept.
    """
    from app.commands.serving import prepare

    with provided_settings() as settings:
        from app.auth.administration import AdministrationError
        from app.demo.bulk import TenantTakenError, seed_customers

        prepare(settings, progress)
        try:
            seed_customers(settings, customers, progress.console, tenant=tenant)
        except (AdministrationError, TenantTakenError) as error:
            raise CommandError(str(error)) from error
