"""Numbers that a tenant gives out itself, one after the other."""

from typing import Any

from sqlalchemy import BigInteger, cast, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from app.models import NumberRange
from app.work.unit import Work

_FIRST = 10_001
_LONGEST = 15
_MOST_TAKEN = 100
"""How many numbers, given by hand, are stepped over before giving up."""


async def next_number(work: Work, name: str, column: "InstrumentedAttribute[str]") -> str:
    """The next number that no record has in a column; others who want one wait for this one.

    The range begins after the largest number that there is.
    """
    model: Any = column.class_
    for _ in range(_MOST_TAKEN):
        last = await work.session.scalar(_take(work, name))
        if last is None:
            last = await work.session.scalar(_begin(work, name, column))
        number = str(last)
        taken = select(model.id).where(model.tenant_id == work.tenant_id, column == number)
        if await work.session.scalar(taken) is None:
            return number
    raise RuntimeError(f"All the next numbers of {name} are taken.")


def _take(work: Work, name: str) -> Any:
    return (
        update(NumberRange)
        .where(NumberRange.tenant_id == work.tenant_id, NumberRange.name == name)
        .values(last=NumberRange.last + 1)
        .returning(NumberRange.last)
        .execution_options(synchronize_session=False)
    )


def _begin(work: Work, name: str, column: "InstrumentedAttribute[str]") -> Any:
    """Begin the range, or go on where somebody else has just begun it."""
    model: Any = column.class_
    largest = (
        select(func.coalesce(func.max(cast(column, BigInteger)), literal(_FIRST - 1)) + 1)
        .where(model.tenant_id == work.tenant_id, column.regexp_match(f"^[0-9]{{1,{_LONGEST}}}$"))
        .scalar_subquery()
    )
    return (
        insert(NumberRange)
        .values(tenant_id=work.tenant_id, name=name, last=largest)
        .on_conflict_do_update(
            index_elements=("tenant_id", "name"), set_={"last": NumberRange.last + 1}
        )
        .returning(NumberRange.last)
    )
