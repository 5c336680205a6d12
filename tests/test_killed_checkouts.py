"""Workers that are killed while orders come in: nothing is lost, doubled or left half done."""

import random

import asyncpg

from app.settings import Settings
from tests.killed_checkouts import Pace, killed_again_and_again

CLIENTS = 12
ORDERS = 40
PACE = Pace(seconds=0.05, answers=10)
"""By answers alone, so that as many are killed on a slow machine, which would start workers
all the time, as on a fast one, which would be done before the first is killed."""
KILLS = 3


async def test_every_request_has_its_effect_once(
    owner: asyncpg.Connection, settings: Settings
) -> None:
    moments = random.Random(64)  # noqa: S311  Nothing is secret about it.
    shop, killed = await killed_again_and_again(
        settings, owner, moments, clients=CLIENTS, orders=ORDERS, pace=PACE
    )
    assert killed >= KILLS
    assert shop.ledger.done >= ORDERS
