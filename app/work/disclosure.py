"""Encrypted values, told to those who may know them: each telling is in the history beforehand.

Reads can't write. What a request wants to be told is therefore gathered, and one transaction of
the writing pool notes all of it before anything is decrypted. If that fails, nothing is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiodataloader import DataLoader
from sqlalchemy import BigInteger, Insert, Select, func, insert, literal, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute

from app import models
from app.auth.permissions import Permission
from app.context import Disclose, forbidden
from app.database import Principal
from app.encryption import EncryptionError, Keyring
from app.errors import ApiError, ErrorCode
from app.models.base import CustomerRecord
from app.work.idempotency import LOCK_NOT_AVAILABLE
from app.work.perform import BUSY
from app.work.unit import actor_of
from app.writing import Transaction, Writing


@dataclass(frozen=True, eq=False)
class Disclosed:
    """An encrypted column of a customer's record, who may be told it, and what history says."""

    column: "InstrumentedAttribute[bytes | None]"
    needs: Permission
    history: str

    @property
    def model(self) -> type[CustomerRecord]:
        """The table that it is a column of."""
        return self.column.class_  # type: ignore[return-value]  # It may be an alias elsewhere.


IBAN = Disclosed(
    models.BankAccount.iban, Permission.BANK_ACCOUNT_REVEAL, "bank_account.iban_disclosed"
)

Key = tuple[Disclosed, int]


class Disclosing:
    """What the requests of a worker are told values by."""

    def __init__(self, writing: Writing, keyring: Keyring) -> None:
        self.writing = writing
        self.keyring = keyring

    def __call__(self, token_hash: bytes) -> Disclose:
        """What one request, by the holder of a token, is told values by."""
        disclosures = _Disclosures(self, token_hash)

        async def disclose(disclosed: Disclosed, key: int) -> str | None:
            return await disclosures.load((disclosed, key))

        return disclose


class _Disclosures(DataLoader[Key, str | None]):
    """Gathers what one request wants to be told in a tick; a value is told and noted once."""

    def __init__(self, disclosing: Disclosing, token_hash: bytes) -> None:
        super().__init__()
        self._disclosing = disclosing
        self._token_hash = token_hash

    async def batch_load_fn(self, keys: list[Key]) -> list[Any]:
        """Note that the values are told, and then decrypt them.

        Raises:
            ApiError: UNAUTHENTICATED or FORBIDDEN by what the caller may at this moment, or
                UNAVAILABLE when others hold the accounts.
        """
        try:
            async with self._disclosing.writing.transaction(self._token_hash) as transaction:
                stored = await _noted(transaction, keys)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
                raise ApiError(ErrorCode.UNAVAILABLE, BUSY) from error
            raise
        return [self._decrypted(key, stored.get(key)) for key in keys]

    def _decrypted(self, key: Key, stored: bytes | None) -> str | EncryptionError | None:
        """A value; what is wrong with it is its own error and leaves the others."""
        if stored is None:
            return None
        try:
            return self._disclosing.keyring.decrypt(stored, key[0].column)
        except EncryptionError as error:
            return error


async def _noted(transaction: Transaction, keys: Sequence[Key]) -> dict[Key, bytes]:
    """Write the entries, and give the encrypted values that they are about."""
    found: dict[Key, bytes] = {}
    for disclosed in dict.fromkeys(disclosed for disclosed, _ in keys):
        if disclosed.needs not in transaction.principal.permissions:
            raise forbidden(disclosed.needs)
        ids = [key for kind, key in keys if kind is disclosed]
        # An entry is made after those of whatever is being done to the account now.
        await transaction.session.execute(_lock(disclosed, transaction.principal, ids))
        rows = await transaction.session.execute(_note(disclosed, transaction.principal, ids))
        found |= {(disclosed, key): stored for key, stored in rows}
    return found


def _lock(disclosed: Disclosed, principal: Principal, ids: list[int]) -> Select[Any]:
    """Wait for whoever changes the accounts, in one order for all who do this."""
    record, customer = disclosed.model, models.Customer
    return (
        select(customer.id)
        .join(
            record, (record.tenant_id == customer.tenant_id) & (record.customer_id == customer.id)
        )
        .where(record.tenant_id == principal.tenant_id, record.id.in_(ids))
        .order_by(customer.id)
        .with_for_update(of=customer, read=True, key_share=True)
    )


def _note(disclosed: Disclosed, principal: Principal, ids: list[int]) -> Select[Any]:
    """Write an entry for each value that is there, and read the values, in one statement."""
    record = disclosed.model
    there = (
        select(record.id, record.customer_id, disclosed.column.label("stored"))
        .where(
            record.tenant_id == principal.tenant_id,
            record.id.in_(ids),
            disclosed.column.is_not(None),
        )
        .cte("there")
    )
    now = func.statement_timestamp()
    actor = actor_of(principal)
    values: dict[str, Any] = {
        "tenant_id": literal(principal.tenant_id),
        "customer_id": there.c.customer_id,
        "action": literal(disclosed.history),
        "record_type": literal(record.__name__),
        "record_id": there.c.id,
        "created_at": now,
        "changed_at": now,
        "actor_kind": literal(actor["actor_kind"]),
        "actor_id": literal(actor["actor_id"], BigInteger),
        "actor_name": literal(actor["actor_name"]),
    }
    entries: Insert = insert(models.History).from_select(list(values), select(*values.values()))
    return select(there.c.id, there.c.stored).add_cte(entries.cte("entries"))
