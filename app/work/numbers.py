"""Numbers that a tenant gives out itself, one after the other."""

from typing import Any

from sqlalchemy import BigInteger, cast, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from app.models import NumberRange
from app.work.unit import Work

_FIRST = 10_001
_LONGEST = 15
_AT_ONCE = 1_000
"""How many numbers are looked at together, once one was found to be taken."""


async def next_number(work: Work, name: str, column: "InstrumentedAttribute[str]") -> str:
    """The next number that no record has in a column; see `next_numbers`."""
    [number] = await next_numbers(work, name, column, 1)
    return number


async def next_numbers(
    work: Work, name: str, column: "InstrumentedAttribute[str]", count: int
) -> list[str]:
    """The next numbers that no record has in a column; others who want some wait for this one.

    The range begins after the largest number that there is, and steps over those that were given
    by hand later, however many stand in a row.
    """
    last: int | None = await work.session.scalar(_take(work, name, count))
    if last is None:
        last = await work.session.scalar(_begin(work, name, column, count))
    assert last is not None  # noqa: S101  It was begun.
    free = await _free(work, column, range(last - count + 1, last + 1))
    start = last + 1
    while len(free) < count:
        free += await _free(work, column, range(start, start + _AT_ONCE))
        start += _AT_ONCE
    numbers = free[:count]
    if numbers[-1] != last:
        await work.session.execute(_range(work, name).values(last=numbers[-1]))
    return [str(number) for number in numbers]


async def _free(work: Work, column: "InstrumentedAttribute[str]", numbers: range) -> list[int]:
    """Those of some numbers that no record has."""
    wanted = [str(number) for number in numbers]
    model: Any = column.class_
    taken = select(column).where(model.tenant_id == work.tenant_id, column.in_(wanted))
    found = set((await work.session.scalars(taken)).all())
    return [number for number in numbers if str(number) not in found]


def _take(work: Work, name: str, count: int) -> Any:
    return _range(work, name).values(last=NumberRange.last + count).returning(NumberRange.last)


def _range(work: Work, name: str) -> Any:
    return (
        update(NumberRange)
        .where(NumberRange.tenant_id == work.tenant_id, NumberRange.name == name)
        .execution_options(synchronize_session=False)
    )


def _begin(work: Work, name: str, column: "InstrumentedAttribute[str]", count: int) -> Any:
    """Begin the range, or go on where somebody else has just begun it."""
    model: Any = column.class_
    largest = (
        select(func.coalesce(func.max(cast(column, BigInteger)), literal(_FIRST - 1)) + count)
        .where(model.tenant_id == work.tenant_id, column.regexp_match(f"^[0-9]{{1,{_LONGEST}}}$"))
        .scalar_subquery()
    )
    return (
        insert(NumberRange)
        .values(tenant_id=work.tenant_id, name=name, last=largest)
        .on_conflict_do_update(
            index_elements=("tenant_id", "name"), set_={"last": NumberRange.last + count}
        )
        .returning(NumberRange.last)
    )
