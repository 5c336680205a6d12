"""Workers that are killed while orders come in: nothing is lost, doubled or left half done."""

import random

import asyncpg

from app.settings import Settings
from tests.killed_checkouts import killed_again_and_again

CLIENTS = 12
ORDERS = 40


async def test_every_request_has_its_effect_once(
    owner: asyncpg.Connection, settings: Settings
) -> None:
    moments = random.Random(64)  # noqa: S311  Nothing is secret about it.
    shop, killed = await killed_again_and_again(
        settings, owner, moments, clients=CLIENTS, orders=ORDERS
    )
    assert killed >= 1
    assert shop.ledger.done >= ORDERS
