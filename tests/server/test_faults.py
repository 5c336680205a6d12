"""How errors become answers, with a real database."""

import pytest
from structlog.testing import capture_logs

from app.settings import Settings
from tests.publisher import Publisher, codes

QUERY = """{ customers { nodes {
    mails { totalCount } logins { totalCount } invoices { totalCount } } } }"""


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """A configuration for one of the two ways."""
    return settings.model_copy(update={"compiled_reads": request.param})


@pytest.mark.parametrize("settings", [True], indirect=True)
async def test_a_compiled_statement_that_fails_is_the_requests_fault(publisher: Publisher) -> None:
    await publisher.data(QUERY)
    await publisher.owner.execute("ALTER TABLE mail RENAME TO gone")
    with capture_logs() as logs:
        answer = await publisher.ask(QUERY)
    assert codes(answer) == ["INTERNAL"]
    assert "data" not in answer
    (fault,) = [line for line in logs if line["event"] == "fault"]
    assert answer["errors"][0]["extensions"]["id"] == fault["id"]


@pytest.mark.parametrize("settings", [False], indirect=True)
async def test_a_statement_that_fails_is_one_fault(publisher: Publisher) -> None:
    await publisher.customer()
    await publisher.customer()
    await publisher.owner.execute("ALTER TABLE mail RENAME TO gone")
    with capture_logs() as logs:
        answer = await publisher.ask(QUERY)
    assert codes(answer) == ["INTERNAL"] * 6
    (fault,) = [line for line in logs if line["event"] == "fault"]
    assert {error["extensions"]["id"] for error in answer["errors"]} == {fault["id"]}
    assert sorted(error["path"] for error in answer["errors"]) == [
        ["customers", "nodes", place, tab]
        for place in (0, 1)
        for tab in ("invoices", "logins", "mails")
    ]
    assert all(error["locations"] for error in answer["errors"])
