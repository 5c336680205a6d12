"""What customers see who have signed in: their own account by the same schema, and nothing else.

`tests/matrix` asks for every field as customers, too.
"""

import asyncpg

from app import models
from app.schema.node import encode_id
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
