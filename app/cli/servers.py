"""Serving, and what a server needs before and beside it."""

import typer

from app.cli.common import loaded_settings, progress, provided_settings, served

commands = typer.Typer()


@commands.command()
def run() -> None:
    """Start everything that is needed, fill in a demonstration, and serve."""
    from app.commands import serving

    with served():
        serving.run(loaded_settings(), progress)


@commands.command()
def serve() -> None:
    """Serve in production: nothing is migrated and nothing filled in."""
    from app.commands import serving

    with served():
        serving.serve(loaded_settings(), progress)


@commands.command()
def work() -> None:
    """Do jobs, as sending mails, without answering requests; servers do them as well."""
    from app.commands import working

    with served(), provided_settings() as settings:
        working.work(settings)


@commands.command()
def migrate() -> None:
    """Bring the database to this version, and create the bucket if it isn't there."""
    from app.commands.serving import prepare

    with provided_settings() as settings:
        prepare(settings, progress)


@commands.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from app.schema.root import schema as root

    typer.echo(root.as_str())
