"""How errors become answers, with a real database."""

from structlog.testing import capture_logs

from tests.publisher import Publisher, codes

# A signed address is made in Python, so graphql-core asks for each field by itself.
QUERY = """{ customers { nodes {
    mails { totalCount } logins { totalCount } invoices { nodes { pdf { downloadUrl } } } } } }"""


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
