"""Whatever is done to subscriptions in whatever order: their days, issues and money agree."""

import asyncio
from collections.abc import Iterator

import pytest

from app.settings import Settings
from tests.billing.lives import live
from tests.conftest import Database

STEPS = 1_000


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The database in which these tests found their publishers, side by side."""
    return shared_database


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """A loop that outlives an example."""
    with asyncio.Runner() as runner:
        yield runner


def test_days_issues_and_money_agree_after_every_step(
    runner: asyncio.Runner, settings: Settings, database: Database
) -> None:
    assert live(runner, settings, database.owner_database_url, STEPS, None) >= STEPS
