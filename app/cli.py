"""The command `abokonto`.

Commands import what they need when they run, so that `abokonto --help` answers at once.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from app.commands.errors import CommandError
from app.commands.progress import Progress
from app.embedded.errors import ServiceError

if TYPE_CHECKING:
    from app.auth.tax_rates import Rate
    from app.settings import Settings

cli = typer.Typer(
    name="abokonto",
    help="The customer account of a subscription business, as a GraphQL API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
demo_commands = typer.Typer(help="Data to try things out with.", no_args_is_help=True)
tenant_commands = typer.Typer(
    help="Publishers whose customers are kept here.", no_args_is_help=True
)
staff_commands = typer.Typer(help="People who work in customers' accounts.", no_args_is_help=True)
token_commands = typer.Typer(help="Tokens that programs and people identify themselves with.")
tax_rate_commands = typer.Typer(help="What the law asks, for all tenants.", no_args_is_help=True)
history_commands = typer.Typer(help="What was done in accounts, chained.", no_args_is_help=True)
jobs_commands = typer.Typer(help="What servers do after their requests.", no_args_is_help=True)
cli.add_typer(demo_commands, name="demo")
cli.add_typer(tenant_commands, name="tenant")
cli.add_typer(staff_commands, name="staff")
cli.add_typer(token_commands, name="token", no_args_is_help=True)
cli.add_typer(tax_rate_commands, name="tax-rate")
cli.add_typer(history_commands, name="history")
cli.add_typer(jobs_commands, name="jobs")

_TERMINATED = 128 + signal.SIGTERM

progress = Progress(Console(stderr=True))


@cli.command()
def run() -> None:
    """Start everything that is needed, fill in a demonstration, and serve."""
    from app.commands import serving

    with _served():
        serving.run(_settings(), progress)


@cli.command()
def serve() -> None:
    """Serve in production: nothing is migrated and nothing filled in."""
    from app.commands import serving

    with _served():
        serving.serve(_settings(), progress)


@cli.command()
def work() -> None:
    """Do jobs, as sending mails, without answering requests; servers do them as well."""
    from app.commands import working

    with _served(), _provided() as settings:
        working.work(settings)


@cli.command()
def migrate() -> None:
    """Bring the database to this version, and create the bucket if it isn't there."""
    from app.commands.serving import prepare

    with _provided() as settings:
        prepare(settings, progress)


@cli.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from app.schema.root import schema as root

    typer.echo(root.as_str())


@cli.command()
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

    with _provided() as settings:
        swept = sweep(settings, whole_bucket=whole_bucket)
    typer.echo(f"Files removed: {swept}")


@cli.command()
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
    with _provided() as settings:
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


@cli.command()
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
    with _provided() as settings:
        typer.echo(purging.purge(settings, tenant, day))


@cli.command()
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
    with _provided() as settings:
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


@demo_commands.command("seed")
def seed_demo(
    customers: Annotated[int, typer.Option(min=1, help="How many there are to be.")] = 10_000,
    tenant: Annotated[str, typer.Option(help="The tenant, which is made for this.")] = "bulk",
) -> None:
    """Fill a tenant of its own with many customers, to see how things behave at that size.

    Customers that are there from an earlier run, also one that was interrupted, are kept.
    """
    from app.commands.serving import prepare

    with _provided() as settings:
        from app.auth.administration import AdministrationError
        from app.demo.bulk import TenantTakenError, seed_customers

        prepare(settings, progress)
        try:
            seed_customers(settings, customers, progress.console, tenant=tenant)
        except (AdministrationError, TenantTakenError) as error:
            raise CommandError(str(error)) from error


@tenant_commands.command("create")
def create_tenant(
    slug: Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.")],
    name: Annotated[str, typer.Option(help="The publisher's name.")],
) -> None:
    """Create a tenant with the roles administrator, agent and auditor."""
    from app.commands import administration

    with _provided() as settings:
        administration.create_tenant(settings, slug, name)


@tenant_commands.command("two-factor")
def require_two_factor(
    slug: Annotated[str, typer.Argument(help="The tenant's slug.")],
    required: Annotated[
        bool, typer.Option("--required/--optional", help="Whether staff need a second factor.")
    ],
) -> None:
    """Say whether staff need a second factor; who lacks one can then only set it up."""
    from app.commands import administration

    with _provided() as settings:
        administration.require_two_factor(settings, slug, required=required)


@tenant_commands.command("retention")
def set_retention(
    slug: Annotated[str, typer.Argument(help="The tenant's slug.")],
    books: Annotated[int | None, typer.Option(min=0, max=100, help="Years.")] = None,
    invoices: Annotated[int | None, typer.Option(min=0, max=100, help="Years.")] = None,
    letters: Annotated[int | None, typer.Option(min=0, max=100, help="Years.")] = None,
    logins: Annotated[int | None, typer.Option(min=1, max=36500, help="Days.")] = None,
) -> None:
    """Say how long records are kept: years from the end of the calendar year, days of logins."""
    from app.commands import administration

    kept = {
        "book_years": books,
        "invoice_years": invoices,
        "letter_years": letters,
        "login_days": logins,
    }
    with _provided() as settings:
        administration.set_retention(settings, slug, kept)


@tenant_commands.command("four-eyes")
def require_four_eyes(
    slug: Annotated[str, typer.Argument(help="The tenant's slug.")],
    required: Annotated[
        bool, typer.Option("--required/--optional", help="Whether two have to agree.")
    ],
) -> None:
    """Say whether two members of staff have to agree before a customer is anonymised."""
    from app.commands import administration

    with _provided() as settings:
        administration.require_four_eyes(settings, slug, required=required)


class PasswordSource(StrEnum):
    """Where a new password comes from; never from the command line, which others can see."""

    ASK = "ask"
    STDIN = "stdin"
    NONE = "none"


Tenant = Annotated[str, typer.Option(help="The tenant's slug.")]


@staff_commands.command("create")
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
    with _provided() as settings:
        administration.create_staff(
            settings, tenant=tenant, email=email, name=name, role=role, password=secret
        )


def _read_password(source: PasswordSource) -> str | None:
    if source is PasswordSource.ASK:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    if source is PasswordSource.STDIN:
        return sys.stdin.readline().rstrip("\n")
    return None


@token_commands.command("create")
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
    with _provided() as settings:
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


@token_commands.command("revoke")
def revoke_token(
    token: Annotated[str | None, typer.Argument(help="The token; asked for if missing.")] = None,
) -> None:
    """End a token at once."""
    from app.commands import administration

    secret = token or str(typer.prompt("Token", hide_input=True, err=True))
    with _provided() as settings:
        administration.revoke_token(settings, secret)


@tax_rate_commands.command("add")
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
    with _provided() as settings:
        rates = administration.add_tax_rate(
            settings, country, tax_class, percent, first.date(), until
        )
    _list(rates)


@tax_rate_commands.command("list")
def list_tax_rates(
    country: Annotated[str | None, typer.Option(help="Of this country alone.")] = None,
) -> None:
    """List the tax rates that are known."""
    from app.commands import administration

    with _provided() as settings:
        _list(administration.tax_rates(settings, country))


def _list(rates: "list[Rate]") -> None:
    for rate in rates:
        days = f"{rate.valid_from} to {rate.valid_until or '...'}"
        typer.echo(f"{rate.country}  {rate.tax_class:8}  {rate.percent:>6}  {days}")


@history_commands.command("verify")
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

    with _provided() as settings:
        told = histories.verify(
            settings, tenant, first=first, last=until, expect=expect, console=progress.console
        )
    for line in told.faults:
        typer.echo(line, err=True)
    typer.echo(told.summary, err=True)
    typer.echo(told.anchor)
    if told.faults:
        raise typer.Exit(1)


@jobs_commands.command("list")
def list_jobs(
    every: Annotated[
        bool, typer.Option("--all", help="Also those that wait or are being done.")
    ] = False,
) -> None:
    """List the jobs that were given up, after they failed too often."""
    from app.commands import working

    with _provided() as settings:
        found = working.jobs(settings, every=every)
    for line in found:
        typer.echo(line)
    if not found:
        typer.echo("There are none.", err=True)


@jobs_commands.command("retry")
def retry_jobs(
    ids: Annotated[list[int] | None, typer.Argument(help="The numbers that `list` shows.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that were given up.")] = False,
) -> None:
    """Queue jobs again that were given up."""
    from app.commands import working

    if every == bool(ids):
        raise CommandError("Give either numbers of jobs or --all.")
    with _provided() as settings:
        again = working.retry(settings, ids or None)
    typer.echo(f"Jobs queued again: {len(again)}")


def main() -> NoReturn:
    """Run a command; what the user can put right is told in a line, without a stack trace."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        cli()
    except (CommandError, ServiceError) as error:
        progress.console.print(f"abokonto: {error}", highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    sys.exit(0)


def _terminate(*_: object) -> NoReturn:
    """End as if the program had come to its end, so that everything is put away in order."""
    raise SystemExit(_TERMINATED)


@contextmanager
def _served() -> Iterator[None]:
    """A server that is told to stop, by ctrl-C or `kill`, has done what it should."""
    try:
        yield
    except KeyboardInterrupt:
        return
    except SystemExit as end:
        if end.code != _TERMINATED:
            raise


def _settings() -> "Settings":
    from pydantic import ValidationError

    from app.settings import settings

    try:
        return settings()
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0]).upper()
        variable = name if name.startswith(("ABOKONTO_", "PORT")) else f"ABOKONTO_{name}"
        raise CommandError(f"{variable} is wrong: {fault['msg']}.") from error


@contextmanager
def _provided() -> Iterator["Settings"]:
    """The settings of this process, with embedded services where none are configured."""
    from app.embedded.services import provided

    with provided(_settings(), progress.step) as settings:
        yield settings


if __name__ == "__main__":
    main()
