"""Tokens of people and of partners' programs."""

from typing import Annotated

import typer

from app.cli.common import Tenant, provided_settings
from app.commands.errors import CommandError

commands = typer.Typer(
    help="Tokens that programs and people identify themselves with.", no_args_is_help=True
)


@commands.command("create")
def create_token(
    tenant: Tenant,
    name: Annotated[str, typer.Option(help="What the token is for.")],
    staff: Annotated[str | None, typer.Option(help="E-mail of the person it is for.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="What a partner may do, like customer:read. Repeat it.")
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(help="Where a partner's works from, like 192.0.2.0/24. Repeat it."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="How long it works.")] = 365,
    forever: Annotated[bool, typer.Option("--forever", help="It works until revoked.")] = False,
) -> None:
    """Create a token for a person (--staff) or a partner's program (--scope), and print it."""
    from app.commands import administration

    if (staff is None) == (not scope):
        raise CommandError("Give either --staff or at least one --scope.")
    lifetime = None if forever else days
    with provided_settings() as settings:
        if staff is not None:
            created = administration.create_staff_token(
                settings, tenant=tenant, email=staff, name=name, days=lifetime
            )
        else:
            created = administration.create_partner_token(
                settings,
                tenant=tenant,
                scopes=scope or [],
                name=name,
                days=lifetime,
                networks=network or [],
            )
    typer.echo("This token is shown once; only its hash is kept.", err=True)
    typer.echo(created)


@commands.command("revoke")
def revoke_token(
    token: Annotated[str | None, typer.Argument(help="The token; asked for if missing.")] = None,
) -> None:
    """End a token at once."""
    from app.commands import administration

    secret = token or str(typer.prompt("Token", hide_input=True, err=True))
    with provided_settings() as settings:
        administration.revoke_token(settings, secret)
