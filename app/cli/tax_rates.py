"""Tax rates, which are law and the same for all tenants."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.common import provided_settings

if TYPE_CHECKING:
    from app.auth.tax_rates import Rate

commands = typer.Typer(help="What the law asks, for all tenants.", no_args_is_help=True)


@commands.command("add")
def add_tax_rate(
    country: Annotated[str, typer.Option(help="Two capital letters, like DE.")],
    tax_class: Annotated[str, typer.Option("--class", help="STANDARD, REDUCED or ZERO.")],
    percent: Annotated[str, typer.Option(help="The rate, like 7 or 2.60.")],
    first: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day it applies.")
    ],
    last: Annotated[
        datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d"], help="The last day, where there is one."),
    ] = None,
) -> None:
    """Add a tax rate for days to come, or for a country that has none, and list the country's.

    The rate known before ends on the day before it, and goes on behind it where it has an end.
    """
    from app.commands import administration

    until = None if last is None else last.date()
    with provided_settings() as settings:
        rates = administration.add_tax_rate(
            settings, country, tax_class, percent, first.date(), until
        )
    _list(rates)


@commands.command("list")
def list_tax_rates(
    country: Annotated[str | None, typer.Option(help="Of this country alone.")] = None,
) -> None:
    """List the tax rates that are known."""
    from app.commands import administration

    with provided_settings() as settings:
        _list(administration.tax_rates(settings, country))


def _list(rates: "list[Rate]") -> None:
    for rate in rates:
        days = f"{rate.valid_from} to {rate.valid_until or '...'}"
        typer.echo(f"{rate.country}  {rate.tax_class:8}  {rate.percent:>6}  {days}")
