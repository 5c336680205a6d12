"""Products: what there is to sell."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from app.auth.permissions import Permission
from app.domain import opaque
from app.schema.catalogue import Product
from app.schema.node import encode_id, key_of
from tests.actions.catalogue import DIGITAL, done, offer, printed, product, publication
from tests.actions.conftest import Clock
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, codes, refusals

SHOWN = """product { id kind name description uniqueId taxClass taxShares { taxClass percent }
    retiredAt version publication { title } actor { name } }"""
SPLIT = [{"taxClass": "REDUCED", "percent": "62.5"}, {"taxClass": "STANDARD", "percent": "37.50"}]
MISSING = encode_id("Product", 2**63 - 1)


async def bundle(publisher: Publisher, **values: Any) -> str:
    """The id of a bundle whose tax is split."""
    given = {
        "kind": "BUNDLE",
        "name": "Komplett",
        "uniqueId": "komplett",
        "publicationId": await publication(publisher),
        "taxClass": None,
        "taxShares": SPLIT,
    }
    return await product(publisher, **{**given, **values})


async def test_a_product_is_created_and_kept_in_the_tenants_history(publisher: Publisher) -> None:
    made = await done(publisher, "createProduct", DIGITAL | {"description": "Täglich.\nJa."}, SHOWN)
    assert made == {
        "id": made["id"],
        **DIGITAL,
        "description": "Täglich.\nJa.",
        "taxShares": [],
        "retiredAt": None,
        "version": 1,
        "publication": None,
        "actor": {"name": "Test"},
    }
    [entry] = await publisher.tenant_history()
    assert (entry["action"], entry["record_type"], entry["before"]) == (
        "product.created",
        "Product",
        None,
    )
    assert entry["after"] == {
        "kind": "DIGITAL",
        "name": "E-Paper",
        "description": "Täglich.\nJa.",
        "access_id": "e-paper",
        "tax_class": "REDUCED",
    }
    listed = await publisher.data("{ tenantHistory { nodes { action recordId actor { name } } } }")
    assert listed["tenantHistory"]["nodes"] == [
        {"action": "product.created", "recordId": made["id"], "actor": {"name": "Test"}}
    ]


async def test_a_bundles_tax_is_split_and_split_anew(publisher: Publisher) -> None:
    made = await bundle(publisher)
    again = [{"taxClass": "REDUCED", "percent": "50"}, {"taxClass": "ZERO", "percent": "50"}]
    given: dict[str, Any] = {"productId": made, "taxShares": again}
    changed = await done(publisher, "updateProduct", given, SHOWN)
    assert (changed["taxClass"], changed["taxShares"]) == (
        None,
        [{"taxClass": "REDUCED", "percent": "50.00"}, {"taxClass": "ZERO", "percent": "50.00"}],
    )
    *_, entry = await publisher.tenant_history()
    split = {name.split(":")[0]: entry["before"][name] for name in entry["before"]}
    assert set(split) == {"ProductTaxShare"}
    assert {"percent": "62.50"} in entry["before"].values()
    given = {"productId": made, "taxClass": "REDUCED"}
    changed = await done(publisher, "updateProduct", given, SHOWN)
    assert (changed["taxClass"], changed["taxShares"]) == ("REDUCED", [])


BUNDLE = {"kind": "BUNDLE", "uniqueId": "kk", "taxClass": None}
REFUSED: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "no name": ({"name": " "}, [("REQUIRED", "name")]),
    "a long name": ({"name": "x" * 201}, [("TOO_LONG", "name")]),
    "a long description": ({"description": "x" * 2001}, [("TOO_LONG", "description")]),
    "no unique id": ({"uniqueId": None}, [("REQUIRED", "uniqueId")]),
    "a malformed unique id": ({"uniqueId": "e_paper"}, [("INVALID", "uniqueId")]),
    "a unique id that is taken": ({"uniqueId": "taken"}, [("UNIQUE_ID_TAKEN", "uniqueId")]),
    "a publication of what is digital": (
        {"publicationId": "theirs"},
        [("INVALID", "publicationId")],
    ),
    "nobody's publication": (
        {"publicationId": encode_id("Publication", 2**63 - 1)},
        [("NOT_FOUND", "publicationId")],
    ),
    "printed without a publication": (
        {"kind": "PRINT"},
        [("INVALID", "uniqueId"), ("REQUIRED", "publicationId")],
    ),
    "no tax class": ({"taxClass": None}, [("REQUIRED", "taxClass")]),
    "class and shares": ({"taxShares": SPLIT}, [("REQUIRED", "taxClass")]),
    "shares of what is no bundle": (
        {"taxClass": None, "taxShares": SPLIT},
        [("TAX_SPLIT_INVALID", "taxShares")],
    ),
    "shares of 99.99": (
        {**BUNDLE, "taxShares": [SPLIT[0], {**SPLIT[1], "percent": "37.49"}]},
        [("TAX_SPLIT_INVALID", "taxShares")],
    ),
    "a class twice": (
        {**BUNDLE, "taxShares": [SPLIT[0], {**SPLIT[1], "taxClass": "REDUCED"}]},
        [("TAX_SPLIT_INVALID", "taxShares")],
    ),
    "a whole share": (
        {**BUNDLE, "taxShares": [{"taxClass": "ZERO", "percent": "100"}]},
        [("TAX_SPLIT_INVALID", "taxShares.0.percent")],
    ),
    "a negative share": (
        {**BUNDLE, "taxShares": [{**SPLIT[0], "percent": "-1"}, {**SPLIT[1], "percent": "101"}]},
        [
            ("TAX_SPLIT_INVALID", "taxShares.0.percent"),
            ("TAX_SPLIT_INVALID", "taxShares.1.percent"),
        ],
    ),
    "a third": (
        {**BUNDLE, "taxShares": [{**SPLIT[0], "percent": "33.333"}, SPLIT[1]]},
        [("TAX_SPLIT_INVALID", "taxShares.0.percent")],
    ),
}


async def test_products_are_refused(publisher: Publisher, everything: Everything) -> None:
    await product(publisher, uniqueId="taken")
    theirs = await publication(publisher)
    async with everything.unchanged():
        for case, (more, expected) in REFUSED.items():
            given = DIGITAL | more
            if given.get("publicationId") == "theirs":
                given["publicationId"] = theirs
            payload = await publisher.act("createProduct", given, SHOWN)
            assert (payload["product"], refusals(payload)) == (None, expected), case


async def test_a_request_that_is_repeated_creates_one(
    publisher: Publisher, everything: Everything
) -> None:
    given = DIGITAL | {"idempotencyKey": "k"}
    first = await publisher.act("createProduct", given, SHOWN)
    async with everything.unchanged():
        assert await publisher.act("createProduct", given, SHOWN) == first
        payload = await publisher.act("createProduct", given | {"name": "Other"})
    assert refusals(payload) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]


async def test_what_is_left_out_stays(publisher: Publisher) -> None:
    made = await product(publisher, description="Alt")
    given = {"productId": made, "name": "Neu", "expectedVersion": 1}
    changed = await done(publisher, "updateProduct", given, SHOWN)
    assert (changed["name"], changed["description"], changed["version"]) == ("Neu", "Alt", 2)
    *_, entry = await publisher.tenant_history()
    assert (entry["before"], entry["after"]) == ({"name": "E-Paper"}, {"name": "Neu"})


async def test_what_is_in_use_stays(
    publisher: Publisher, everything: Everything, customer: str
) -> None:
    made = await bundle(publisher)
    other = await publication(publisher, "Anderes")
    new_id: dict[str, Any] = {"productId": made, "uniqueId": "neu"}
    new_publication = {"productId": made, "publicationId": other}
    assert (await done(publisher, "updateProduct", new_id, SHOWN))["uniqueId"] == "neu"
    assert (await done(publisher, "updateProduct", new_publication, SHOWN))["publication"] == {
        "title": "Anderes"
    }
    await offer(publisher, made)
    given = {"customerId": customer, "productId": made}
    await done(publisher, "addAccessRight", given, "accessRight { id }")
    async with everything.unchanged():
        payload = await publisher.act("updateProduct", new_id | {"uniqueId": "noch-neuer"})
        assert refusals(payload) == [("PRODUCT_IN_USE", "uniqueId")]
        back = await publication_of(publisher, "Tagblatt")
        payload = await publisher.act("updateProduct", new_publication | {"publicationId": back})
        assert refusals(payload) == [("PRODUCT_IN_USE", "publicationId")]
    same = new_id | {"publicationId": other, "name": "Umbenannt"}
    assert (await done(publisher, "updateProduct", same, SHOWN))["name"] == "Umbenannt"


async def publication_of(publisher: Publisher, title: str) -> str:
    """The id of the publication with a title."""
    found = await publisher.data(
        "query ($title: String) { publications(where: {title: {eq: $title}}) { nodes { id } } }",
        title=title,
    )
    return str(found["publications"]["nodes"][0]["id"])


async def test_a_product_is_retired_once_its_offers_have_ended(
    publisher: Publisher, everything: Everything, clock: Clock
) -> None:
    sold, beside = await product(publisher), await product(publisher, uniqueId="archiv")
    first = await offer(publisher, sold, alsoGrants=[beside])
    async with everything.unchanged():
        for one in (sold, beside):
            payload = await publisher.act("retireProduct", {"productId": one})
            assert refusals(payload) == [("PRODUCT_IN_USE", "productId")]
            assert "DIGI-M" in payload["userErrors"][0]["message"]
        payload = await publisher.act("reinstateProduct", {"productId": sold})
        assert refusals(payload) == [("PRODUCT_NOT_RETIRED", "productId")]
    await done(publisher, "endOffer", {"offerId": first}, "offer { id }")
    async with everything.unchanged():
        payload = await publisher.act("retireProduct", {"productId": sold})
        assert refusals(payload) == [("PRODUCT_IN_USE", "productId")]
    clock.ahead = timedelta(days=2)
    for one in (sold, beside):
        retired = await done(publisher, "retireProduct", {"productId": one}, SHOWN)
        assert retired["retiredAt"]
    async with everything.unchanged():
        payload = await publisher.act("retireProduct", {"productId": sold})
        assert refusals(payload) == [("PRODUCT_RETIRED", "productId")]
    back = await done(publisher, "reinstateProduct", {"productId": sold}, SHOWN)
    assert back["retiredAt"] is None
    actions = [entry["action"] for entry in await publisher.tenant_history()]
    assert actions[-3:] == ["product.retired", "product.retired", "product.reinstated"]


async def test_retiring_and_offering_at_once_leaves_no_offer_of_a_retired_product(
    publisher: Publisher,
) -> None:
    for number in range(5):
        made = await product(publisher, uniqueId=f"p-{number}")
        given = {
            "productId": made,
            "code": f"O-{number}",
            "name": "x",
            "price": {"amount": "1", "currency": "EUR"},
            "term": {"count": 1, "unit": "YEAR"},
            "accountingPeriod": {"count": 1, "unit": "YEAR"},
            "notice": {"count": 0, "unit": "DAY"},
        }
        retired, offered = await asyncio.gather(
            publisher.act("retireProduct", {"productId": made}),
            publisher.act("createOffer", given),
        )
        assert (refusals(retired), refusals(offered)) in (
            ([], [("PRODUCT_RETIRED", "productId")]),
            ([("PRODUCT_IN_USE", "productId")], []),
        )


OTHERS: dict[str, dict[str, Any]] = {
    "updateProduct": {"name": "Neu"},
    "retireProduct": {},
    "reinstateProduct": {},
}


async def test_who_may_not_or_is_another_tenant_changes_nothing(
    publisher: Publisher, competitor: Publisher, everything: Everything
) -> None:
    made = await product(publisher)
    token = await publisher.issue_token(*(set(Permission) - {Permission.CATALOGUE_WRITE}))
    async with everything.unchanged():
        for action, given in OTHERS.items():
            given = {**given, "productId": made}
            assert codes(await publisher.ask_to(action, given, token=token)) == ["FORBIDDEN"]
            payload = await competitor.act(action, given)
            assert refusals(payload) == [("NOT_FOUND", "productId")]
            payload = await publisher.act(action, given | {"productId": opaque.encode("Offer:1")})
            assert refusals(payload) == [("INVALID", "productId")]
            payload = await publisher.act(action, given | {"expectedVersion": 7})
            assert refusals(payload) == [("STALE_VERSION", "expectedVersion")]
        answer = await publisher.ask_to("createProduct", DIGITAL, token=token)
        assert codes(answer) == ["FORBIDDEN"]
        payload = await publisher.act("updateProduct", {"productId": made, "name": None})
        assert refusals(payload) == [("REQUIRED", "name")]
    theirs = {"kind": "PRINT", "uniqueId": None, "publicationId": await publication(publisher)}
    payload = await competitor.act("createProduct", DIGITAL | theirs)
    assert refusals(payload) == [("NOT_FOUND", "publicationId")]


async def test_products_are_found_by_words_and_conditions(publisher: Publisher) -> None:
    made = await product(publisher, name="Das E-Paper")
    await printed(publisher)
    query = """query ($where: ProductWhere, $search: String) {
        products(where: $where, search: $search) { nodes { id } } }"""
    for arguments in (
        {"search": "paper"},
        {"search": "E-PAPER das"},
        {"where": {"kind": {"eq": "DIGITAL"}, "retiredAt": {"isNull": True}}},
    ):
        data = await publisher.data(query, **arguments)
        assert data["products"]["nodes"] == [{"id": made}]


async def test_what_two_change_at_once_is_in_the_order_in_which_it_happened(
    publisher: Publisher,
) -> None:
    """Whoever waits for the other acts later, even where its transaction began earlier."""
    made = await product(publisher)
    key = key_of(made, Product)
    lock = "SELECT 1 FROM product WHERE tenant_id = $1 AND id = $2 FOR UPDATE"
    async with publisher.owner.transaction():
        await publisher.owner.fetchval(lock, publisher.tenant_id, key)
        waiting = asyncio.create_task(
            publisher.act("updateProduct", {"productId": made, "name": "Zweiter"})
        )
        await asyncio.sleep(0.3)
        let_go = await publisher.owner.fetchval("SELECT clock_timestamp()")
    assert (await waiting)["userErrors"] == []
    *_, entry = await publisher.tenant_history()
    assert datetime.fromisoformat(entry["created_at"]) > let_go


async def test_of_two_who_saw_the_same_version_one_is_told(publisher: Publisher) -> None:
    made = await product(publisher)
    payloads = await asyncio.gather(
        *(
            publisher.act("updateProduct", {"productId": made, "name": name, "expectedVersion": 1})
            for name in ("A", "B")
        )
    )
    assert sorted(map(refusals, payloads)) == [[], [("STALE_VERSION", "expectedVersion")]]
