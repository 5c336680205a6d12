"""Carries out actions: permission, idempotency, one transaction, the rule, and what is kept."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.context import Done, forbidden
from app.encryption import Keyring
from app.errors import ApiError, ErrorCode, Refused
from app.storage import Storage
from app.work.action import Action, Routine
from app.work.batch import Batch
from app.work.files import Staged, Staging
from app.work.idempotency import LOCK_NOT_AVAILABLE, DoneBefore, claim
from app.work.inputs import checked
from app.work.unit import Clock, Work, the_databases
from app.writing import Writing

MOST_ATTEMPTS = 3
_AGAIN = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: the transaction is undone and may succeed the next time."""

Result = TypeVar("Result")

_READ_ONLY = text("SET TRANSACTION READ ONLY")

BUSY = "Somebody else is changing the same at the moment. Try again soon."


class Performer:
    """Does what callers ask for, by the rules of actions."""

    def __init__(
        self,
        writing: Writing,
        keyring: Keyring,
        storage: Storage,
        staging: Staging,
        clock: Clock = the_databases,
    ) -> None:
        self._writing = writing
        self._keyring = keyring
        self._storage = storage
        self._staging = staging
        self._clock = clock

    async def perform(self, action: Action, input: Any, token_hash: bytes) -> Done:
        """Do an action for whoever holds a token.

        Raises:
            Refused: its rules stand against it, and nothing was written.
            ApiError: UNAUTHENTICATED, FORBIDDEN, or UNAVAILABLE when others hold what it needs.
        """
        kept = checked(input)
        async with self._staging.staged(kept, token_hash) as files:
            return await self._attempts(action, kept, files, token_hash)

    async def rehearse(
        self,
        action: Action,
        rule: Callable[[Work, Any], Awaitable[Result]],
        input: Any,
        token_hash: bytes,
    ) -> Result:
        """Find out what an action would do, by a rule that shares its reckoning and writes nothing.

        It asks for the action's permission. PostgreSQL lets it neither write nor lock.

        Raises:
            Refused: The input is wrong, or what stands against the action.
            ApiError: UNAUTHENTICATED or FORBIDDEN.
        """
        kept = checked(input)
        async with self._writing.transaction(token_hash) as transaction:
            if action.needs not in transaction.principal.permissions:
                raise forbidden(action.needs)
            await transaction.session.execute(_READ_ONLY)
            work = Work(
                action, transaction, self._keyring, self._storage, self._clock, rehearsing=True
            )
            return await rule(work, kept)

    async def run(self, routine: Routine, input: Any, tenant_id: int) -> int | None:
        """Carry out a routine for a tenant; the key of the record that it was about.

        None where nothing was to do. Nothing is written where it raises.

        Raises:
            ApiError: UNAVAILABLE when others hold what it needs.
        """

        async def attempt() -> int | None:
            async with self._writing.system_transaction(tenant_id) as transaction:
                work = Work(routine, transaction, self._keyring, self._storage, self._clock)
                about = await routine.rule(work, input)
                return None if about is None else await work.finish(about)

        return await _again(attempt)

    async def run_batch(
        self,
        rule: Callable[[Batch, Any], Awaitable[Result]],
        input: Any,
        tenant_id: int,
    ) -> Result:
        """Carry out a rule over many of a tenant's records, by the system; what the rule gives.

        Nothing is written where it raises.

        Raises:
            ApiError: UNAVAILABLE when others hold what it waits for.
        """

        async def attempt() -> Result:
            async with self._writing.system_transaction(tenant_id) as transaction:
                batch = Batch(transaction, self._keyring, self._storage, self._clock)
                result = await rule(batch, input)
                await batch.finish_all()
                return result

        return await _again(attempt)

    async def _attempts(self, action: Action, input: Any, files: Staged, token_hash: bytes) -> Done:
        try:
            return await _again(lambda: self._attempt(action, input, files, token_hash))
        except DoneBefore as done:
            return Done(done.key)
        except IntegrityError as error:
            raise _conflict(action, error) from error

    async def _attempt(self, action: Action, input: Any, files: Staged, token_hash: bytes) -> Done:
        async with self._writing.transaction(token_hash) as transaction:
            if action.needs not in transaction.principal.permissions:
                raise forbidden(action.needs)
            work = Work(action, transaction, self._keyring, self._storage, self._clock)
            work.files = files
            known = await claim(work, input)
            if known is not None:
                return Done(known)
            return Done(await work.finish(await action.rule(work, input)), work.shown)


async def _again(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Attempt something until others don't stand in its way, or have done so too often."""
    attempts = 0
    while True:
        attempts += 1
        try:
            return await attempt()
        except IntegrityError:
            raise
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state == LOCK_NOT_AVAILABLE:
                raise ApiError(ErrorCode.UNAVAILABLE, BUSY) from error
            if state not in _AGAIN or attempts == MOST_ATTEMPTS:
                raise


def _conflict(action: Action, error: IntegrityError) -> Exception:
    """What a broken constraint means to the client; a bug, where the action does not say."""
    cause = error.orig.__cause__ if error.orig is not None else None
    refusal = action.conflicts.get(getattr(cause, "constraint_name", None) or "")
    if refusal is None:
        return error
    return Refused.because([refusal])
