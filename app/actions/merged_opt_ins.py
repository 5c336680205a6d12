"""What two customers have said to being approached, as one.

A consent is given for an e-mail address or a telephone number: what proves it proves that this one
belongs to who consented (BGH, 10.02.2011, I ZR 164/09). So it lapses where another one is kept.
What forbids was said by the person, whichever address they used.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.actions.merging import Pair
from app.models import Customer, OptIn, OptInEntry
from app.models.opt_in import CONSENTED_FOR, CONSENTS, OptInChannel, OptInStatus
from app.work.unit import Work

_FORBIDDING = (OptInStatus.OBJECTION, OptInStatus.REVOKED)
"""What goes on to count whatever else was said: objecting is stronger than revoking."""

_EVIDENCE = (
    "status",
    "source",
    "ip",
    "user_agent",
    "opt_in_text_id",
    "text_sha256",
    "confirm_until",
)

LAPSED = "Accounts were merged: the address or number that it was given for is used no more."
"""The source of a revocation that follows from a merge."""


class Saying(NamedTuple):
    """What one customer has said last, for one purpose on one channel."""

    entry: OptInEntry
    lapses: bool
    """Whether a consent was given for what is not kept."""

    @property
    def status(self) -> OptInStatus:
        """What was said."""
        return OptInStatus(self.entry.status)

    @property
    def consent_lapses(self) -> bool:
        """Whether this is a consent that counts no more."""
        return self.lapses and self.status in CONSENTS


Topic = Sequence[Saying]
"""What either customer has said to the same."""


async def topics(work: Work, pair: Pair, values: Mapping[str, Any]) -> list[Topic]:
    """What both have said so far, by purposes and channels; `values` are those that are kept."""
    same = (OptIn.purpose, OptIn.channel)
    newest = (
        select(OptIn.customer_id, *same, OptInEntry)
        .join(
            OptInEntry,
            and_(OptInEntry.tenant_id == OptIn.tenant_id, OptInEntry.opt_in_id == OptIn.id),
        )
        .where(OptIn.tenant_id == work.tenant_id, OptIn.customer_id.in_([one.id for one in pair]))
        .ext(distinct_on(*same, OptIn.id))
        .order_by(*same, OptIn.id, OptInEntry.created_at.desc(), OptInEntry.id.desc())
    )
    rows = (await work.session.execute(newest)).all()
    gone = {customer.id: _given_up(customer, values) for customer in pair}
    return [
        [Saying(row.OptInEntry, row.channel in gone[row.customer_id]) for row in topic]
        for _, topic in groupby(rows, key=lambda row: (row.purpose, row.channel))
    ]


def _given_up(customer: Customer, values: Mapping[str, Any]) -> frozenset[OptInChannel]:
    """The channels on which another address or number is kept than a customer's."""
    return frozenset(
        channel
        for channel, column in CONSENTED_FOR.items()
        if getattr(customer, column) != values[column]
    )


def deciding(topic: Topic) -> Saying | None:
    """What counts of what was said; None where it was a consent that lapses."""
    for forbidding in _FORBIDDING:
        if said := [saying for saying in topic if saying.status is forbidding]:
            return _newest(said)
    if any(saying.lapses for saying in topic):
        for saying in topic:
            if saying.status in CONSENTS and not saying.lapses:
                return saying
        if any(saying.consent_lapses for saying in topic):
            return None
    return _newest(topic)


async def settle(work: Work, kept: Customer, said: Sequence[Topic]) -> None:
    """Let the logs, which are one by now, end with what counts, as the state is their newest entry.

    What counts and was not said last is said once more, with its evidence.
    """
    for topic in said:
        newest, counting = _newest(topic), deciding(topic)
        if counting is newest:
            continue
        await work.session.refresh(newest.entry, [OptInEntry.opt_in_id.key])
        again = (
            {"status": OptInStatus.REVOKED.value, "source": LAPSED}
            if counting is None
            else _once_more(counting.entry)
        )
        work.add(
            OptInEntry(customer_id=kept.id, opt_in_id=newest.entry.opt_in_id, **again),
        )


def _once_more(entry: OptInEntry) -> dict[str, Any]:
    return {
        **{name: getattr(entry, name) for name in _EVIDENCE},
        "declared_at": entry.declared_at or entry.created_at,
        # A single opt-in is confirmed by one entry only, which this one leads to.
        "confirms_id": entry.id if entry.status == OptInStatus.DOUBLE_OPT_IN else None,
    }


def _newest(topic: Topic) -> Saying:
    return max(topic, key=lambda saying: (saying.entry.created_at, saying.entry.id))
