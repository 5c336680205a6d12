"""What was done in accounts, and whether the records of it are what they were."""

from typing import Annotated

import typer

from app.cli.common import Tenant, progress, provided_settings

commands = typer.Typer(help="What was done in accounts, chained.", no_args_is_help=True)


@commands.command("verify")
def verify_history(
    tenant: Tenant,
    first: Annotated[int, typer.Option("--from", min=1, help="The first position.")] = 1,
    until: Annotated[
        int | None, typer.Option(min=1, help="The last one; the newest if missing.")
    ] = None,
    expect: Annotated[
        str | None, typer.Option(help="An anchor that was printed before, POSITION:HASH.")
    ] = None,
) -> None:
    """See whether a tenant's history is what it was, and print an anchor to be kept elsewhere.

    It fails where something is wrong, after telling what and where.
    """
    from app.commands import histories

    with provided_settings() as settings:
        told = histories.verify(
            settings, tenant, first=first, last=until, expect=expect, console=progress.console
        )
    for line in told.faults:
        typer.echo(line, err=True)
    typer.echo(told.summary, err=True)
    typer.echo(told.anchor)
    if told.faults:
        raise typer.Exit(1)
