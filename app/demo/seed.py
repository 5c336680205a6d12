"""The demonstration: a publisher with some hundred customers, and another one beside it."""

import asyncio
import json
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import asyncpg
from rich.console import Console

from app.auth.administration import create_partner_token, create_staff_token
from app.auth.passwords import hash_password
from app.auth.permissions import Permission
from app.auth.tokens import hash_token
from app.demo.account import FULL, ORDINARY, Detail, World
from app.demo.accounts import FIRST_NUMBER, add_account
from app.demo.batch import Batch, number_invoices, write
from app.demo.billing_profile import DONAUTALER, FOEHRENBACH
from app.demo.documents import Upload, add_documents, upload
from app.demo.sepa_batches import add_sepa_batches
from app.demo.world import Publisher, build_world, create_publisher
from app.encryption import Keyring
from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage

PUBLISHER = Publisher(
    "foehrenbach",
    "Föhrenbach Verlag GmbH",
    "DE",
    ("Johanna Breitner", "Mehmet Yilmaz", "Sabine Oberhuber", "Lukas Ferstl"),
    austrian=0.2,
    letterhead=FOEHRENBACH,
)
OTHER_PUBLISHER = Publisher(
    "donautaler",
    "Donautaler Medien GmbH",
    "AT",
    ("Katharina Pichler",),
    austrian=0.85,
    letterhead=DONAUTALER,
)
TOKEN_NAME = "Demonstration"  # noqa: S105  This is the name of a token.

_SHOWN = 5
_OFFERS = (
    ("BERG-J", "TAG-M"),
    ("TAG-K-Q", "BERG-J"),
    ("CLUB-J", "TAL-Q"),
    ("WEIT-J", "TAG-M"),
    ("TAG-E-M", "BERG-K-J"),
)
_LOCKS = {7: "login", 11: "access", 23: "access", 42: "login"}
_ANONYMIZED = 9


@dataclass(frozen=True)
class Size:
    """How much the demonstration holds; the account with the long tabs is its first."""

    customers: int = 200
    long_activities: int = 10_000
    long_deliveries: int = 2_000
    other_customers: int = 20


def ensure_demo(
    settings: Settings, console: Console, *, size: Size | None = None, today: date | None = None
) -> dict[str, object]:
    """See that the demonstration is there, and return what it is entered with.

    Tokens are stored hashed, so they can be returned again only while `demo.json` has them;
    without it there are new ones.
    """
    day = today or datetime.now(UTC).date()
    return asyncio.run(ensure(settings, console, size or Size(), day))


async def ensure(
    settings: Settings, console: Console, size: Size, today: date
) -> dict[str, object]:
    """Do what `ensure_demo` says, where a loop is running."""
    if settings.owner_database_url is None:
        raise ValueError("The address of the database's owner is not configured.")
    connection = await asyncpg.connect(settings.owner_database_url.get_secret_value())
    try:
        if await _has(connection, PUBLISHER.slug):
            stored = await _stored(connection, settings)
            return stored or await _enter(connection)
        async with connection.transaction():
            rows = await _seed(connection, settings, size, today)
            credentials = await _enter(connection)
        console.print(f"Filled in a demonstration of {rows:,} rows.", highlight=False)
        return credentials
    finally:
        await connection.close()


async def _has(connection: asyncpg.Connection, slug: str) -> bool:
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM tenant WHERE slug = $1)", slug
    )
    return found


async def _seed(connection: asyncpg.Connection, settings: Settings, size: Size, today: date) -> int:
    """Make both publishers; return the number of rows."""
    keyring, password_hash = Keyring.from_settings(settings), await _nobodys_password()
    rows = 0
    for publisher in (PUBLISHER, OTHER_PUBLISHER):
        batch = Batch(await create_publisher(connection, publisher))
        await batch.reserve(connection, _most_rows(size))
        world = await build_world(connection, batch, publisher, today, keyring)
        world.password_hash = password_hash
        uploads: list[Upload] = []
        if publisher is PUBLISHER:
            _add_shown_accounts(world, batch, size, uploads)
            for index in range(_SHOWN, size.customers):
                _add_ordinary_account(world, batch, index)
        else:
            for index in range(size.other_customers):
                account = add_account(world, batch, index, ORDINARY if index else FULL)
                if index == 0:
                    add_documents(account, uploads)
        add_sepa_batches(world, batch, publisher.name, publisher.letterhead, uploads)
        number_invoices(batch, {})
        await upload(Storage(settings), uploads)
        rows += await write(connection, batch.take())
    return rows


def _most_rows(size: Size) -> int:
    """No table gets more rows than this."""
    return 20_000 + size.long_activities + size.customers * 150


async def _nobodys_password() -> str:
    """A password for those who can log in, which nobody knows: support resets passwords."""
    return await hash_password(secrets.token_urlsafe(24))


def _add_shown_accounts(world: World, batch: Batch, size: Size, uploads: list[Upload]) -> None:
    """The first accounts, in which no tab is empty; the very first has long ones."""
    long = replace(
        FULL, periods=120, activities=size.long_activities, deliveries=size.long_deliveries
    )
    for index, offers in enumerate(_OFFERS):
        detail: Detail = FULL if index else long
        company = None if index else "Kurhotel Sonnleiten GmbH"
        account = add_account(world, batch, index, detail, offers=offers, company=company)
        add_documents(account, uploads)


def _add_ordinary_account(world: World, batch: Batch, index: int) -> None:
    anonymized = index == _ANONYMIZED
    offers = ("WEIT-J",) if anonymized else None
    add_account(
        world,
        batch,
        index,
        ORDINARY,
        offers=offers,
        lock=_LOCKS.get(index),
        anonymized=anonymized,
    )


async def _enter(connection: asyncpg.Connection) -> dict[str, object]:
    """New tokens for both publishers; those given out before end."""
    async with connection.transaction():
        await connection.execute(
            "UPDATE access_token SET revoked_at = now()"
            " WHERE name = $1 AND revoked_at IS NULL AND tenant_id IN"
            " (SELECT id FROM tenant WHERE slug = ANY($2))",
            TOKEN_NAME,
            [PUBLISHER.slug, OTHER_PUBLISHER.slug],
        )
        customers = await _customer_ids(connection, PUBLISHER, _SHOWN)
        (other_customer,) = await _customer_ids(connection, OTHER_PUBLISHER, 1)
        return {
            "staffToken": await create_staff_token(
                connection,
                tenant=PUBLISHER.slug,
                email=PUBLISHER.administrator,
                name=TOKEN_NAME,
                expires_at=None,
            ),
            "partnerToken": await partner_token(connection, PUBLISHER.slug),
            "customerIds": customers,
            "otherTenant": {
                "partnerToken": await partner_token(connection, OTHER_PUBLISHER.slug),
                "customerId": other_customer,
            },
        }


async def partner_token(connection: asyncpg.Connection, slug: str) -> str:
    """A token for a partner who may see all of the customers' accounts."""
    scopes = [permission for permission in Permission if permission is not Permission.STAFF_READ]
    return await create_partner_token(
        connection, tenant=slug, name=TOKEN_NAME, scopes=scopes, expires_at=None
    )


async def _customer_ids(
    connection: asyncpg.Connection, publisher: Publisher, count: int
) -> list[str]:
    numbers = [str(FIRST_NUMBER + index) for index in range(count)]
    found = await connection.fetch(
        "SELECT customer.id FROM customer JOIN tenant ON tenant.id = customer.tenant_id"
        " WHERE slug = $1 AND number = ANY($2) ORDER BY number",
        publisher.slug,
        numbers,
    )
    return [encode_id("Customer", row["id"]) for row in found]


async def _stored(connection: asyncpg.Connection, settings: Settings) -> dict[str, object] | None:
    """What `demo.json` says, if it is whole and all of its tokens still work."""
    try:
        content = json.loads((settings.var_directory / "demo.json").read_text("utf-8"))
        stored = {
            key: content[key]
            for key in ("staffToken", "partnerToken", "customerIds", "otherTenant")
        }
        tokens = (
            stored["staffToken"],
            stored["partnerToken"],
            stored["otherTenant"]["partnerToken"],
        )
        hashes = [hash_token(token) for token in tokens]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    working = await connection.fetchval(
        "SELECT count(*) FROM access_token WHERE hash = ANY($1) AND revoked_at IS NULL"
        " AND (expires_at IS NULL OR expires_at > now())",
        hashes,
    )
    same = stored["customerIds"] == await _customer_ids(connection, PUBLISHER, _SHOWN)
    return stored if working == len(hashes) and same else None
