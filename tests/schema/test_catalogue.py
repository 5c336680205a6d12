"""The catalogue as it is read, beyond what every list and record shares."""

from app import models
from app.auth.permissions import Permission
from app.schema.node import encode_id
from tests.publisher import Publisher, codes

RATES = """query ($where: TaxRateWhere, $after: String) {
    taxRates(where: $where, first: 2, after: $after,
        orderBy: {field: VALID_FROM, direction: ASC}) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { country taxClass percent validFrom validUntil } } }"""
REDUCED = {"country": {"eq": "DE"}, "taxClass": {"eq": "REDUCED"}}


async def test_tax_rates_are_the_same_for_every_tenant(
    publisher: Publisher, competitor: Publisher
) -> None:
    rates = (await publisher.data(RATES, where=REDUCED))["taxRates"]
    assert rates["totalCount"] == 3
    assert rates["nodes"][1] == {
        "country": "DE",
        "taxClass": "REDUCED",
        "percent": "5.00",
        "validFrom": "2020-07-01",
        "validUntil": "2020-12-31",
    }
    assert (await competitor.data(RATES, where=REDUCED))["taxRates"]["nodes"] == rates["nodes"]
    after = rates["pageInfo"]["endCursor"]
    [newest] = (await publisher.data(RATES, where=REDUCED, after=after))["taxRates"]["nodes"]
    assert (newest["percent"], newest["validUntil"]) == ("7.00", None)


async def test_the_rate_of_a_day_is_found(publisher: Publisher) -> None:
    where = {
        "country": {"eq": "DE"},
        "taxClass": {"eq": "STANDARD"},
        "validFrom": {"lte": "2020-10-01"},
        "validUntil": {"gte": "2020-10-01"},
    }
    [rate] = (await publisher.data(RATES, where=where))["taxRates"]["nodes"]
    assert rate["percent"] == "16.00"


async def test_tax_rates_need_the_catalogues_permission(publisher: Publisher) -> None:
    token = await publisher.issue_token(*(set(Permission) - {Permission.CATALOGUE_READ}))
    answer = await publisher.ask("{ taxRates { totalCount } }", token)
    assert (answer["data"], codes(answer)) == ({"taxRates": None}, ["FORBIDDEN"])


async def test_offers_lead_to_those_before_and_after_them(publisher: Publisher) -> None:
    product = await publisher.make(models.Product)
    old = await publisher.make(models.Offer, product_id=product)
    new = await publisher.make(models.Offer, product_id=product, predecessor_id=old)
    beside = await publisher.make(models.Product)
    await publisher.make(models.OfferGrant, offer_id=new, product_id=beside)
    data = await publisher.data(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Offer { predecessor { id }"
        " successor { id } alsoGrants { id } firstPrice { amount } } } }",
        ids=[encode_id("Offer", key) for key in (old, new)],
    )
    assert data["nodes"] == [
        {
            "predecessor": None,
            "successor": {"id": encode_id("Offer", new)},
            "alsoGrants": [],
            "firstPrice": None,
        },
        {
            "predecessor": {"id": encode_id("Offer", old)},
            "successor": None,
            "alsoGrants": [{"id": encode_id("Product", beside)}],
            "firstPrice": None,
        },
    ]


async def test_a_bundle_says_how_its_tax_is_split(publisher: Publisher) -> None:
    publication = await publisher.make(models.Publication)
    product = await publisher.make(
        models.Product, kind="BUNDLE", tax_class=None, publication_id=publication
    )
    for tax_class, percent in (("STANDARD", "30.00"), ("REDUCED", "70.00")):
        await publisher.make(
            models.ProductTaxShare, product_id=product, tax_class=tax_class, percent=percent
        )
    query = "{ products { nodes { taxClass taxShares { taxClass percent } } } }"
    assert (await publisher.data(query))["products"]["nodes"] == [
        {
            "taxClass": None,
            "taxShares": [
                {"taxClass": "REDUCED", "percent": "70.00"},
                {"taxClass": "STANDARD", "percent": "30.00"},
            ],
        }
    ]


async def test_the_tenants_history_has_nothing_of_an_account(publisher: Publisher) -> None:
    await publisher.full_account()
    await publisher.make(models.History, action="product.created")
    data = await publisher.data("{ tenantHistory { totalCount nodes { action } } }")
    assert data["tenantHistory"] == {"totalCount": 1, "nodes": [{"action": "product.created"}]}
