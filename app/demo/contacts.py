"""How to reach a customer and their money: account, addresses, bank accounts, logins."""

from base64 import b32encode
from datetime import timedelta
from typing import Any

from app import models
from app.demo import texts
from app.demo.account import IMPORT, SYSTEM, Account
from app.demo.banks import some_account
from app.demo.batch import as_json
from app.demo.days import at_any_time, at_work
from app.demo.declarations import some_ip
from app.demo.people import somebody
from app.domain.iban import mask

_TAGS = ("vip", "bibliothek", "gastronomie", "probeabo", "mitarbeiter", "rückgewonnen")
_GROUPS = ("Privat", "Gastronomie", "Bildung", "Gesundheit")
_FAILURES = ("WRONG_PASSWORD", "WRONG_PASSWORD", "WRONG_CODE", "PASSWORD_EXPIRED")


def add_customer(account: Account, **locks: Any) -> None:
    """The customer's own row."""
    rng, person = account.rng, account.person
    two_factor: dict[str, Any] = {}
    if person.email and account.world.password_hash and rng.random() < 0.06:
        two_factor = {
            "totp_secret": account.world.keyring.encrypt(
                b32encode(rng.randbytes(20)).decode(), models.Customer.totp_secret
            ),
            "two_factor_since": at_any_time(rng, account.created, account.now),
        }
    account.id = account.batch.add(
        models.Customer,
        number=account.number,
        external_id=f"crm-{int(account.number) * 7:09}" if rng.random() < 0.4 else None,
        email=person.email,
        salutation=person.salutation,
        title=person.title,
        first_name=person.first_name,
        last_name=person.last_name,
        company=person.company,
        phone=person.phone,
        birthday=person.birthday,
        tags=[rng.choice(_TAGS)] if rng.random() < 0.15 else [],
        additional_data=as_json(_additional_data(account)),
        password_hash=account.world.password_hash if person.email else None,
        created_at=account.created,
        changed_at=account.created,
        **(IMPORT if rng.random() < 0.3 else SYSTEM),
        **two_factor,
        **locks,
    )
    account.log("customer.created", account.created, SYSTEM, "Kundenkonto angelegt.")


def _additional_data(account: Account) -> dict[str, Any]:
    if account.rng.random() > 0.3:
        return {}
    data: dict[str, Any] = {"customerGroup": account.rng.choice(_GROUPS)}
    if account.rng.random() < 0.5:
        data["clubNumber"] = f"C-{account.rng.randrange(10_000, 99_999)}"
    return data


def add_addresses(account: Account) -> None:
    """The invoice address, often another one for deliveries, and now and then a future one."""
    rng, person = account.rng, account.person
    fields = {**person.address(), "validation": rng.choice(("VALID", "VALID", "NONE", "SUSPECT"))}
    at = account.created
    account.addresses["INVOICE"] = account.add(
        models.Address, at, SYSTEM, type="INVOICE", preferred=True, **fields
    )
    if account.chance(0.3):
        note = rng.choice(texts.DELIVERY_NOTES) if rng.random() < 0.5 else None
        at = at_any_time(rng, account.created, account.now)
        account.addresses["DELIVERY"] = account.add(
            models.Address,
            at,
            account.customer,
            type="DELIVERY",
            preferred=True,
            delivery_note=note,
            **fields,
        )
        account.log("address.added", at, account.customer, "Lieferadresse hinzugefügt.")
    if rng.random() < 0.05:
        _add_future_address(account)


def _add_future_address(account: Account) -> None:
    rng, today = account.rng, account.world.today
    elsewhere = somebody(rng, 0, today, account.world.austrian)
    fields = account.person.address()
    for key in ("street", "house_number", "postal_code", "city", "country"):
        fields[key] = elsewhere.address()[key]
    day = today + timedelta(days=rng.randrange(5, 60))
    account.add(
        models.Address, account.now, account.agent(), type="INVOICE", valid_from=day, **fields
    )


def add_bank_account(account: Account) -> None:
    """A bank account with a mandate, and the transaction that its creation was."""
    rng, person = account.rng, account.person
    iban, bank = some_account(rng, person.place.country)
    at = at_any_time(rng, account.created, min(account.created + timedelta(3), account.now))
    reference = f"M-{account.number}-1"
    account.bank_account = account.add(
        models.BankAccount,
        at,
        account.customer,
        owner=person.name,
        bic=bank.bic,
        bank_name=bank.name,
        mandate_reference=reference,
        mandate_signed_on=at.date(),
        preferred=True,
        iban=account.world.keyring.encrypt(iban, models.BankAccount.iban),
        iban_hash=account.world.keyring.lookup_hash(iban),
        iban_masked=mask(iban),
    )
    account.add(
        models.Transaction,
        at,
        SYSTEM,
        action="SEPA_MANDATE_CREATION",
        status="SUCCESS",
        amount=0,
        currency=account.world.catalogue.currency,
        executed_on=at.date(),
        bank_account_id=account.bank_account,
        reference=reference,
    )
    account.log("bank_account.added", at, account.customer, "Bankverbindung hinzugefügt.")


def add_logins(account: Account, *, blocked: bool) -> None:
    """Attempts to log in, mostly of late; a few fail."""
    rng = account.rng
    if not account.person.email and not account.detail.every_tab:
        return
    agent, ip = rng.choice(texts.USER_AGENTS), some_ip(account)
    for _ in range(rng.randint(1 if account.detail.every_tab else 0, account.detail.logins)):
        days = rng.expovariate(1 / 60)
        at = max(account.now - timedelta(days=days), account.created)
        failure = rng.choice(_FAILURES) if rng.random() < 0.1 else None
        if blocked and days < 20:
            failure = "LOGIN_BLOCKED"
        account.add(
            models.Login,
            at,
            account.customer,
            succeeded=failure is None,
            failure=failure,
            ip=ip,
            user_agent=agent,
        )


def locks_of(account: Account, kind: str | None) -> dict[str, Any]:
    """The columns of a lock: `login`, `access` or none."""
    if kind is None:
        return {}
    day = account.world.today - timedelta(days=account.rng.randrange(2, 20))
    return {
        f"{kind}_blocked_at": max(at_work(account.rng, day), account.created),
        f"{kind}_blocked_reason": account.rng.choice(texts.BLOCK_REASONS),
    }


def log_lock(account: Account, locks: dict[str, Any]) -> None:
    """Write down that the customer was blocked."""
    for column, at in locks.items():
        if column.endswith("_blocked_at"):
            login = column.startswith("login")
            account.log(
                "customer.blocked" if login else "access.blocked",
                at,
                account.agent(),
                "Kunde gesperrt." if login else "Zugang zu den Produkten gesperrt.",
                record_type="Customer",
                record_id=account.id,
                before=as_json({column: None}),
                after=as_json({column: at.isoformat()}),
            )
