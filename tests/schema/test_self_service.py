"""What customers see who have signed in: their own account by the same schema, and nothing else."""

import asyncpg
import pytest

from app import models
from app.auth.roles import CUSTOMER
from app.schema.node import _RECORDS, encode_id
from app.work.action import ACTIONS
from tests.publisher import codes
from tests.schema.compared import Compared

OWN = """query ($id: ID!) { customer(by: {id: $id}) {
    number email lastName loginBlocked accessBlocked twoFactorSince
    addresses { nodes { street customer { number } actor { kind } } }
    accessRights { nodes { uniqueId product { name } } }
    bankAccounts { nodes { maskedIban } }
    orders { nodes { number items { title offer { code } } } }
    subscriptions { nodes {
        number offer { name product { name } } periods { nodes { startsOn } }
    } }
    invoices { totalCount nodes { number items { title } taxes { taxPercent } } }
    transactions { nodes { action } }
    deliveries { nodes { issue { title publication { title } } address { city } } }
    optIns { nodes { purpose entries { nodes { status } } } }
    mails { nodes { subject } }
    sessions { nodes { createdAt ip } totalCount }
    counts { addresses invoices sessions }
} }"""

HIDDEN = {
    "activities": "activities { nodes { text } }",
    "pinnedActivities": "pinnedActivities { nodes { text } }",
    "goodwill": "goodwill { nodes { reason } }",
    "history": "history { nodes { action } }",
    "logins": "logins { nodes { failure } }",
    "exports": "exports { nodes { status } }",
    "merges": "merges { nodes { formerNumber } }",
    "tags": "tags",
}


async def test_customers_see_all_of_their_own_account(publisher: Compared) -> None:
    customer = await publisher.full_account()
    token = await publisher.sign_in(customer)
    answer = await publisher.ask(OWN, token, id=encode_id("Customer", customer))
    assert "errors" not in answer, answer
    own = answer["data"]["customer"]
    for name, found in own.items():
        if isinstance(found, dict) and "nodes" in found:
            assert len(found["nodes"]) == 1, name
            assert None not in found["nodes"][0].values(), (name, found)
    assert own["subscriptions"]["nodes"][0]["periods"]["nodes"]
    assert own["invoices"]["nodes"][0]["items"]
    assert own["orders"]["nodes"][0]["items"][0]["offer"]
    assert own["counts"] == {"addresses": 1, "invoices": 1, "sessions": 1}
    assert own["sessions"]["nodes"][0]["ip"] == "192.0.2.7"


@pytest.mark.parametrize("field", HIDDEN)
async def test_what_staff_write_about_customers_stays_with_staff(
    publisher: Compared, field: str
) -> None:
    customer = await publisher.full_account()
    token = await publisher.sign_in(customer)
    query = f"query ($id: ID!) {{ customer(by: {{id: $id}}) {{ number {HIDDEN[field]} }} }}"
    answer = await publisher.ask(query, token, id=encode_id("Customer", customer))
    assert codes(answer) == ["FORBIDDEN"]
    assert answer["data"]["customer"][field] is None
    assert answer["data"]["customer"]["number"]


async def test_reasons_and_names_of_staff_stay_with_staff(publisher: Compared) -> None:
    customer = await publisher.customer(
        access_blocked_at=await publisher.owner.fetchval("SELECT now()"),
        access_blocked_reason="Nervt",
        actor_kind="STAFF",
        actor_name="Erika",
    )
    query = """query ($id: ID!) { customer(by: {id: $id}) {
        accessBlock { since reason } actor { kind name }
    } }"""
    of = encode_id("Customer", customer)
    seen = (await publisher.data(query, id=of))["customer"]
    assert (seen["accessBlock"]["reason"], seen["actor"]["name"]) == ("Nervt", "Erika")
    answer = await publisher.ask(query, await publisher.sign_in(customer), id=of)
    assert codes(answer) == ["FORBIDDEN", "FORBIDDEN"]
    own = answer["data"]["customer"]
    assert own["accessBlock"]["since"]
    assert own["accessBlock"]["reason"] is None
    assert own["actor"] == {"kind": "STAFF", "name": None}


async def test_nobody_elses_record_is_found_by_whatever_id(publisher: Compared) -> None:
    other = await publisher.full_account()
    await publisher.sign_in(other)
    asker = await publisher.sign_in(await publisher.customer())
    tried = 0
    for name, declared in _RECORDS.items():
        table = declared.model.__table__.name  # type: ignore[attr-defined]  # All are tables.
        if "id" not in models.Base.metadata.tables[table].columns:
            continue
        rows = await publisher.owner.fetch(
            f"SELECT id FROM {table} WHERE tenant_id = $1",  # noqa: S608  The names are ours.
            publisher.tenant_id,
        )
        own = {"Customer": 1, "AccessToken": 1, "CustomerSession": 1}.get(name, 0)
        free = name in {"OptInText", "TaxRate"}
        for row in rows:
            query = "query ($id: ID!) { node(id: $id) { id } }"
            answer = await publisher.ask(query, asker, id=encode_id(name, row["id"]))
            found = answer["data"]["node"] is not None
            assert not found or own or free, (name, answer)
            own -= found
            tried += 1
    assert tried > 30


async def test_lists_of_the_tenant_hold_what_is_ones_own(publisher: Compared) -> None:
    other = await publisher.full_account()
    customer = await publisher.customer(number="K-Eigen")
    token = await publisher.sign_in(customer)
    query = """{
        customers { totalCount nodes { number } }
        products { totalCount } offers { totalCount } publications { totalCount }
    }"""
    data = (await publisher.ask(query, token))["data"]
    assert data["customers"]["nodes"] == [{"number": "K-Eigen"}]
    assert data["customers"]["totalCount"] == 1
    for catalogue in ("products", "offers", "publications"):
        assert data[catalogue]["totalCount"] == 0
    search = '{ customers(search: "muster") { nodes { number } } }'
    assert (await publisher.ask(search, token))["data"]["customers"]["nodes"] == []
    by = "query ($by: CustomerBy!) { customer(by: $by) { number } }"
    number = await publisher.owner.fetchval("SELECT number FROM customer WHERE id = $1", other)
    for key in (
        {"id": encode_id("Customer", other)},
        {"number": number},
        {"email": "erika@example.org"},
        {"externalId": "crm-1"},
    ):
        assert codes(await publisher.ask(by, token, by=key)) == ["NOT_FOUND"]
    access = 'query ($by: CustomerBy!) { hasAccess(customer: $by, uniqueId: "xy") { allowed } }'
    answer = await publisher.ask(access, token, by={"number": number})
    assert codes(answer) == ["NOT_FOUND"]


async def test_customers_do_nothing_that_staff_do(publisher: Compared) -> None:
    assert {action.needs for action in ACTIONS.values()} & CUSTOMER == set()
    customer = await publisher.customer()
    token = await publisher.sign_in(customer)
    answer = await publisher.ask_to(
        "addTag", {"customerId": encode_id("Customer", customer), "tag": "VIP"}, token=token
    )
    assert codes(answer) == ["FORBIDDEN"]


async def test_row_security_alone_holds_customers_to_their_own_rows(
    publisher: Compared, application: asyncpg.Connection
) -> None:
    await publisher.full_account()
    customer = await publisher.customer()
    setting = "SELECT set_config('abokonto.tenant_id', $1, false)"
    await application.execute(setting, str(publisher.tenant_id))
    setting = "SELECT set_config('abokonto.customer_id', $1, false)"
    await application.execute(setting, str(customer))
    hidden = {"tenant", "opt_in_text", "tenant_tax_rate", "staff"}
    for table in models.Base.metadata.tables.values():
        if "tenant_id" not in table.columns or table.name in hidden:
            continue
        try:
            seen = await application.fetchval(f"SELECT count(tenant_id) FROM {table.name}")  # noqa: S608  As above.
        except asyncpg.InsufficientPrivilegeError:
            continue
        assert seen == (1 if table.name == "customer" else 0), table.name
    await application.execute(setting, "")
    assert await application.fetchval("SELECT count(*) FROM invoice") == 1


async def test_every_table_says_what_customers_see_of_it(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "SELECT DISTINCT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
        " WHERE polname LIKE 'own_account%' AND NOT polpermissive"
    )
    said = {row["relname"] for row in rows}
    tables = {t.name for t in models.Base.metadata.tables.values() if "tenant_id" in t.columns}
    # The declarations are for everybody to read.
    assert tables - said == {"opt_in_text"}
