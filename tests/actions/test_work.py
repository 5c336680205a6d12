"""What a write promises whatever the action: all or nothing, in order, and not for ever."""

import asyncio
from datetime import datetime
from itertools import pairwise
from typing import Any

import asyncpg
from strawberry.utils.str_converters import to_snake_case

from app.schema.customer import Customer
from app.schema.node import encode_id, key_of
from app.settings import Settings
from app.work.action import ACTIONS
from app.work.inputs import Versioned
from tests.actions.examples import EXAMPLES
from tests.actions.unchanged import Everything
from tests.asgi import client_of, lifespan
from tests.conftest import Database
from tests.postgres_proxy import PostgresProxy
from tests.publisher import Publisher, codes, refusals
from tests.rows import EPOCH

AGENTS = 20


async def test_twenty_agents_lose_nothing(publisher: Publisher, customer: str) -> None:
    tags = [f"tag {number}" for number in range(AGENTS)]
    payloads = await asyncio.gather(
        *(publisher.act("addTag", {"customerId": customer, "tag": tag}) for tag in tags)
    )
    assert all(payload["userErrors"] == [] for payload in payloads)
    data = await publisher.data(
        "query ($id: ID!) { customer(by: {id: $id}) { tags version } }", id=customer
    )
    assert sorted(data["customer"]["tags"]) == sorted(tags)
    assert data["customer"]["version"] == AGENTS + 1
    entries = await publisher.history(customer)
    assert len(entries) == AGENTS
    steps = [
        (entry["before"]["personal"]["tags"], entry["after"]["personal"]["tags"])
        for entry in entries
    ]
    assert steps[0][0] == []
    assert all(earlier[1] == later[0] for earlier, later in pairwise(steps))
    assert all(after == [*before, after[-1]] for before, after in steps)
    times = [datetime.fromisoformat(entry["created_at"]) for entry in entries]
    assert times == sorted(times)
    assert len(await publisher.diary(customer)) == AGENTS


async def test_of_twenty_who_block_one_does(publisher: Publisher, customer: str) -> None:
    payloads = await asyncio.gather(
        *(publisher.act("blockCustomer", {"customerId": customer}) for _ in range(AGENTS))
    )
    found = sorted(str(refusals(payload)) for payload in payloads)
    assert found == ["[('ALREADY_BLOCKED', '')]"] * (AGENTS - 1) + ["[]"]
    assert len(await publisher.history(customer)) == 1


async def test_twenty_numbers_are_twenty(publisher: Publisher) -> None:
    payloads = await asyncio.gather(
        *(publisher.act("createCustomer", {}, "customer { number }") for _ in range(AGENTS))
    )
    numbers = sorted(int(payload["customer"]["number"]) for payload in payloads)
    assert numbers == list(range(10_001, 10_001 + AGENTS))


async def test_who_waits_too_long_is_told_and_changes_nothing(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    async with everything.unchanged(), publisher.owner.transaction():
        await publisher.owner.execute(
            "SELECT FROM customer WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            publisher.tenant_id,
            key_of(customer, Customer),
        )
        answer = await publisher.ask_to("addTag", {"customerId": customer, "tag": "VIP"})
    assert codes(answer) == ["UNAVAILABLE"]
    assert (await publisher.act("addTag", {"customerId": customer, "tag": "VIP"}))[
        "userErrors"
    ] == []


async def test_an_action_whose_request_takes_too_long_is_undone(
    settings: Settings, publisher: Publisher, customer: str, everything: Everything
) -> None:
    from app.main import create_app

    hasty = create_app(settings.model_copy(update={"request_timeout_seconds": 0.3}))
    given = {"customerId": customer, "tag": "VIP"}
    async with lifespan(hasty), client_of(hasty) as client:
        patient, publisher.client = publisher.client, client
        async with everything.unchanged(), publisher.owner.transaction():
            await publisher.owner.execute(
                "SELECT FROM customer WHERE tenant_id = $1 FOR UPDATE", publisher.tenant_id
            )
            assert codes(await publisher.ask_to("addTag", given)) == ["TIMEOUT"]
        publisher.client = patient
        assert (await publisher.act("addTag", given))["userErrors"] == []


async def test_a_deadlock_is_tried_again(publisher: Publisher, customer: str) -> None:
    """PostgreSQL ends one of two that wait for each other; here it is the action's turn."""
    await publisher.owner.execute(
        f"""
        CREATE SEQUENCE failures_{publisher.tenant_id};
        GRANT USAGE ON failures_{publisher.tenant_id} TO abokonto_app;
        CREATE FUNCTION abokonto.fail_{publisher.tenant_id}() RETURNS trigger LANGUAGE plpgsql
        AS $body$
        BEGIN
            IF nextval('failures_{publisher.tenant_id}') < 3 THEN
                RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01';
            END IF;
            RETURN NEW;
        END
        $body$;
        CREATE TRIGGER fail_{publisher.tenant_id} BEFORE UPDATE ON customer FOR EACH ROW
            WHEN (NEW.tenant_id = {publisher.tenant_id})
            EXECUTE FUNCTION abokonto.fail_{publisher.tenant_id}();
        """
    )
    payload = await publisher.act("addTag", {"customerId": customer, "tag": "VIP"})
    assert payload["userErrors"] == []
    assert len(await publisher.history(customer)) == 1


async def test_the_database_may_restart_between_two_actions(
    publisher: Publisher, customer: str, database: Database
) -> None:
    await publisher.act("addTag", {"customerId": customer, "tag": "A"})
    superuser = await asyncpg.connect(database.superuser_url)
    ended = await superuser.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = $1 AND application_name = 'abokonto-actions'",
        database.name,
    )
    await superuser.close()
    assert ended > 0
    payload = await publisher.act("addTag", {"customerId": customer, "tag": "B"})
    assert payload["userErrors"] == []


async def test_an_action_takes_few_statements(
    publisher: Publisher, customer: str, statements: PostgresProxy
) -> None:
    given: dict[str, Any] = {"customerId": customer, "tag": "A"}
    await publisher.act("addTag", given, "customer { tags }")
    with statements.counting() as counted:
        await publisher.act("addTag", given | {"tag": "B"}, "customer { tags }")
    assert [statement.split()[0] for statement in counted] == [
        "SELECT",  # authenticates, for the action
        "SELECT",  # locks the customer, takes the time, asks the preconditions
        "UPDATE",
        "WITH",  # the history entry and the activity
        "SELECT",  # what the payload shows
    ]


async def test_each_action_is_kept_once_and_told_in_the_diary_once(publisher: Publisher) -> None:
    for name, example in EXAMPLES.items():
        state: dict[str, Any] = {"tags": ["old"]}
        if name.startswith("unblock"):
            state |= {"login_blocked_at": EPOCH, "access_blocked_at": EPOCH}
        if name == "deactivateTwoFactor":
            state |= {"totp_secret": b"sealed", "two_factor_since": EPOCH}
        key = await publisher.customer(**state)
        payload = await publisher.act(name, await example.input(publisher, key))
        assert (name, payload["userErrors"]) == (name, [])
        customer = encode_id("Customer", key)
        declared = ACTIONS[to_snake_case(name)]
        kept = await publisher.history(customer)
        # Of a deleted customer the tenant's own history tells.
        (entry,) = kept or (await publisher.tenant_history())[-1:]
        assert (entry["action"], entry["actor_kind"]) == (declared.history, "PARTNER")
        assert (name, len(await publisher.diary(customer))) == (name, int(declared.diary))


async def test_what_changed_since_the_client_saw_it_is_never_written_over(
    publisher: Publisher, everything: Everything
) -> None:
    versioned = {
        name: await example.input(publisher, await publisher.customer(tags=["old"]))
        for name, example in EXAMPLES.items()
        if issubclass(ACTIONS[to_snake_case(name)].input, Versioned)
    }
    assert len(versioned) >= 10
    async with everything.unchanged():
        for name, given in versioned.items():
            payload = await publisher.act(name, given | {"expectedVersion": 7})
            assert (name, refusals(payload)) == (name, [("STALE_VERSION", "expectedVersion")])
