"""What is kept of documents is bounded, however many different ones there are."""

import gc
from collections import Counter
from functools import partial

import pytest
from starlette.applications import Starlette

from app.database import Statement
from app.resolvers.plan import Outline, Plans
from app.resolvers.selection import Place
from app.resolvers.statements import StatementCache
from app.server.documents import Document
from app.server.graphql_http import GraphQLEndpoint
from app.settings import Settings
from tests.publisher import Publisher

DOCUMENTS = 1_000
KEPT = 40
MOST_BYTES = 60_000
"""Of SQL; about a hundred statements like those below."""

COUNTED = (Document, Plans, Outline, Place)


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A server that keeps little, so that few documents are many."""
    monkeypatch.setattr("app.main.StatementCache", partial(StatementCache, MOST_BYTES))
    return settings.model_copy(update={"document_cache_size": KEPT, "database_pool_size": 1})


def _alive() -> Counter[type]:
    """How many there are of what is kept for documents."""
    gc.collect()
    kinds = Counter(type(known) for known in gc.get_objects())
    return Counter({kind: kinds[kind] for kind in COUNTED})


def _sql_bytes() -> int:
    """How much SQL there is in memory."""
    return sum(len(known.sql) for known in gc.get_objects() if isinstance(known, Statement))


async def test_many_documents_leave_memory_bounded(app: Starlette, publisher: Publisher) -> None:
    found = (getattr(route, "endpoint", None) for route in app.routes)
    endpoint = next(known for known in found if isinstance(known, GraphQLEndpoint))
    before, sql_before = _alive(), _sql_bytes()
    halves = []
    for number in range(DOCUMENTS):
        await publisher.data(f"{{ customers(first: 1) {{ nodes {{ a{number}: id }} }} }}")
        if number % (DOCUMENTS // 2) == DOCUMENTS // 2 - 1:
            halves.append(_alive() - before)
    assert len(endpoint.documents) == KEPT
    for alive in halves:
        assert alive[Document] == alive[Plans] == alive[Outline] == alive[Place] == KEPT
    assert MOST_BYTES / 8 < _sql_bytes() - sql_before <= MOST_BYTES
