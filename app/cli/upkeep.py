"""What servers and workers do by themselves at their times, done at once."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from app.cli.common import progress, provided_settings

commands = typer.Typer()


@commands.command()
def sweep(
    whole_bucket: Annotated[
        bool,
        typer.Option(
            "--whole-bucket", help="Look for files that this database never heard of, too."
        ),
    ] = False,
) -> None:
    """Remove files that no record needs; servers do it every ten minutes by themselves.

    With --whole-bucket also those that are unknown, as after the database was restored from a
    backup. Never do that where several databases share a bucket.
    """
    from app.commands.sweeping import sweep

    with provided_settings() as settings:
        swept = sweep(settings, whole_bucket=whole_bucket)
    typer.echo(f"Files removed: {swept}")


@commands.command()
def renew(
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Up to this day; today where the tenant is."),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="This tenant's slug alone.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Do what is due: open and bill periods, send issues, end what is over; workers do it daily.

    It can be ended and done again, also beside another run. A day that lies ahead opens and bills
    the periods that begin by then. It fails where something could not be done, after the report.
    """
    from app.commands import renewing

    day = None if until is None else until.date()
    with provided_settings() as settings:
        renewed = renewing.renew(settings, day, tenant, progress.console)
    if as_json:
        typer.echo(renewing.as_json(renewed))
    else:
        Console().print(renewing.report(renewed))
    failures = [failure for one in renewed for failure in one.tally.failures]
    for one in failures:
        typer.echo(f"{one.tenant}: {one.subscription}: {one.code}: {one.message}", err=True)
    if failures:
        raise typer.Exit(1)


@commands.command()
def purge(
    tenant: Annotated[str | None, typer.Option(help="This tenant's slug alone.")] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="As of this day; today where the tenant is."),
    ] = None,
) -> None:
    """Erase what need not be kept any longer; workers do it every night.

    It prints how many rows of each table were scrubbed or removed.
    """
    from app.commands import purging

    day = None if until is None else until.date()
    with provided_settings() as settings:
        typer.echo(purging.purge(settings, tenant, day))
