"""Opt-ins: what customers say to being approached, written down so that it can be proved."""

from datetime import datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from app.actions.opt_in_inputs import (
    ChangeOptInInput,
    DefineOptInTextInput,
    Evidence,
    RecordDoubleOptInInput,
)
from app.auth.permissions import Permission
from app.domain import opaque
from app.domain.opt_ins import confirmed_entry
from app.errors import Refusal, Refused, UserErrorCode
from app.models import OptIn, OptInEntry, OptInText
from app.models.opt_in import OptInStatus
from app.work.action import action
from app.work.idempotency import DoneBefore
from app.work.unit import Work

CONFIRMED_WITHIN = timedelta(days=14)
"""How long after a single opt-in its confirmation counts. No law names a term; a link that lies
about in old mail for longer proves little about what its holder wants."""

NONE, SINGLE, DOUBLE = OptInStatus.NONE, OptInStatus.SINGLE_OPT_IN, OptInStatus.DOUBLE_OPT_IN
OBJECTION, REVOKED = OptInStatus.OBJECTION, OptInStatus.REVOKED

TRANSITIONS = MappingProxyType(
    {
        NONE: {SINGLE, OBJECTION},
        SINGLE: {SINGLE, DOUBLE, REVOKED, OBJECTION},
        DOUBLE: {SINGLE, REVOKED, OBJECTION},
        REVOKED: {SINGLE, OBJECTION},
        OBJECTION: {SINGLE},
    }
)
"""What can follow upon what.

- A double opt-in follows upon the single one that it confirms, and upon nothing else: the second
  step proves that the address belongs to whoever took the first (BGH, 10.02.2011, I ZR 164/09).
- Objecting is possible at any time, consented or not (Art. 21 (2) and (3) GDPR; § 7 (1) UWG).
  Nothing weaker takes its place, such as a revocation that comes later.
- What was agreed to can be revoked at any time, as easily as it was given (Art. 7 (3) GDPR).
- Whatever was said before, a new consent begins at the first step and names its declaration anew;
  a link that was sent out before counts no more.
- Nobody goes back to having said nothing: the log has it.
"""


@action(
    history="opt_in_text.defined",
    needs=Permission.OPT_IN_DEFINE,
    conflicts={
        "uq_opt_in_text_tenant_id_purpose_channel_version": Refusal(
            UserErrorCode.VERSION_TAKEN,
            "There is a text of this version, which stays as it is.",
            ("version",),
        )
    },
    in_account=False,
    diary=False,
)
async def define_opt_in_text(work: Work, input: DefineOptInTextInput) -> OptInText:
    """Define a version of a declaration that customers agree to. It can't be changed or removed
    afterwards, since it is part of the proof; another wording is another version.
    """
    return work.add(
        OptInText(
            purpose=input.purpose,
            channel=input.channel.value,
            version=input.version,
            text=input.text,
            sha256=sha256(input.text.encode()).hexdigest(),
        )
    )


@action(
    history="opt_in.changed",
    needs=Permission.OPT_IN_WRITE,
    refuses=(
        UserErrorCode.OPT_IN_UNCHANGED,
        UserErrorCode.OPT_IN_NOT_ALLOWED,
        UserErrorCode.DATE_IN_FUTURE,
    ),
)
async def change_opt_in(work: Work, input: ChangeOptInInput) -> OptInEntry:
    """Write down what a customer has said to being approached for a purpose on a channel. Each
    time is a new entry in the log; none is ever changed.
    """
    customer = await work.account(input.customer_id)
    opt_in = await _opt_in(work, customer.id, input)
    newest = await _newest(work, opt_in)
    declaration = await _declaration(work, input)
    declared_at = _moment(work, input.declared_at, "declared_at")
    _check_change(work, input.status, newest, declaration)
    if input.status is SINGLE and newest is not None and declared_at < _said(newest):
        raise Refused(
            UserErrorCode.INVALID, "The customer has said something else since.", "declared_at"
        )
    return _write(
        work,
        opt_in,
        input.status,
        input,
        declared_at=declared_at,
        opt_in_text_id=declaration and declaration.id,
        text_sha256=declaration and declaration.sha256,
        confirm_until=declared_at + CONFIRMED_WITHIN if input.status is SINGLE else None,
    )


@action(
    history="opt_in.confirmed",
    needs=Permission.OPT_IN_CONFIRM,
    refuses=(
        UserErrorCode.CONFIRMATION_INVALID,
        UserErrorCode.CONFIRMATION_EXPIRED,
        UserErrorCode.DATE_IN_FUTURE,
    ),
)
async def record_double_opt_in(work: Work, input: RecordDoubleOptInInput) -> OptInEntry:
    """Write down that a customer confirmed a single opt-in by the link sent to them. A second
    click changes nothing, and gives the entry of the first.
    """
    single = await _single(work, input.token)
    await work.account(opaque.encode(f"Customer:{single.customer_id}"), "token")
    (opt_in,) = await work.rows(OptIn, OptIn.id == single.opt_in_id)
    newest = await _newest(work, opt_in)
    if newest is not None and newest.confirms_id == single.id:
        raise DoneBefore(newest)
    if newest is not single:
        raise Refused(
            UserErrorCode.CONFIRMATION_INVALID,
            "The customer has said something else since.",
            "token",
        )
    clicked_at = _moment(work, input.clicked_at, "clicked_at")
    if clicked_at < _said(single):
        raise Refused(
            UserErrorCode.INVALID, "Nothing was there to be confirmed then.", "clicked_at"
        )
    if single.confirm_until is None or clicked_at > single.confirm_until:
        raise Refused(
            UserErrorCode.CONFIRMATION_EXPIRED, "It was clicked too late to count.", "token"
        )
    return _write(
        work,
        opt_in,
        DOUBLE,
        input,
        declared_at=clicked_at,
        opt_in_text_id=single.opt_in_text_id,
        text_sha256=single.text_sha256,
        confirms_id=single.id,
    )


async def _opt_in(work: Work, customer_id: int, input: ChangeOptInInput) -> OptIn:
    """The state that is to be changed, which is `NONE` where nothing was said before."""
    known = await work.rows(
        OptIn,
        OptIn.customer_id == customer_id,
        OptIn.purpose == input.purpose,
        OptIn.channel == input.channel.value,
    )
    if known:
        return known[0]
    opt_in = work.add(
        OptIn(
            customer_id=customer_id,
            purpose=input.purpose,
            channel=input.channel.value,
            status=NONE.value,
        )
    )
    await work.flush()
    return opt_in


async def _newest(work: Work, opt_in: OptIn) -> OptInEntry | None:
    """The entry that says the state."""
    newest = (
        select(OptInEntry)
        .where(OptInEntry.tenant_id == work.tenant_id, OptInEntry.opt_in_id == opt_in.id)
        .order_by(OptInEntry.created_at.desc(), OptInEntry.id.desc())
        .limit(1)
    )
    return await work.session.scalar(newest)


async def _declaration(work: Work, input: ChangeOptInInput) -> OptInText | None:
    """The text that was agreed to."""
    if not input.text_version:
        if input.status is SINGLE:
            raise Refused(
                UserErrorCode.REQUIRED, "A consent needs what was agreed to.", "text_version"
            )
        return None
    found = await work.rows(
        OptInText,
        OptInText.purpose == input.purpose,
        OptInText.channel == input.channel.value,
        OptInText.version == input.text_version,
    )
    if not found:
        raise Refused(
            UserErrorCode.NOT_FOUND,
            "There is no text of this version for the purpose and the channel.",
            "text_version",
        )
    return found[0]


async def _single(work: Work, token: str) -> OptInEntry:
    """The single opt-in that a token confirms."""
    key = confirmed_entry(work.keyring.lookup_hash, work.tenant_id, token)
    found = [] if key is None else await work.rows(OptInEntry, OptInEntry.id == key)
    if not found:
        raise Refused(UserErrorCode.CONFIRMATION_INVALID, "This token confirms nothing.", "token")
    return found[0]


def _check_change(
    work: Work, status: OptInStatus, newest: OptInEntry | None, declaration: OptInText | None
) -> None:
    """See that something changes, and that it can."""
    now = NONE if newest is None else OptInStatus(newest.status)
    if status is now and status is not SINGLE:
        raise Refused(UserErrorCode.OPT_IN_UNCHANGED, "The customer has said so before.")
    if status is DOUBLE:
        raise Refused(
            UserErrorCode.OPT_IN_NOT_ALLOWED,
            "Only the customer's confirmation of a single opt-in makes it a double one.",
            "status",
        )
    if status not in TRANSITIONS[now]:
        raise Refused(
            UserErrorCode.OPT_IN_NOT_ALLOWED, f"{status} can't follow upon {now}.", "status"
        )
    if status is SINGLE and newest is not None and declaration is not None:
        same = newest.opt_in_text_id == declaration.id
        expired = newest.confirm_until is not None and newest.confirm_until < work.now
        if now in (SINGLE, DOUBLE) and same and not expired:
            raise Refused(
                UserErrorCode.OPT_IN_UNCHANGED, "The customer has agreed to this text before."
            )


def _moment(work: Work, given_at: datetime | None, field: str) -> datetime:
    """When something was said: now, where the client does not say when."""
    if not given_at:
        return work.now
    if given_at > work.now:
        raise Refused(UserErrorCode.DATE_IN_FUTURE, "This lies in the future.", field)
    return given_at


def _said(entry: OptInEntry) -> datetime:
    return entry.declared_at or entry.created_at


def _write(
    work: Work,
    opt_in: OptIn,
    status: OptInStatus,
    evidence: Evidence,
    *,
    declared_at: datetime,
    **values: Any,
) -> OptInEntry:
    """Add an entry to the log, and let the state follow."""
    opt_in.status = status.value
    work.note(f"Opt-in {opt_in.purpose}, {opt_in.channel}: {status}.")
    return work.add(
        OptInEntry(
            customer_id=opt_in.customer_id,
            opt_in_id=opt_in.id,
            status=status.value,
            source=evidence.source,
            ip=evidence.ip or None,
            user_agent=evidence.user_agent or None,
            declared_at=None if declared_at == work.now else declared_at,
            **values,
        )
    )
