"""Jobs that were given up, and giving them another try."""

from typing import Annotated

import typer

from app.cli.common import provided_settings
from app.commands.errors import CommandError

commands = typer.Typer(help="What servers do after their requests.", no_args_is_help=True)


@commands.command("list")
def list_jobs(
    every: Annotated[
        bool, typer.Option("--all", help="Also those that wait or are being done.")
    ] = False,
) -> None:
    """List the jobs that were given up, after they failed too often."""
    from app.commands import working

    with provided_settings() as settings:
        found = working.jobs(settings, every=every)
    for line in found:
        typer.echo(line)
    if not found:
        typer.echo("There are none.", err=True)


@commands.command("retry")
def retry_jobs(
    ids: Annotated[list[int] | None, typer.Argument(help="The numbers that `list` shows.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that were given up.")] = False,
) -> None:
    """Queue jobs again that were given up."""
    from app.commands import working

    if every == bool(ids):
        raise CommandError("Give either numbers of jobs or --all.")
    with provided_settings() as settings:
        again = working.retry(settings, ids or None)
    typer.echo(f"Jobs queued again: {len(again)}")
