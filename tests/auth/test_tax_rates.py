"""Tax rates as an operator adds them: days that have come keep theirs."""

from datetime import date, timedelta
from decimal import Decimal

import asyncpg
import pytest

from app.auth.administration import AdministrationError
from app.auth.tax_rates import Rate, add_tax_rate, tax_rates

TOMORROW = date.today() + timedelta(days=1)  # noqa: DTZ011  Nothing here hangs on the zone.
FAR = date(2999, 1, 1)
DAY = timedelta(days=1)


def german(percent: str, first: date, last: date | None = None) -> Rate:
    """A reduced rate of Germany."""
    return Rate("DE", "REDUCED", Decimal(percent), first, last)


async def reduced(owner: asyncpg.Connection) -> list[tuple[str, date, date | None]]:
    """The reduced rates of Germany since 2021."""
    return [
        (str(rate.percent), rate.valid_from, rate.valid_until)
        for rate in await tax_rates(owner, "DE")
        if rate.tax_class == "REDUCED" and rate.last >= date(2021, 1, 1)
    ]


async def test_the_law_of_2020_is_known(owner: asyncpg.Connection) -> None:
    known = await tax_rates(owner, None)
    on = {
        (rate.country, rate.tax_class): rate.percent
        for rate in known
        if rate.valid_from <= date(2020, 10, 1) <= rate.last
    }
    assert on == {
        ("AT", "REDUCED"): Decimal("5"),
        ("AT", "STANDARD"): Decimal("20"),
        ("AT", "ZERO"): Decimal("0"),
        ("CH", "REDUCED"): Decimal("2.5"),
        ("CH", "STANDARD"): Decimal("7.7"),
        ("CH", "ZERO"): Decimal("0"),
        ("DE", "REDUCED"): Decimal("5"),
        ("DE", "STANDARD"): Decimal("16"),
        ("DE", "ZERO"): Decimal("0"),
        ("LI", "REDUCED"): Decimal("2.5"),
        ("LI", "STANDARD"): Decimal("7.7"),
        ("LI", "ZERO"): Decimal("0"),
        ("LU", "REDUCED"): Decimal("3"),
        ("LU", "STANDARD"): Decimal("17"),
        ("LU", "ZERO"): Decimal("0"),
    }


async def test_a_rate_ends_the_one_before(owner: asyncpg.Connection) -> None:
    await add_tax_rate(owner, german("8", FAR))
    assert await reduced(owner) == [
        ("7.00", date(2021, 1, 1), FAR - DAY),
        ("8.00", FAR, None),
    ]


async def test_a_rate_for_half_a_year_leaves_the_one_before_behind_it(
    owner: asyncpg.Connection,
) -> None:
    last = FAR + 180 * DAY
    await add_tax_rate(owner, german("5", FAR, last))
    assert await reduced(owner) == [
        ("7.00", date(2021, 1, 1), FAR - DAY),
        ("5.00", FAR, last),
        ("7.00", last + DAY, None),
    ]
    # A later law sweeps both away, from the middle of one on.
    middle = FAR + 90 * DAY
    await add_tax_rate(owner, german("9", middle))
    assert await reduced(owner) == [
        ("7.00", date(2021, 1, 1), FAR - DAY),
        ("5.00", FAR, middle - DAY),
        ("9.00", middle, None),
    ]
    await add_tax_rate(owner, german("6", FAR))
    assert (await reduced(owner))[1:] == [("6.00", FAR, None)]


async def test_a_day_that_has_come_keeps_its_rate(owner: asyncpg.Connection) -> None:
    before = await tax_rates(owner, None)
    for first in (date(2020, 1, 1), TOMORROW - 3 * DAY):
        with pytest.raises(AdministrationError, match="days that have come"):
            await add_tax_rate(owner, german("8", first))
    assert await tax_rates(owner, None) == before


async def test_days_without_a_rate_can_get_one(owner: asyncpg.Connection) -> None:
    france = Rate("FR", "REDUCED", Decimal("2.1"), date(1989, 1, 1), None)
    assert await add_tax_rate(owner, france) == [france]
    earlier = Rate("FR", "REDUCED", Decimal("4"), date(1980, 1, 1), date(1988, 12, 31))
    assert await add_tax_rate(owner, earlier) == [earlier, france]


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        (Rate("fr", "REDUCED", Decimal(1), FAR, None), "two capital letters"),
        (Rate("FR", "REDUCED", Decimal(101), FAR, None), "0 to 100"),
        (Rate("FR", "REDUCED", Decimal(-1), FAR, None), "0 to 100"),
        (Rate("FR", "HALF", Decimal(1), FAR, None), "STANDARD, REDUCED, ZERO"),
        (Rate("FR", "REDUCED", Decimal(1), FAR, FAR - DAY), "ends before it begins"),
    ],
)
async def test_what_is_no_rate_is_refused(
    owner: asyncpg.Connection, rate: Rate, message: str
) -> None:
    with pytest.raises(AdministrationError, match=message):
        await add_tax_rate(owner, rate)
