"""How errors become answers, with a real database."""

from structlog.testing import capture_logs

from tests.publisher import Publisher, codes


async def test_a_statement_that_fails_is_one_fault(publisher: Publisher) -> None:
    await publisher.customer()
    await publisher.customer()
    await publisher.owner.execute("ALTER TABLE mail RENAME TO gone")
    with capture_logs() as logs:
        answer = await publisher.ask(
            "{ customers { nodes { mails { totalCount } logins { totalCount } } } }"
        )
    assert codes(answer) == ["INTERNAL"] * 4
    (fault,) = [line for line in logs if line["event"] == "fault"]
    assert {error["extensions"]["id"] for error in answer["errors"]} == {fault["id"]}
    assert sorted(error["path"] for error in answer["errors"]) == [
        ["customers", "nodes", place, tab] for place in (0, 1) for tab in ("logins", "mails")
    ]
    assert all(error["locations"] for error in answer["errors"])
