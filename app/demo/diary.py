"""What was written about and to a customer: activities, mails, exports."""

from datetime import datetime, timedelta
from random import Random

from app import models
from app.demo import texts
from app.demo.account import SYSTEM, Account
from app.demo.days import at_any_time, at_work

_TEMPLATES = {
    "order-confirmation": "Ihre Bestellung bei uns",
    "invoice": "Ihre neue Rechnung",
    "debit-notice": "Vorankündigung Ihrer Lastschrift",
    "reminder": "Zahlungserinnerung",
    "epaper": "Ihr E-Paper ist freigeschaltet",
    "password": "Ihr Einmalpasswort",
    "renewal": "Ihr Abo verlängert sich",
}
_NAMES = list(_TEMPLATES)

_NO_CUSTOMER = 10**12
"""Beyond the keys of all customers that there are."""


def add_activities(account: Account) -> None:
    """Notes, hints, calls and letters: as many as the account still lacks, or a few."""
    rng, detail = account.rng, account.detail
    if detail.activities is not None:
        count = detail.activities - account.activities
    else:
        count = min(int(rng.expovariate(1 / detail.ordinary_activities)), 60)
        count += 3 if detail.every_tab else 0
    if count > 0 and account.chance(0.12):
        _add_hint(account)
        count -= 1
    facts = {"title": _title(account), "name": account.person.name}
    for _ in range(count):
        _add_activity(account, facts)


def add_merge(account: Account) -> None:
    """An account of the same person that was found, in accounts that show every tab."""
    if not account.detail.every_tab:
        return
    at = account.moment(account.world.today - timedelta(days=40))
    account.log(
        "customer.merged",
        at,
        SYSTEM,
        "Kundenkonto zusammengeführt.",
        record_type="CustomerMerge",
        record_id=account.add(
            models.CustomerMerge,
            at,
            account.agent(),
            status="DONE",
            former_id=account.id + _NO_CUSTOMER,
            former_number=f"D-{account.number}",
            finished_at=at,
        ),
    )


def _title(account: Account) -> str:
    return account.rng.choice(list(account.world.catalogue.publications.values())).title


def _add_hint(account: Account) -> None:
    at = _office_hour(account)
    account.add(
        models.Activity,
        at,
        account.agent(),
        kind="HINT",
        text=account.rng.choice(texts.HINTS),
        pinned_at=at,
    )
    account.activities += 1


def _add_activity(account: Account, facts: dict[str, str]) -> None:
    rng = account.rng
    at, agent = _office_hour(account), account.agent()
    kind, template = rng.choice(texts.activities())
    text = template.format(
        day=f"{at - timedelta(days=rng.randrange(1, 9)):%d.%m.%Y}",
        later=f"{at + timedelta(days=rng.randrange(3, 25)):%d.%m.%Y}",
        amount=f"{rng.randrange(12, 160)},{rng.choice(('00', '50', '90'))} €",
        agent=agent["actor_name"],
        **facts,
    )
    account.add(models.Activity, at, agent, kind=kind, text=text)
    account.activities += 1


def _office_hour(account: Account) -> datetime:
    """Some time in the life of the account, when agents are at work."""
    day = at_any_time(account.rng, account.created, account.now).date()
    if day.weekday() == 6:
        day -= timedelta(days=1)
    return min(max(at_work(account.rng, day), account.created), account.now)


def add_mails(account: Account) -> None:
    """Mails that were sent, failed, or were never to be sent."""
    rng, recipient = account.rng, account.person.email
    if recipient is None:
        return
    least = 1 if account.detail.every_tab else 0
    for _ in range(rng.randint(least, account.detail.mails)):
        at = at_any_time(rng, account.created, account.now)
        template = rng.choice(_NAMES)
        status = _mail_status(rng)
        account.add(
            models.Mail,
            at,
            SYSTEM,
            template=template,
            recipient=recipient,
            subject=_TEMPLATES[template],
            status=status,
            sent_at=at + timedelta(seconds=4) if status == "SENT" else None,
            error="550 5.1.1 Mailbox unavailable" if status == "FAILED" else None,
        )


def _mail_status(rng: Random) -> str:
    return rng.choices(("SENT", "FAILED", "SUPPRESSED"), (93, 4, 3))[0]
