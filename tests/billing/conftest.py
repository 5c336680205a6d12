"""Fixtures for what is billed: a publisher's house whose days pass as the test says."""

from collections.abc import AsyncIterator
from datetime import date

import asyncpg
import pytest

from app.settings import Settings
from tests.billing.publishing import House, opened_house


@pytest.fixture
async def house(settings: Settings, owner: asyncpg.Connection) -> AsyncIterator[House]:
    """A new publisher's house, on 15 January 2024."""
    async with opened_house(settings, owner, date(2024, 1, 15)) as house:
        yield house
