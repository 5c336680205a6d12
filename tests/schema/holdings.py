"""Two publishers with accounts of every kind, and what questions about them can name."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import asyncpg
import httpx2
from graphql import GraphQLObjectType
from rich.console import Console

from app import models
from app.auth.permissions import Permission
from app.demo.seed import OTHER_PUBLISHER, PUBLISHER, Size, ensure
from app.schema.node import _RECORDS, encode_id
from app.settings import Settings
from tests.asgi import client_of, lifespan
from tests.publisher import Publisher
from tests.schema.documents import everything, schema

TODAY = date(2026, 3, 17)
_SIZE = Size(customers=14, long_activities=130, long_deliveries=120, other_customers=1)
_MOST_IDS = 40

ODD_VALUES: dict[str, tuple[Any, ...]] = {
    "String": ("", " ", "ß", "%_\\", "'; --", "\U0001f600", "Erika\u0308", "x" * 500, '"', "{0}"),
    "ID": ("",),
    "Int": (0, 1, -1, 2_147_483_647),
    "Boolean": (True, False),
    "Decimal": ("0", "-0.10", "999999999999999999", "0.000001"),
    "Date": ("2020-02-29", "0001-01-01", "9999-12-31"),
    "DateTime": (
        "2020-01-02T03:04:05.678901+02:00",
        "2024-02-29T23:59:59Z",
        "0001-01-01T12:00:00Z",
        "9999-12-31T12:00:00Z",
    ),
    "EmailAddress": ("Erika@Example.org", "nobody@example.org"),
    "CountryCode": ("DE", "AT"),
    "CurrencyCode": ("EUR",),
    "PhoneNumber": ("+4930901820",),
    "URL": ("https://example.org/",),
}
"""Values at the edges of the scalars, all of which can be asked with."""


@dataclass
class Holdings:
    """What is there: ids by type, values by type and field, words, and another tenant's ids."""

    tenant_id: int
    ids: dict[str, list[str]] = field(default_factory=dict)
    foreign_ids: list[str] = field(default_factory=list)
    samples: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    tokens: dict[frozenset[str], str] = field(default_factory=dict)


async def hold(settings: Settings) -> Holdings:
    """Fill a database, and learn what is in it."""
    from app.main import create_app

    assert settings.owner_database_url is not None
    await ensure(settings, Console(quiet=True), _SIZE, TODAY)
    owner = await asyncpg.connect(settings.owner_database_url.get_secret_value())
    application = create_app(settings.model_copy(update={"compiled_reads": False}))
    try:
        async with lifespan(application), client_of(application) as client:
            return await _learn(owner, client)
    finally:
        await owner.close()


async def _learn(owner: asyncpg.Connection, client: httpx2.AsyncClient) -> Holdings:
    tenant, other = [
        await owner.fetchval("SELECT id FROM tenant WHERE slug = $1", known.slug)
        for known in (PUBLISHER, OTHER_PUBLISHER)
    ]
    publisher = Publisher(owner, client, tenant)
    await _add_odd_accounts(publisher)
    holdings = Holdings(tenant)
    publisher.token = await publisher.issue_token(*Permission)
    for name in sorted(_RECORDS):
        known = await _ids(owner, name, tenant)
        if known:
            holdings.ids[name] = known
        holdings.foreign_ids += (await _ids(owner, name, other))[:1]
    await _collect_samples(holdings, publisher)
    names = [*holdings.samples["Customer", "lastName"], *holdings.samples["Customer", "email"]]
    holdings.words = [*(name[:4] for name in names if name), "", "  ", "nobody", "a b", "%"]
    return holdings


async def _add_odd_accounts(publisher: Publisher) -> None:
    """An account with nothing in it, one with a least record in every tab, and odd texts."""
    await publisher.make(models.Customer, number="empty", last_name=None, company="\u202e GmbH")
    await publisher.full_account()
    odd = await publisher.make(
        models.Customer,
        number="odd-\U0001f600",
        last_name='O\'Brien "\\" \n\t',
        email="Odd+tag@Example.org",
        tags=["", "a,b", '"', "{}"],
    )
    for text in ("\u2028\u2029 </script>", "\x01\x7f", "null", "\\u0000", "\u00e9 e\u0301"):
        await publisher.make(models.Activity, customer_id=odd, text=text)
    await publisher.make(
        models.History,
        customer_id=odd,
        before={"": None, "a": [1, -2.5, {"b": "\u2028"}], "é": False},
        after={"deep": [[[]], {}], "n": 9_007_199_254_740_993},
    )


async def _ids(owner: asyncpg.Connection, name: str, tenant: int) -> list[str]:
    table = str(_RECORDS[name].model.__table__)
    query = f"SELECT id FROM {table} WHERE tenant_id = $1 ORDER BY id DESC LIMIT {_MOST_IDS}"  # noqa: S608  The names are ours.
    return [encode_id(name, row["id"]) for row in await owner.fetch(query, tenant)]


async def _collect_samples(holdings: Holdings, publisher: Publisher) -> None:
    """Ask for every field of some records of each type, and note the values."""
    for name, ids in holdings.ids.items():
        type_ = schema.type_map[name]
        assert isinstance(type_, GraphQLObjectType)
        selection = everything(type_, 1)
        query = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {name} {selection} }} }}"
        for row in (await publisher.data(query, ids=ids))["nodes"]:
            _note(holdings, name, row)


def _note(holdings: Holdings, name: str, row: dict[str, Any]) -> None:
    for key, value in row.items():
        values: Sequence[Any] = value if isinstance(value, list) else [value]
        for found in values:
            sample = found.get("amount") if isinstance(found, dict) else found
            known = holdings.samples.setdefault((name, key), [])
            if isinstance(sample, str | int | bool) and sample not in known:
                known.append(sample)
