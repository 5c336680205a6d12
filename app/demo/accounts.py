"""Makes whole accounts: in the same way for the demonstration and for a million customers."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB

from app.demo import contacts, contracts, orders, texts
from app.demo.account import Account, Detail, World
from app.demo.batch import Batch
from app.demo.billing import bill
from app.demo.declarations import add_opt_ins
from app.demo.deliveries import add_deliveries
from app.demo.diary import add_activities, add_mails, add_merge
from app.demo.people import Person, somebody

FIRST_NUMBER = 10_001
_OLDEST_DAYS = 7 * 365


def add_account(
    world: World,
    batch: Batch,
    index: int,
    detail: Detail,
    *,
    offers: tuple[str, ...] | None = None,
    lock: str | None = None,
    anonymized: bool = False,
    company: str | None = None,
) -> Account:
    """Make the account of the customer at a place, always the same for the same day.

    `offers` names what the customer has subscribed to, for good; otherwise it is made up.
    """
    rng = Random(f"abokonto:{index}")  # noqa: S311  Nothing is to be kept secret here.
    number = FIRST_NUMBER + index
    account = Account(
        world,
        batch,
        rng,
        detail,
        str(number),
        _person(rng, world, number, detail, company),
        _created(rng, world, old=detail.every_tab or anonymized),
    )
    locks = contacts.locks_of(account, lock)
    contacts.add_customer(account, **locks)
    contacts.log_lock(account, locks)
    contacts.add_addresses(account)
    if account.chance(0.7):
        contacts.add_bank_account(account)
    _add_contracts(account, offers, ended=anonymized)
    if account.chance(0.08):
        orders.add_manual_access(account)
    add_opt_ins(account)
    contacts.add_logins(account, blocked=lock == "login")
    add_mails(account)
    add_merge(account)
    add_activities(account)
    if anonymized:
        _anonymize(account)
    return account


def _person(rng: Random, world: World, number: int, detail: Detail, company: str | None) -> Person:
    person = somebody(rng, number, world.today, world.austrian)
    if detail.every_tab and person.email is None:
        person = replace(person, email=f"kunde.{number}@example.org")
    return replace(person, company=company, birthday=None) if company else person


def _created(rng: Random, world: World, *, old: bool) -> datetime:
    """Most accounts are young; those that show much are old."""
    days = _OLDEST_DAYS if old else 20 + int(rng.random() ** 1.6 * _OLDEST_DAYS)
    day = world.today - timedelta(days=days)
    return datetime.combine(day, time(5), UTC) + timedelta(seconds=rng.randrange(60_000))


def _add_contracts(account: Account, offers: tuple[str, ...] | None, *, ended: bool) -> None:
    rng, catalogue = account.rng, account.world.catalogue
    chosen: list[Any] = [catalogue.offer(code) for code in offers or ()]
    if offers is None:
        chosen = [None] * rng.choices((0, 1, 2), (14, 72, 14))[0]
    for position, offer in enumerate(chosen, start=1):
        contract = contracts.plan_contract(account, position, offer)
        if offers is None or ended:
            contracts.end_some(account, contract, surely=ended)
        orders.add_order(account, contract)
        contracts.add_contract(account, contract)
        orders.add_access(account, contract)
        bill(account, contract)
        add_deliveries(account, contract)


_KEPT: dict[str, dict[str, Any]] = {
    "address": {
        "last_name": texts.ANONYMOUS,
        "street": "-",
        "postal_code": "-",
        "city": "-",
        "country": "ZZ",
    },
    "customer": {"language": "de", "tags": []},
}


def _anonymize(account: Account) -> None:
    """Scrub every column that is declared personal, but for what the law wants kept."""
    at = account.now - timedelta(days=30)
    for table, record in account.batch.records_of(account.id):
        for column in table.columns:
            if _is_to_be_scrubbed(column, record):
                kept = _KEPT.get(table.name, {})
                record[column.name] = kept.get(column.name, _scrubbed(account, column, record))
        if table.name == "customer":
            record["anonymized_at"] = at
            record["two_factor_since"] = None
    account.log("customer.anonymized", at, account.agent(), "Kunde anonymisiert.")


def _is_to_be_scrubbed(column: Any, record: dict[str, Any]) -> bool:
    """An agent's name is not the customer's to have scrubbed."""
    info: dict[str, bool] = column.info
    if column.name not in record or not info.get("personal") or info["retained"]:
        return False
    return column.name != "actor_name" or bool(record["actor_kind"] == "CUSTOMER")


def _scrubbed(account: Account, column: Any, record: dict[str, Any]) -> Any:
    if column.nullable:
        return None
    if isinstance(column.type, JSONB):
        return "{}"
    if column.name in ("number", "mandate_reference"):
        return f"ANONYM-{account.rng.getrandbits(32):08X}"
    value = record[column.name]
    return texts.ANONYMOUS if isinstance(value, str) else value
