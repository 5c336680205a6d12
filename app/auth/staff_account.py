"""What members of staff do about their own account, beside what `own_account.py` has.

It is asked of the holder of a session, needs no permission, and is written into the history of the
tenant that the session is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from app.auth.checks import STAFF, count_try, hashed, login_failed, record
from app.auth.own_account import OwnAccount
from app.auth.passwords import verify_password
from app.auth.staff_steps import StaffSteps, Workplace
from app.auth.throttle import PER_ACCOUNT, PER_ADDRESS, site_of
from app.auth.tokens import hash_token, make_token
from app.context import Client
from app.database import Credentials, Principal
from app.errors import UNAVAILABLE, ApiError, ErrorCode, Refused, UserErrorCode
from app.models.access_token import TokenKind
from app.writing import Transaction, act_for, authenticated


@dataclass(frozen=True)
class Switched:
    """A session at another tenant, in place of the one before."""

    token: str
    principal: Principal
    workplaces: Sequence[Workplace]


class StaffAccount(OwnAccount[StaffSteps]):
    """Changes how members of staff sign in."""

    sort = STAFF
    others = "This is for members of staff who have signed in."

    def _steps(self, transaction: Transaction) -> StaffSteps:
        return StaffSteps(transaction.session)

    async def switch_tenant(
        self, credentials: Credentials, tenant: str, client: Client
    ) -> Switched:
        """Go on in a session at another tenant; the one that asks ends.

        Raises:
            Refused: TENANT_UNKNOWN.
        """
        token = make_token(TokenKind.STAFF)
        async with self._held(credentials) as held:
            if not await held.steps.switch_session(credentials, tenant, hash_token(token), client):
                raise tenant_unknown()
            principal = await authenticated(held.session, hash_token(token), client.address)
            workplaces = await held.steps.workplaces(held.holder.person)
            entries = [(held.principal, "staff.signed_out"), (principal, "staff.signed_in")]
            # Each locks a tenant's history: in one order, whichever way somebody goes.
            for who, action in sorted(entries, key=lambda entry: entry[0].tenant_id):
                await act_for(held.session, who.tenant_id)
                await record(held.session, who, action)
            return Switched(token, principal, workplaces)

    async def accept_invitation(self, token: str, password: str, client: Client) -> str:
        """Let somebody in who was invited; the slug of the tenant that they can sign in to.

        Whoever is a member of staff elsewhere gives the password that they have; to others it
        becomes theirs.

        Raises:
            Refused: INVITATION_INVALID, LOGIN_FAILED, PASSWORD_INVALID, PASSWORD_BREACHED or
                TOO_MANY_ATTEMPTS.
        """
        token_hash, address = hash_token(token), self._throttle.address_key(client.address)
        async with self._writing.nobodys_transaction() as session:
            await count_try(self._throttle, session, address, PER_ADDRESS)
            email = await StaffSteps(session).invited(token_hash)
            if email is not None:
                account = self._throttle.account_key(email, site_of(client.address))
                await count_try(self._throttle, session, account, PER_ACCOUNT)
            known = await StaffSteps(session).known(email or "")
        if email is None or (known is not None and not known.active):
            raise _invitation_invalid()
        person, new_hash = None, None
        if known is None:
            new_hash = await hashed(self._passwords, password, "password")
        else:
            person = known.staff_id
            stored = known.password_hash
            if stored and not (await verify_password(stored, password) and known.current):
                raise login_failed("password")
        try:
            async with self._writing.nobodys_transaction() as session:
                slug = await StaffSteps(session).accept_invitation(token_hash, person, new_hash)
                await self._throttle.forget(session, account)
                await self._throttle.take_back(session, address)
        except IntegrityError as error:
            # Somebody with the same address came in the meantime.
            raise ApiError(ErrorCode.UNAVAILABLE, UNAVAILABLE) from error
        if slug is None:
            raise _invitation_invalid()
        return slug


def tenant_unknown() -> Refused:
    """The answer to somebody who works elsewhere."""
    return Refused(UserErrorCode.TENANT_UNKNOWN, "You work for no tenant of this name.", "tenant")


def _invitation_invalid() -> Refused:
    return Refused(
        UserErrorCode.INVITATION_INVALID,
        "The invitation is unknown, was used or revoked, or has expired.",
        "token",
    )
