"""Two accounts become one: nothing is lost, nobody is let in, and it is done whole or not."""

import asyncio
from datetime import date, timedelta
from typing import Any

import asyncpg
import httpx2
import pytest

from app import models
from app.actions import uniting
from app.jobs import merges as jobs
from app.jobs.registry import JobContext
from app.models import Base, Mail
from app.schema.node import encode_id
from app.work.action import routine
from app.work.unit import Work
from tests.auth.customers import FAILED, read_in
from tests.auth.people import PASSWORD
from tests.conftest import Database
from tests.merges import (
    PREVIEW,
    both,
    carry_out,
    counts,
    everything_written,
    merge,
    order,
    row_of,
)
from tests.publisher import Publisher, codes, refusals
from tests.rows import EPOCH
from tests.work.histories import faults

ROUNDS = 4
MARK = "Zwiebelfisch"
AHEAD = date(2100, 1, 1)


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
async def publisher(owner: asyncpg.Connection, client: httpx2.AsyncClient) -> Publisher:
    """A publisher whose merges are ordered and seen over HTTP."""
    return await Publisher.found(owner, client)


async def two_full_accounts(publisher: Publisher) -> tuple[int, int]:
    """Two customers with something in every tab, and sessions and devices."""
    kept = await publisher.full_account()
    duplicate = await publisher.full_account(
        email=f"{MARK}@example.org", external_id=f"{MARK}-7", first_name=MARK
    )
    await publisher.sign_in(duplicate)
    for table in ("customer_device", "customer_recovery_code"):
        await publisher.owner.execute(
            f"INSERT INTO {table} (tenant_id, customer_id, hash) VALUES ($1, $2, 'x')",  # noqa: S608  As above.
            publisher.tenant_id,
            duplicate,
        )
    return kept, duplicate


async def money(publisher: Publisher, table: str, column: str) -> Any:
    """What a column of amounts adds up to."""
    return await publisher.owner.fetchval(
        f"SELECT sum({column}) FROM {table} WHERE tenant_id = $1",  # noqa: S608  As above.
        publisher.tenant_id,
    )


async def test_an_account_goes_over_whole(context: JobContext, publisher: Publisher) -> None:
    kept, duplicate = await two_full_accounts(publisher)
    before = await counts(publisher, kept, duplicate)
    sums = [await money(publisher, *of) for of in (("invoice", "gross"), ("goodwill", "value"))]
    others = Base.metadata.tables.keys() - before.keys() - {"customer_count"}
    rows = {name: await size(publisher, name) for name in others}
    await merge(context, publisher, kept, duplicate)
    after = await counts(publisher, kept)
    assert await counts(publisher, duplicate) == {}
    # Both have one and the same address.
    ended = {"customer_device": 1, "customer_recovery_code": 1, "address": 1}
    # What was ordered, begun and done is in the history, and in the diary but for the beginning.
    # The duplicate's consent was for an address that is given up.
    added = {"history": 3, "activity": 2, "customer_merge": 1, "opt_in_entry": 1}
    terms = {"customer_term": before.pop("customer_term")}
    assert after.pop("customer_term") <= terms["customer_term"] + 10
    assert after == {
        name: count + added.get(name, 0) - ended.get(name, 0)
        for name, count in before.items()
        if count + added.get(name, 0) > ended.get(name, 0)
    }
    after_all = {name: await size(publisher, name) for name in others}
    assert after_all == {**rows, "customer": rows["customer"] - 1}
    assert sums == [
        await money(publisher, *of) for of in (("invoice", "gross"), ("goodwill", "value"))
    ]
    assert await faults(publisher) == []


async def size(publisher: Publisher, table: str) -> int:
    """How many rows of a table a publisher has, or there are."""
    of = " WHERE tenant_id = $1" if "tenant_id" in Base.metadata.tables[table].columns else ""
    values = [publisher.tenant_id] if of else []
    found: int = await publisher.owner.fetchval(f"SELECT count(*) FROM {table}{of}", *values)  # noqa: S608  As above.
    return found


async def test_it_is_seen_that_there_was_another_account(
    context: JobContext, publisher: Publisher
) -> None:
    kept, duplicate = await two_full_accounts(publisher)
    await merge(context, publisher, kept, duplicate, take=["FIRST_NAME"])
    ids = [encode_id("Customer", key) for key in (kept, duplicate)]
    answer = await publisher.ask(
        """query ($ids: [ID!]!, $by: ID!, $mark: String!) {
            nodes(ids: $ids) { id }
            customer(by: {id: $by}) { firstName email externalId
                merges(where: {status: {eq: DONE}}, first: 1) { nodes {
                    formerId formerNumber formerEmail formerExternalId duplicate { id }
                } } }
            customers(search: $mark) { nodes { id } totalCount }
            verifyHistory { intact }
        }""",
        ids=ids,
        by=ids[0],
        mark=f"{MARK}@example",
    )
    assert codes(answer) == ["NOT_FOUND"]
    data = answer["data"]
    assert data["nodes"] == [{"id": ids[0]}, None]
    assert data["customers"] == {"nodes": [{"id": ids[0]}], "totalCount": 1}
    assert data["verifyHistory"] == {"intact": True}
    customer = data["customer"]
    assert customer["firstName"] == MARK
    assert (customer["email"], customer["externalId"]) == ("Erika@Example.org", "crm-1")
    [told] = customer["merges"]["nodes"]
    assert told["formerId"] == ids[1]
    assert (told["formerEmail"], told["duplicate"]) == (f"{MARK}@example.org", None)
    assert told["formerExternalId"] == f"{MARK}-7"
    await check_history(publisher, ids, told["formerNumber"])


async def check_history(publisher: Publisher, ids: list[str], number: str) -> None:
    """What is kept of a merge, and where."""
    entries = await publisher.history(ids[0])
    done = entries[-1]
    assert [entry["action"] for entry in entries[-3:]] == [
        "customer.merge_ordered",
        "customer.merge_begun",
        "customer.merged",
    ]
    assert done["actor_kind"] == "SYSTEM"
    assert MARK not in str({**done["after"], "personal": None})
    gone = done["before"]["personal"][f"Customer:{done['after']['former_id']}"]
    assert (gone["number"], gone["first_name"]) == (number, MARK)
    [tombstone] = [
        entry
        for entry in await publisher.tenant_history()
        if entry["action"] == "customer.merged_away"
    ]
    assert tombstone["record_id"] == done["after"]["former_id"]
    assert (await publisher.diary(ids[0]))[-1].startswith(f"Merged with the customer {number}")


async def test_what_one_has_access_to_the_other_one_has(
    context: JobContext, publisher: Publisher
) -> None:
    kept, duplicate = await publisher.customer(), await publisher.customer()
    for customer, product_id in ((kept, "print"), (duplicate, "digital")):
        await publisher.make(models.AccessRight, customer_id=customer, access_id=product_id)
    await merge(context, publisher, kept, duplicate)
    fields = " ".join(
        f'{name}: hasAccess(customer: {{id: $by}}, uniqueId: "{name}") {{ allowed }}'
        for name in ("print", "digital", "other")
    )
    found = await publisher.data(f"query ($by: ID!) {{ {fields} }}", by=encode_id("Customer", kept))
    assert {name: access["allowed"] for name, access in found.items()} == {
        "print": True,
        "digital": True,
        "other": False,
    }


async def test_what_is_the_same_becomes_one_and_what_is_not_stays(
    context: JobContext, publisher: Publisher
) -> None:
    kept, duplicate = await publisher.customer(), await publisher.customer()
    mine = await publisher.make(models.Address, customer_id=kept, preferred=True)
    same = await publisher.make(models.Address, customer_id=duplicate, preferred=True)
    other = await publisher.make(
        models.Address, customer_id=duplicate, type="DELIVERY", preferred=True
    )
    offer = await publisher.make(models.Offer, product_id=await publisher.make(models.Product))
    hanging = await publisher.make(
        models.Subscription,
        customer_id=duplicate,
        offer_id=offer,
        invoice_address_id=same,
        delivery_address_id=other,
    )
    follows = await publisher.make(models.Subscription, customer_id=duplicate, offer_id=offer)
    iban = {"iban_hash": b"x" * 32, "preferred": True}
    accounts = [
        await publisher.make(models.BankAccount, customer_id=customer, **iban)
        for customer in (kept, duplicate)
    ]
    await merge(context, publisher, kept, duplicate)
    fetch = publisher.owner.fetch
    addresses = await fetch(
        "SELECT id, preferred FROM address WHERE tenant_id = $1 ORDER BY id", publisher.tenant_id
    )
    assert [tuple(row) for row in addresses] == [(mine, True), (other, True)]
    subscriptions = await fetch(
        "SELECT id, invoice_address_id, delivery_address_id FROM subscription"
        " WHERE tenant_id = $1 ORDER BY id",
        publisher.tenant_id,
    )
    assert [tuple(row) for row in subscriptions] == [(hanging, mine, other), (follows, mine, None)]
    kept_accounts = await fetch(
        "SELECT id, preferred, mandate_state, doubled FROM bank_account WHERE tenant_id = $1"
        " ORDER BY id",
        publisher.tenant_id,
    )
    assert [tuple(row) for row in kept_accounts] == [
        (accounts[0], True, "ACTIVE", False),
        (accounts[1], False, "ACTIVE", True),
    ]


@pytest.mark.parametrize(
    ("street", "later", "moves"),
    [
        ("Hauptstraße", None, True),
        ("Nebenstraße", None, False),
        ("Hauptstraße", AHEAD - timedelta(days=1), False),
        ("Hauptstraße", AHEAD, False),
    ],
)
async def test_a_move_that_the_duplicate_told_of_is_made_where_both_live_in_one_place(
    context: JobContext, publisher: Publisher, street: str, later: date | None, moves: bool
) -> None:
    kept, duplicate = await publisher.customer(), await publisher.customer()

    async def lives(customer: int, where: str, since: date | None = None) -> int:
        told = {"street": where, "valid_from": since, "preferred": True, "type": "DELIVERY"}
        return await publisher.make(models.Address, customer_id=customer, **told)

    first = await lives(kept, street)
    own = [] if later is None else [await lives(kept, "Neue Straße", later)]
    await lives(duplicate, "Hauptstraße")
    ahead = await lives(duplicate, "Weite Straße", AHEAD)
    told = (await publisher.data(PREVIEW, input=both(kept, duplicate)))["previewMerge"]
    await merge(context, publisher, kept, duplicate)
    preferred = await publisher.owner.fetch(
        "SELECT id FROM address WHERE customer_id = $1 AND preferred ORDER BY id", kept
    )
    assert [row["id"] for row in preferred] == [first, *own, *([ahead] if moves else [])]
    notices = {notice["kind"] for notice in told["notices"]}
    assert ("ADDRESS_NOT_PREFERRED" in notices) != moves


@pytest.mark.parametrize("own", [None, "own"])
async def test_the_duplicates_password_comes_where_there_is_none_and_its_sessions_end(
    context: JobContext, publisher: Publisher, own: str | None
) -> None:
    kept = await publisher.customer(email="a@example.org", password_hash=own)
    second = {"totp_secret": b"secret", "two_factor_since": EPOCH}
    duplicate = await publisher.customer(password_hash="other", **second)
    for customer, step in ((kept, 1), (duplicate, 2)):
        await publisher.owner.execute(
            "INSERT INTO customer_sign_in (tenant_id, customer_id, totp_step) VALUES ($1, $2, $3)",
            publisher.tenant_id,
            customer,
            step,
        )
    tokens = [await publisher.sign_in(customer) for customer in (kept, duplicate)]
    await merge(context, publisher, kept, duplicate)
    row: Any = await publisher.owner.fetchrow(
        "SELECT password_hash, totp_secret, totp_step FROM customer JOIN customer_sign_in AS s"
        " ON s.customer_id = customer.id WHERE customer.id = $1",
        kept,
    )
    assert tuple(row) == (("own", None, 1) if own else ("other", b"secret", 2))
    whose = [await publisher.ask("{ viewer { customerId } }", token) for token in tokens]
    assert whose[0]["data"]["viewer"]["customerId"] == encode_id("Customer", kept)
    assert codes(whose[1]) == ["UNAUTHENTICATED"]


async def test_a_blocked_duplicate_blocks_the_customer(
    context: JobContext, publisher: Publisher
) -> None:
    kept = await publisher.customer()
    duplicate = await publisher.customer(
        access_blocked_at=EPOCH, access_blocked_reason="Betrug", login_blocked_at=EPOCH
    )
    await publisher.make(models.AccessRight, customer_id=kept)
    await merge(context, publisher, kept, duplicate)
    found = await publisher.data(
        "query ($by: ID!) { customer(by: {id: $by}) { loginBlocked accessBlock { reason } }"
        ' hasAccess(customer: {id: $by}, uniqueId: "digital") { allowed } }',
        by=encode_id("Customer", kept),
    )
    assert found == {
        "customer": {"loginBlocked": True, "accessBlock": {"reason": "Betrug"}},
        "hasAccess": {"allowed": False},
    }


async def test_a_merged_customer_is_merged_again_and_the_history_stays_whole(
    context: JobContext, publisher: Publisher
) -> None:
    first, second, third = [await publisher.customer() for _ in range(3)]
    for customer in (first, second):
        await publisher.act("addTag", {"customerId": encode_id("Customer", customer), "tag": "x"})
    numbers = [(await merge(context, publisher, second, first))["former_number"]]
    numbers.append((await merge(context, publisher, third, second))["former_number"])
    assert await faults(publisher) == []
    for number in numbers:
        found = await publisher.data(
            "query ($text: String!) { customers(search: $text) { nodes { id } } }", text=number
        )
        assert found["customers"]["nodes"] == [{"id": encode_id("Customer", third)}]
    # An entry that is put into another account without a merge is none of that account's.
    stranger = await publisher.customer()
    await publisher.owner.execute("SET abokonto.erasure = 'on'")
    await publisher.owner.execute(
        "UPDATE history SET customer_id = $1 WHERE tenant_id = $2 AND action LIKE '%.tag_added'",
        stranger,
        publisher.tenant_id,
    )
    await publisher.owner.execute("RESET abokonto.erasure")
    assert len(await faults(publisher)) == 2


async def test_nothing_is_left_of_a_duplicate_whose_customer_is_anonymised(
    context: JobContext, publisher: Publisher
) -> None:
    kept = await publisher.customer(last_name=MARK)
    duplicate = await publisher.customer(
        email=f"{MARK}@example.org",
        external_id=MARK,
        company=MARK,
        tags=[MARK],
        additional_data={"a": MARK},
        login_blocked_at=EPOCH,
        login_blocked_reason=MARK,
    )
    await publisher.make(models.Address, customer_id=duplicate, street=MARK)
    await publisher.make(models.Activity, customer_id=duplicate, text=MARK)
    changed = {"customerId": encode_id("Customer", duplicate), "firstName": MARK}
    await publisher.act("updateCustomer", changed)
    await merge(context, publisher, kept, duplicate)
    written = (await everything_written(publisher)).lower()
    assert written.count(MARK.lower()) > 10
    anonymised = {"customerId": encode_id("Customer", kept)}
    assert refusals(await publisher.act("anonymizeCustomer", anonymised)) == []
    assert MARK.lower() not in (await everything_written(publisher)).lower()
    assert await faults(publisher) == []


async def test_a_merge_that_is_interrupted_changes_nothing_and_is_done_again(
    context: JobContext, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, duplicate = await two_full_accounts(publisher)
    key = await order(publisher, kept, duplicate)
    before = await counts(publisher, duplicate)

    async def die(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(uniting, "_leave_tombstone", die)
        with pytest.raises(RuntimeError):
            await carry_out(context, publisher, key)
    assert await counts(publisher, duplicate) == before
    assert (await row_of(publisher, key))["status"] == "RUNNING"
    assert (await carry_out(context, publisher, key))["status"] == "DONE"
    done = await everything_written(publisher)
    await carry_out(context, publisher, key)
    assert await everything_written(publisher) == done


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE customer SET anonymized_at = now() WHERE id = $1", "CUSTOMER_ANONYMIZED"),
        (
            "INSERT INTO data_export (tenant_id, customer_id, status)"
            " SELECT tenant_id, id, 'QUEUED' FROM customer WHERE id = $1",
            "EXPORT_RUNNING",
        ),
        ("DELETE FROM customer WHERE id = $1", "NOT_FOUND"),
    ],
)
async def test_what_has_come_to_stand_against_it_is_told(
    context: JobContext, publisher: Publisher, statement: str, code: str
) -> None:
    kept, duplicate = await publisher.customer(), await publisher.customer()
    key = await order(publisher, kept, duplicate)
    await publisher.owner.execute(statement, duplicate)
    row = await carry_out(context, publisher, key)
    assert (row["status"], row["refusals"]) == ("FAILED", [code])
    assert row["finished_at"] is not None
    assert row["former_number"] is None
    history = await publisher.history(encode_id("Customer", kept))
    assert [entry["action"] for entry in history] == [
        "customer.merge_ordered",
        "customer.merge_begun",
        "customer.merge_failed",
    ]


async def test_one_that_is_given_up_fails(context: JobContext, publisher: Publisher) -> None:
    kept, duplicate = await publisher.customer(), await publisher.customer()
    key = await order(publisher, kept, duplicate)
    await jobs._give_up(context, publisher.tenant_id, {"customermerge": key}, "It broke.")
    row = await row_of(publisher, key)
    assert (row["status"], row["error"], row["refusals"]) == ("FAILED", "It broke.", [])
    # Then it can be tried again.
    await merge(context, publisher, kept, duplicate)


@routine(history="mail.seen")
async def _seen(work: Work, key: int) -> Mail | None:
    """Find a mail, as its sender does."""
    return await work.lock_key(Mail, key)


async def test_what_is_done_at_the_same_time_is_not_lost(
    context: JobContext, publisher: Publisher
) -> None:
    product_key = await publisher.make(models.Product)
    offer = encode_id("Offer", await publisher.make(models.Offer, product_id=product_key))
    for place in range(ROUNDS):
        kept, duplicate = await publisher.customer(), await publisher.customer()
        address = await publisher.make(models.Address, customer_id=duplicate)
        mail = await publisher.make(models.Mail, customer_id=duplicate)
        key = await order(publisher, kept, duplicate)
        wanted = {
            "customerId": encode_id("Customer", duplicate),
            "invoiceAddressId": encode_id("Address", address),
            "lines": [{"offerId": offer}],
            "paymentMethod": "INVOICE",
        }
        merging = carry_out(context, publisher, key)
        ordering = publisher.act("placeOrder", wanted, "order { id }")
        seeing = context.performer.run(_seen, mail, publisher.tenant_id)
        turn = [merging, ordering, seeing] if place % 2 else [seeing, ordering, merging]
        answers: list[Any] = await asyncio.gather(*turn)
        merged, ordered, seen = answers if place % 2 else answers[::-1]
        assert merged["status"] == "DONE"
        assert seen == mail
        found = await counts(publisher, kept)
        if refusals(ordered):
            assert refusals(ordered) == [("NOT_FOUND", "customerId")]
            assert "customer_order" not in found
        else:
            assert {"customer_order", "subscription", "invoice"} <= found.keys()
        assert await counts(publisher, duplicate) == {}
    assert await faults(publisher) == []


@pytest.mark.parametrize("password", [PASSWORD, f"not {PASSWORD}"])
async def test_whoever_signs_in_at_the_same_time_is_let_in_and_out_or_not_at_all(
    context: JobContext, publisher: Publisher, password: str
) -> None:
    kept = await publisher.customer()
    reader = await read_in(publisher)
    key = await order(publisher, kept, reader.id)
    signed_in, merged = await asyncio.gather(
        reader.login(password=password), carry_out(context, publisher, key)
    )
    assert merged["status"] == "DONE"
    assert await counts(publisher, reader.id) == {}
    if signed_in["userErrors"]:
        assert refusals(signed_in) == FAILED
    else:
        assert password == PASSWORD
        answer = await publisher.ask("{ viewer { kind } }", signed_in["token"])
        assert codes(answer) == ["UNAUTHENTICATED"]
    # The password is the customer's by now, who had none.
    email = await publisher.owner.fetchval("SELECT email FROM customer WHERE id = $1", kept)
    assert email == reader.email
    assert (await reader.login())["customerId"] == encode_id("Customer", kept)


async def test_of_two_merges_that_cross_one_is_done(publisher: Publisher) -> None:
    for _ in range(ROUNDS):
        one, other = await publisher.customer(), await publisher.customer()
        answers = await asyncio.gather(
            publisher.act("mergeCustomers", both(one, other), "customerMerge { id }"),
            publisher.act("mergeCustomers", both(other, one), "customerMerge { id }"),
        )
        told = sorted(refusals(answer) for answer in answers)
        refused = [("MERGE_RUNNING", ""), ("MERGE_RUNNING", "duplicateId")]
        assert told == [[], refused]


async def test_a_request_of_the_duplicates_that_is_sent_again_has_no_second_effect(
    context: JobContext, publisher: Publisher
) -> None:
    person = {"lastName": "Doppelt", "idempotencyKey": "twice"}
    created = await publisher.act("createCustomer", person, "customer { id }")
    kept = await publisher.customer()
    duplicate = await publisher.owner.fetchval(
        "SELECT id FROM customer WHERE tenant_id = $1 AND last_name = 'Doppelt'",
        publisher.tenant_id,
    )
    await merge(context, publisher, kept, duplicate)
    again = await publisher.act("createCustomer", person, "customer { id }")
    assert created["customer"]["id"] == encode_id("Customer", duplicate)
    assert again["customer"]["id"] == encode_id("Customer", kept)


async def test_a_preview_tells_what_is_then_done(publisher: Publisher) -> None:
    kept, duplicate = await two_full_accounts(publisher)
    expected = await counts(publisher, duplicate)
    told = (await publisher.data(PREVIEW, input=both(kept, duplicate)))["previewMerge"]
    assert told["userErrors"] == []
    names = {mapper.class_.__name__: mapper.local_table for mapper in Base.registry.mappers}
    records = {str(names[one["record"]]): one["count"] for one in told["records"]}
    assert records == {
        name: count
        for name, count in expected.items()
        if name not in {"customer_device", "customer_recovery_code", "customer_term"}
    }
    assert {"field": "EMAIL", "value": f"{MARK}@example.org"} in told["alternateFields"]
    assert {"field": "FIRST_NAME", "value": MARK} in told["defaultFields"]
    assert {notice["kind"]: notice["count"] for notice in told["notices"]} == {
        "CONSENTS_LAPSE": 1,
        "SESSIONS_END": 1,
    }
