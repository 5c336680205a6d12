"""What an operator does about tax rates: they are law, so no tenant changes them.

A rate is a fact of a day. Days that have come keep the rate that is known for them, since
invoices were made with it; days to come, and days that no rate is known for, can get one.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import asyncpg

from app.auth.administration import AdministrationError
from app.models.tax_rate import TaxClass

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rate:
    """A rate and the days it applies, the last included."""

    country: str
    tax_class: str
    percent: Decimal
    valid_from: date
    valid_until: date | None

    @property
    def last(self) -> date:
        """The last day, or the end of time."""
        return self.valid_until or date.max


async def tax_rates(connection: asyncpg.Connection, country: str | None) -> list[Rate]:
    """The rates of a country, or of all, in the order of their days."""
    rows = await connection.fetch(
        "SELECT country, tax_class, percent, valid_from, valid_until FROM tax_rate"
        " WHERE country = $1 OR $1 IS NULL ORDER BY country, tax_class, valid_from",
        country,
    )
    return [Rate(**row) for row in rows]


async def add_tax_rate(connection: asyncpg.Connection, rate: Rate) -> list[Rate]:
    """Add a rate, which takes its days from those known before; the country's rates then.

    What was known before goes on behind it where it has a last day, as after a rate that was
    lowered for half a year.

    Raises:
        AdministrationError: It is malformed, or would change a day that has come.
    """
    if rate.tax_class not in TaxClass.__members__:
        raise AdministrationError(f"A class is one of {', '.join(TaxClass)}.")
    if rate.last < rate.valid_from:
        raise AdministrationError("The rate ends before it begins.")
    try:
        async with connection.transaction():
            await _add(connection, rate)
    except asyncpg.CheckViolationError as error:
        raise AdministrationError(
            "A country has two capital letters, and a rate is 0 to 100 percent."
        ) from error
    return await tax_rates(connection, rate.country)


async def _add(connection: asyncpg.Connection, rate: Rate) -> None:
    await connection.execute("LOCK TABLE tax_rate IN SHARE ROW EXCLUSIVE MODE")
    today = await connection.fetchval("SELECT current_date")
    for known in await tax_rates(connection, rate.country):
        same = known.tax_class == rate.tax_class
        if same and known.valid_from <= rate.last and rate.valid_from <= known.last:
            await _make_room(connection, known, rate, today)
    await _insert(connection, rate)


async def _make_room(connection: asyncpg.Connection, known: Rate, rate: Rate, today: date) -> None:
    """Take a new rate's days from a known one."""
    if max(known.valid_from, rate.valid_from) <= today:
        raise AdministrationError(
            f"{known.percent} percent are known since {known.valid_from}: days that have come"
            " keep their rate. Begin tomorrow or later."
        )
    which = (known.country, known.tax_class, known.valid_from)
    of = " WHERE country = $1 AND tax_class = $2 AND valid_from = $3"
    if known.valid_from < rate.valid_from:
        last = rate.valid_from - _ONE_DAY
        await connection.execute(f"UPDATE tax_rate SET valid_until = $4{of}", *which, last)  # noqa: S608  Our own words.
    else:
        await connection.execute(f"DELETE FROM tax_rate{of}", *which)  # noqa: S608  As above.
    if rate.last < known.last:
        first = rate.last + _ONE_DAY
        behind = Rate(known.country, known.tax_class, known.percent, first, known.valid_until)
        await _insert(connection, behind)


async def _insert(connection: asyncpg.Connection, rate: Rate) -> None:
    await connection.execute(
        "INSERT INTO tax_rate (country, tax_class, percent, valid_from, valid_until)"
        " VALUES ($1, $2, $3, $4, $5)",
        rate.country,
        rate.tax_class,
        rate.percent,
        rate.valid_from,
        rate.valid_until,
    )
