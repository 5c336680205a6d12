"""Tenants, staff, tokens and tax rates, administered by whoever runs the installation."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeVar

from app.commands.database import owner_url
from app.commands.errors import CommandError
from app.settings import Settings

if TYPE_CHECKING:
    import asyncpg

    from app.auth.tax_rates import Rate

Result = TypeVar("Result")


def create_tenant(settings: Settings, slug: str, name: str) -> None:
    """Create a tenant with the predefined roles."""
    from app.auth import administration

    _as_owner(settings, lambda owner: administration.create_tenant(owner, slug, name))


def change_rules(settings: Settings, tenant: str, values: Mapping[str, int | bool]) -> None:
    """Change the rules that a tenant works by."""
    from app.auth import operating

    _as_owner(settings, lambda owner: operating.change_rules(owner, tenant, values))


def set_retention(settings: Settings, tenant: str, kept: Mapping[str, int | None]) -> None:
    """Say how long a tenant's records are kept; what is null stays as it is."""
    values = {name: value for name, value in kept.items() if value is not None}
    if not values:
        raise CommandError("Say what is kept how long: --books, --invoices, --letters, --logins.")
    change_rules(settings, tenant, values)


def create_staff(
    settings: Settings, *, tenant: str, email: str, name: str, role: str, password: str | None
) -> None:
    """Create a member of staff who works for a tenant."""
    from app.auth import administration
    from app.auth.new_passwords import NewPasswords

    hashing = NewPasswords(settings).hash
    _as_owner(
        settings,
        lambda owner: administration.create_staff(
            owner,
            tenant=tenant,
            email=email,
            name=name,
            role=role,
            password=password,
            hashing=hashing,
        ),
    )


def reset_staff_password(settings: Settings, email: str) -> str:
    """Give a member of staff a one-time password, which can't be shown again."""
    from app.auth import operating

    return _as_owner(settings, lambda owner: operating.reset_staff_password(owner, email))


def remove_second_factor(settings: Settings, email: str) -> None:
    """Take away a member of staff's second factor."""
    from app.auth import operating

    _as_owner(settings, lambda owner: operating.remove_second_factor(owner, email))


def create_staff_token(
    settings: Settings, *, tenant: str, email: str, name: str, days: int | None
) -> str:
    """Create a token for a member of staff."""
    from app.auth import administration

    return _as_owner(
        settings,
        lambda owner: administration.create_staff_token(
            owner, tenant=tenant, email=email, name=name, expires_at=_end(days)
        ),
    )


def create_partner_token(
    settings: Settings,
    *,
    tenant: str,
    scopes: list[str],
    name: str,
    days: int | None,
    networks: list[str],
) -> str:
    """Create a token for a partner's program."""
    from app.auth import administration

    return _as_owner(
        settings,
        lambda owner: administration.create_partner_token(
            owner,
            tenant=tenant,
            scopes=scopes,
            name=name,
            expires_at=_end(days),
            networks=networks,
        ),
    )


def revoke_token(settings: Settings, token: str) -> None:
    """End a token at once."""
    from app.auth import administration

    _as_owner(settings, lambda owner: administration.revoke_token(owner, token))


def tax_rates(settings: Settings, country: str | None) -> list["Rate"]:
    """The tax rates of a country, or of all."""
    from app.auth.tax_rates import tax_rates as find

    return _as_owner(settings, lambda owner: find(owner, country))


def add_tax_rate(
    settings: Settings, country: str, tax_class: str, percent: str, first: date, last: date | None
) -> list["Rate"]:
    """Add a tax rate, and give those of its country then."""
    from app.auth.tax_rates import Rate
    from app.auth.tax_rates import add_tax_rate as add

    try:
        value = Decimal(percent)
        if not value.is_finite() or value != round(value, 2):
            raise InvalidOperation(percent)
    except InvalidOperation as error:
        raise CommandError(f"{percent} is no percentage with at most two decimals.") from error
    rate = Rate(country, tax_class, value, first, last)
    return _as_owner(settings, lambda owner: add(owner, rate))


def _end(days: int | None) -> datetime | None:
    return None if days is None else datetime.now(UTC) + timedelta(days=days)


def _as_owner(
    settings: Settings, work: Callable[["asyncpg.Connection"], Awaitable[Result]]
) -> Result:
    """Do something in one transaction of the owner of the tables."""
    url = owner_url(settings)

    async def run() -> Result:
        import asyncpg

        from app.auth.administration import AdministrationError
        from app.auth.passwords import PasswordError

        connection = await asyncpg.connect(url)
        try:
            async with connection.transaction():
                return await work(connection)
        except (AdministrationError, PasswordError) as error:
            raise CommandError(str(error)) from error
        except asyncpg.UndefinedTableError as error:
            raise CommandError("The database is empty: run `abokonto migrate` first.") from error
        finally:
            await connection.close()

    return asyncio.run(run())
