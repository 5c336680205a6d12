"""Deleting a customer at the same moment as something else is done to them, again and again.

Whoever comes second finds nobody, or finds that there is something to be kept. Nothing surfaces as
a fault of ours, no row and no object is left over, and what was said to be done is there.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from app import models
from app.jobs import exports as export_jobs
from app.jobs import mails as mail_jobs
from app.jobs.registry import JobContext
from app.mail import Mailer
from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage
from app.work.sweep import Sweep
from tests.actions import uploads
from tests.actions.test_deletion import left
from tests.auth.customers import LOGIN
from tests.auth.people import HASH, PASSWORD
from tests.jobs.conftest import context_of
from tests.publisher import Publisher, refusals
from tests.work.histories import faults

ROUNDS = 6

Doing = Callable[["Doomed"], Awaitable[object]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A configuration with patience for locks: here one waits for the other."""
    return settings.model_copy(update={"lock_timeout_seconds": 20.0})


@pytest.fixture
async def context(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[JobContext]:
    """What a worker beside the server has at hand; its mails go nowhere."""

    async def sent(_mailer: Mailer, _letter: object) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(Mailer, "send", sent)
    async with context_of(settings) as context:
        yield context


class Doomed:
    """A customer who is about to be deleted."""

    def __init__(self, publisher: Publisher, context: JobContext, key: int) -> None:
        self.publisher = publisher
        self.context = context
        self.key = key
        self.email = f"weg{key}@example.org"
        self.id = encode_id("Customer", key)
        self.mail = 0
        self.front_end = ""

    async def log_in(self, password: str = PASSWORD) -> None:
        """Try to sign in."""
        given = {"email": self.email, "password": password}
        answer = await self.publisher.ask(LOGIN, self.front_end, input=given)
        assert "errors" not in answer, answer["errors"]

    async def fail_to_log_in(self) -> None:
        """Try it with another password."""
        await self.log_in("wrong " + PASSWORD)

    async def be_written_to(self) -> None:
        """Send a mail that waits."""
        await mail_jobs.send(self.context, self.publisher.tenant_id, {"mail": self.mail})

    async def ask_for_a_copy(self) -> None:
        """Order an export and make it."""
        payload = await self.publisher.act(
            "exportCustomerData", {"customerId": self.id}, "export { id }"
        )
        assert {code for code, _ in refusals(payload)} <= {"NOT_FOUND"}
        key = await self.publisher.owner.fetchval(
            "SELECT max(id) FROM data_export WHERE tenant_id = $1", self.publisher.tenant_id
        )
        if key is not None:
            await export_jobs.export(self.context, self.publisher.tenant_id, {"export": key})

    async def write_a_letter(self) -> None:
        """Add an activity with a file."""
        payload = await uploads.add(self.publisher, self.id, ("a.png", uploads.png()))
        assert {code for code, _ in refusals(payload)} <= {"NOT_FOUND"}

    async def be_anonymised(self) -> None:
        """Have somebody else anonymise them."""
        payload = await self.publisher.act("anonymizeCustomer", {"customerId": self.id})
        assert {code for code, _ in refusals(payload)} <= {"NOT_FOUND"}


DEEDS: dict[str, Doing] = {
    "a login": Doomed.log_in,
    "a failed login": Doomed.fail_to_log_in,
    "a mail": Doomed.be_written_to,
    "an export": Doomed.ask_for_a_copy,
    "a file": Doomed.write_a_letter,
    "an anonymisation": Doomed.be_anonymised,
}


@pytest.mark.parametrize("deed", DEEDS)
async def test_nothing_is_left_and_nothing_goes_wrong(
    publisher: Publisher,
    owner: asyncpg.Connection,
    bucket: Storage,
    context: JobContext,
    deed: str,
) -> None:
    front_end = await publisher.issue_token("customer:login")
    sender = "UPDATE billing_profile SET email = 'verlag@example.org' WHERE tenant_id = $1"
    await owner.execute(sender, publisher.tenant_id)
    for place in range(ROUNDS):
        key = await publisher.customer(password_hash=HASH, email=f"weg{place}@example.org")
        doomed = Doomed(publisher, context, key)
        doomed.email, doomed.front_end = f"weg{place}@example.org", front_end
        doomed.mail = await publisher.make(models.Mail, customer_id=key, status="QUEUED")
        given = {"customerId": doomed.id}

        async def delete(given: dict[str, Any] = given, after: float = place / 200) -> Any:
            await asyncio.sleep(after)
            return await publisher.act("deleteCustomer", given)

        deleted, _ = await asyncio.gather(delete(), DEEDS[deed](doomed))
        # Whoever was anonymised first can't be changed any more.
        gone = refusals(deleted) == []
        assert gone or refusals(deleted) == [("CUSTOMER_ANONYMIZED", "")]
        kept = await left(owner, publisher.tenant_id, key)
        assert kept == {} or not gone
    await Sweep(context.writing, bucket).expired()
    named = await owner.fetch("SELECT key FROM file WHERE tenant_id = $1", publisher.tenant_id)
    prefix = f"{publisher.tenant_id}/"
    stored = {o.key async for page in bucket.pages() for o in page if o.key.startswith(prefix)}
    assert stored == {row["key"] for row in named}
    assert await faults(publisher) == []
