"""Tenants, and what holds for each of them."""

from typing import Annotated

import typer

from app.cli.common import provided_settings

commands = typer.Typer(help="Publishers whose customers are kept here.", no_args_is_help=True)


@commands.command("create")
def create_tenant(
    slug: Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.")],
    name: Annotated[str, typer.Option(help="The publisher's name.")],
) -> None:
    """Create a tenant with the roles administrator, agent and auditor."""
    from app.commands import administration

    with provided_settings() as settings:
        administration.create_tenant(settings, slug, name)


@commands.command("two-factor")
def require_two_factor(
    slug: Annotated[str, typer.Argument(help="The tenant's slug.")],
    required: Annotated[
        bool, typer.Option("--required/--optional", help="Whether staff need a second factor.")
    ],
) -> None:
    """Say whether staff need a second factor; who lacks one can then only set it up."""
    from app.commands import administration

    with provided_settings() as settings:
        administration.change_rules(settings, slug, {"two_factor_required": required})


@commands.command("retention")
def set_retention(
    slug: Annotated[str, typer.Argument(help="The tenant's slug.")],
    books: Annotated[int | None, typer.Option(help="Years.")] = None,
    invoices: Annotated[int | None, typer.Option(help="Years.")] = None,
    letters: Annotated[int | None, typer.Option(help="Years.")] = None,
    logins: Annotated[int | None, typer.Option(help="Days.")] = None,
) -> None:
    """Say how long records are kept: years from the end of the calendar year, days of logins."""
    from app.commands import administration

    kept = {
        "book_years": books,
        "invoice_years": invoices,
        "letter_years": letters,
        "login_days": logins,
    }
    with provided_settings() as settings:
        administration.set_retention(settings, slug, kept)


@commands.command("four-eyes")
def require_four_eyes(
    slug: Annotated[str, typer.Argument(help="The tenant's slug.")],
    required: Annotated[
        bool, typer.Option("--required/--optional", help="Whether two have to agree.")
    ],
) -> None:
    """Say whether two members of staff have to agree before a customer is anonymised."""
    from app.commands import administration

    with provided_settings() as settings:
        administration.change_rules(settings, slug, {"four_eyes": required})
