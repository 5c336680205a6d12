"""Issues on their way to readers, and what is given away when one does not arrive."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from app import models
from app.demo import texts
from app.demo.account import SYSTEM, Account
from app.demo.contracts import Contract
from app.demo.days import at_work

_DAYS_AHEAD = 40
_SENT_AT = time(2, 30)


def add_deliveries(account: Account, contract: Contract) -> None:
    """The latest issues of a subscription, those to come, and the goodwill about them.

    Where the account has an exact number of deliveries, the last contract with a publication
    gets what is left of it.
    """
    if contract.offer.publication is None:
        return
    today = account.world.today
    schedule = _schedule(account, contract)
    past = [entry for entry in schedule if entry[0] < today]
    ahead = [entry for entry in schedule if entry[0] >= today][: account.detail.planned]
    redelivered = _redelivered(account, contract, past)
    if account.detail.deliveries is None:
        recent = account.detail.recent_deliveries
    else:
        recent = account.detail.deliveries - account.deliveries - len(ahead) - redelivered
    skipped = max(len(past) - max(recent, 0), 0)
    free = _add_free_issues(account, contract)
    first_free = (contract.offer.plan.issues or 0) * len(contract.periods)
    sent: list[tuple[int, int, date]] = []
    for position, (day, issue) in enumerate(past[skipped:] + ahead, start=skipped):
        given = free is not None and position >= first_free
        key = _add_delivery(account, contract, issue, day, goodwill=free if given else None)
        if day < today:
            sent.append((key, issue, day))
    if redelivered:
        _redeliver(account, contract, sent[-redelivered - 2 :][:redelivered])


def _schedule(account: Account, contract: Contract) -> list[tuple[date, int]]:
    """All issues that belong to the contract, free ones after the regular ones."""
    publication, plan = contract.offer.publication, contract.offer.plan
    if publication is None:
        return []
    today = account.world.today
    last = date.max if plan.issues else today + timedelta(days=_DAYS_AHEAD)
    if contract.ends_on:
        last = min(last, contract.ends_on)
    if contract.status == "PAUSED":
        last = today - timedelta(days=1)
    issues = publication.between(contract.starts_on, last)
    if plan.issues:
        issues = issues[: plan.issues * len(contract.periods) + contract.free_issues]
    return issues


def _redelivered(account: Account, contract: Contract, past: list[tuple[date, int]]) -> int:
    if len(past) < 4 or not contract.runs or not account.chance(0.06):
        return 0
    return account.rng.randint(1, 2)


def _add_delivery(
    account: Account,
    contract: Contract,
    issue: int,
    day: date,
    *,
    goodwill: int | None = None,
    **fields: Any,
) -> int:
    """One delivery, planned or sent according to its day; rarely one comes back."""
    status = "PLANNED"
    if day < account.world.today:
        status = "RETURNED" if account.rng.random() < 0.004 else "SENT"
    planned = datetime.combine(day, _SENT_AT, UTC)
    account.deliveries += 1
    return account.add(
        models.Delivery,
        max(min(planned - timedelta(days=9), account.now), account.created),
        SYSTEM,
        **{
            "subscription_id": contract.id,
            "issue_id": issue,
            "publishing_on": day,
            "address_id": account.delivery_address,
            "kind": "FREE" if goodwill else "REGULAR",
            "status": status,
            "quantity": contract.quantity,
            "goodwill_id": goodwill,
            "sent_at": planned if status != "PLANNED" else None,
            **fields,
        },
    )


def _add_free_issues(account: Account, contract: Contract) -> int | None:
    if not contract.free_issues:
        return None
    plan = contract.offer.plan
    value = contract.offer.price * contract.quantity / (plan.issues or 1) * contract.free_issues
    return _add_goodwill(account, contract, "FREE_ISSUES", contract.free_issues, value)


def _add_goodwill(
    account: Account, contract: Contract, kind: str, count: int, value: Decimal
) -> int:
    rng = account.rng
    day = account.world.today - timedelta(days=rng.randrange(1, 25))
    at, agent = max(at_work(rng, day), account.created), account.agent()
    reason_kind, reason = rng.choice(texts.GOODWILL_REASONS)
    goodwill = account.add(
        models.Goodwill,
        at,
        agent,
        kind=kind,
        count=count,
        reason_kind=reason_kind,
        reason=reason,
        subscription_id=contract.id,
        value=value.quantize(Decimal("0.01")),
        currency=account.world.catalogue.currency,
    )
    account.log(
        "goodwill.free_issues_added" if kind == "FREE_ISSUES" else "goodwill.issues_redelivered",
        at,
        agent,
        f"Kulanz: {count} Heft(e) kostenlos. Grund: {reason}.",
        record_type="Goodwill",
        record_id=goodwill,
    )
    return goodwill


def _redeliver(account: Account, contract: Contract, lost: list[tuple[int, int, date]]) -> None:
    """Send issues again that did not arrive, at no price."""
    months = 12 if contract.offer.plan.accounting[1].value == "YEAR" else 1
    copies = contract.offer.plan.issues or months * contract.offer.plan.accounting[0] * 26
    value = contract.offer.price * contract.quantity / copies * len(lost)
    goodwill = _add_goodwill(account, contract, "REDELIVERY", len(lost), value)
    for original, issue, _day in lost:
        _add_delivery(
            account,
            contract,
            issue,
            account.world.today + timedelta(days=1),
            kind="REDELIVERY",
            status="PLANNED",
            sent_at=None,
            original_id=original,
            goodwill_id=goodwill,
        )
