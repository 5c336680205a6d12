"""People who work in customers' accounts."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from app.cli.common import Tenant, provided_settings

commands = typer.Typer(help="People who work in customers' accounts.", no_args_is_help=True)


class PasswordSource(StrEnum):
    """Where a new password comes from; never from the command line, which others can see."""

    ASK = "ask"
    STDIN = "stdin"
    NONE = "none"


@commands.command("create")
def create_staff(
    tenant: Tenant,
    email: Annotated[str, typer.Option(help="What the person logs in with.")],
    name: Annotated[str, typer.Option(help="The name that records show.")],
    role: Annotated[str, typer.Option(help="administrator, agent or auditor.")] = "agent",
    password: Annotated[
        PasswordSource, typer.Option(help="Ask for it, read it from standard input, or have none.")
    ] = PasswordSource.ASK,
) -> None:
    """Create a member of staff."""
    from app.commands import administration

    secret = _read_password(password)
    with provided_settings() as settings:
        administration.create_staff(
            settings, tenant=tenant, email=email, name=name, role=role, password=secret
        )


@commands.command("reset-password")
def reset_password(
    email: Annotated[str, typer.Argument(help="What the person logs in with.")],
) -> None:
    """Give a member of staff a one-time password, and print it; their sessions end.

    It is good for 24 hours, once, and leaves the second factor as it is.
    """
    from app.commands import administration

    with provided_settings() as settings:
        password = administration.reset_staff_password(settings, email)
    typer.echo("This password is shown once, and good once, for 24 hours.", err=True)
    typer.echo(password)


@commands.command("remove-second-factor")
def remove_second_factor(
    email: Annotated[str, typer.Argument(help="What the person logs in with.")],
) -> None:
    """Take away the second factor of a member of staff who has lost it; their sessions end."""
    from app.commands import administration

    with provided_settings() as settings:
        administration.remove_second_factor(settings, email)


def _read_password(source: PasswordSource) -> str | None:
    if source is PasswordSource.ASK:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    if source is PasswordSource.STDIN:
        return sys.stdin.readline().rstrip("\n")
    return None
