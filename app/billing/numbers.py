"""Numbers of invoices: one after the other, without a gap, for each year."""

from typing import Any

from sqlalchemy import Integer, cast, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from app.models import Invoice, NumberRange
from app.work.unit import Work

_DIGITS = 7


async def next_invoice_numbers(work: Work, prefix: str, count: int) -> list[str]:
    """The next numbers of the year's range in their order, as `RE-2026-0000017`.

    Whoever takes some holds the range until their transaction ends, so that numbers are given
    again when it is undone: none is missing, and none is there twice (§ 14 (4) Nr. 4 UStG asks for
    the second; the first is what auditors ask for). They are taken last, since others wait for
    them. A range that nobody has begun goes on after the largest number that is there, as from an
    import.
    """
    stem = f"{prefix}{(await work.today()).year}-"
    name = f"invoice {stem}"
    following = (
        update(NumberRange)
        .where(NumberRange.tenant_id == work.tenant_id, NumberRange.name == name)
        .values(last=NumberRange.last + count)
        .returning(NumberRange.last)
        .execution_options(synchronize_session=False)
    )
    last: int | None = await work.session.scalar(following)
    if last is None:
        last = await work.session.scalar(_begin(work, name, stem, count))
    assert last is not None  # noqa: S101  It was begun.
    return [f"{stem}{number:0{_DIGITS}}" for number in range(last - count + 1, last + 1)]


def _begin(work: Work, name: str, stem: str, count: int) -> Any:
    """Begin a range, or go on where somebody else has just begun it."""
    counter = func.substr(Invoice.number, len(stem) + 1)
    largest = (
        select(func.coalesce(func.max(cast(counter, Integer)), literal(0)) + count)
        .where(
            Invoice.tenant_id == work.tenant_id,
            Invoice.number.startswith(stem, autoescape=True),
            counter.regexp_match("^[0-9]{1,9}$"),
        )
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
