"""Explaining how a query is answered."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.common import provided_settings
from app.commands.errors import CommandError

commands = typer.Typer()


@commands.command()
def explain(
    query: Annotated[str, typer.Argument(help="The query, @FILE, or - for standard input.")],
    variables: Annotated[str, typer.Option(help="A JSON object.")] = "{}",
    operation: Annotated[str | None, typer.Option(help="Which operation, of several.")] = None,
    token: Annotated[str | None, typer.Option(help="The token of who asks.")] = None,
    tenant: Annotated[
        str | None, typer.Option(help="Or a tenant's slug: who asks may see all of it.")
    ] = None,
    analyze: Annotated[bool, typer.Option("--analyze", help="Run it, and say how long.")] = False,
    sql_only: Annotated[bool, typer.Option("--sql-only", help="Show no plan.")] = False,
) -> None:
    """Show the SQL that a query is compiled to, and PostgreSQL's plan for it."""
    from app.commands.explain import Asked, explain, read_variables

    asked = Asked(_read_query(query), operation, read_variables(variables))
    with provided_settings() as settings:
        text = explain(
            settings, asked, token=token, tenant=tenant, analyze=analyze, sql_only=sql_only
        )
    typer.echo(text)


def _read_query(query: str) -> str:
    if query == "-":
        return sys.stdin.read()
    if not query.startswith("@"):
        return query
    try:
        return Path(query[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{query[1:]} can't be read: {error}.") from error
