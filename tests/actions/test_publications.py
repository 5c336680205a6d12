"""Publications and issues: what appears, and when."""

from typing import Any

from app import models
from app.auth.permissions import Permission
from app.schema.catalogue import Issue, Publication
from app.schema.node import encode_id, key_of
from tests.actions.catalogue import done, publication
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, codes, refusals
from tests.rows import EPOCH

SHOWN = "publication { id title frequency version issues { nodes { number } } }"
ISSUE = {
    "number": "1/2031",
    "title": "Januar",
    "publishingOn": "2031-01-12",
    "closingOn": "2031-01-02",
}
ISSUED = "issue { id number title publishingOn closingOn version publication { id } }"


async def issue(publisher: Publisher, publication_id: str, **values: Any) -> str:
    """The id of a new issue."""
    given = {**ISSUE, "publicationId": publication_id, **values}
    return str((await done(publisher, "addIssue", given, ISSUED))["id"])


async def deliver(publisher: Publisher, issue_id: str, status: str) -> int:
    """A delivery of an issue, which is sent where the status says so."""
    customer = await publisher.customer()
    product = await publisher.make(models.Product)
    offer = await publisher.make(models.Offer, product_id=product)
    subscription = await publisher.make(models.Subscription, customer_id=customer, offer_id=offer)
    return await publisher.make(
        models.Delivery,
        customer_id=customer,
        subscription_id=subscription,
        issue_id=key_of(issue_id, Issue),
        status=status,
        sent_at=EPOCH if status == "SENT" else None,
    )


async def test_a_publication_is_created_and_changed(
    publisher: Publisher, everything: Everything
) -> None:
    given: dict[str, Any] = {"title": "Bergzeit", "frequency": "MONTHLY", "idempotencyKey": "k"}
    made = await done(publisher, "createPublication", given, SHOWN)
    async with everything.unchanged():
        assert await done(publisher, "createPublication", given, SHOWN) == made
    given = {"publicationId": made["id"], "frequency": "QUARTERLY", "expectedVersion": 1}
    changed = await done(publisher, "updatePublication", given, SHOWN)
    assert changed == made | {"frequency": "QUARTERLY", "version": 2}
    given = {"publicationId": made["id"], "title": "Bergzeiten"}
    assert (await done(publisher, "updatePublication", given, SHOWN))["title"] == "Bergzeiten"
    history = await publisher.tenant_history()
    assert [(entry["action"], entry["before"], entry["after"]) for entry in history] == [
        ("publication.created", None, {"title": "Bergzeit", "frequency": "MONTHLY"}),
        ("publication.updated", {"frequency": "MONTHLY"}, {"frequency": "QUARTERLY"}),
        ("publication.updated", {"title": "Bergzeit"}, {"title": "Bergzeiten"}),
    ]


async def test_publications_are_refused(
    publisher: Publisher, competitor: Publisher, everything: Everything
) -> None:
    await publication(publisher, "Taken")
    made = await publication(publisher)
    cases: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
        ("createPublication", {"title": "Taken"}, ("TITLE_TAKEN", "title")),
        ("createPublication", {"title": " "}, ("REQUIRED", "title")),
        ("createPublication", {"title": "x" * 201}, ("TOO_LONG", "title")),
        ("updatePublication", {"title": "Taken"}, ("TITLE_TAKEN", "title")),
        ("updatePublication", {"title": None}, ("REQUIRED", "title")),
        ("updatePublication", {"frequency": None}, ("REQUIRED", "frequency")),
        ("updatePublication", {"expectedVersion": 2}, ("STALE_VERSION", "expectedVersion")),
    ]
    async with everything.unchanged():
        for action, given, expected in cases:
            of = {"publicationId": made} if action.startswith("update") else {"frequency": "DAILY"}
            assert refusals(await publisher.act(action, of | given)) == [expected], given
        payload = await competitor.act("updatePublication", {"publicationId": made})
        assert refusals(payload) == [("NOT_FOUND", "publicationId")]
    assert await publication(competitor, "Taken")


async def test_an_issue_is_added_changed_and_removed(
    publisher: Publisher, everything: Everything
) -> None:
    of = await publication(publisher)
    given: dict[str, Any] = {**ISSUE, "publicationId": of, "idempotencyKey": "k"}
    made = await done(publisher, "addIssue", given, ISSUED)
    async with everything.unchanged():
        assert await done(publisher, "addIssue", given, ISSUED) == made
    assert made == {**ISSUE, "id": made["id"], "version": 1, "publication": {"id": of}}
    given = {"issueId": made["id"], "title": None, "publishingOn": "2031-01-13"}
    changed = await done(publisher, "updateIssue", given, ISSUED)
    assert changed == made | {"title": None, "publishingOn": "2031-01-13", "version": 2}
    removed = await done(publisher, "removeIssue", {"issueId": made["id"]}, SHOWN)
    assert (removed["id"], removed["issues"]["nodes"]) == (of, [])
    *_, added, updated, gone = await publisher.tenant_history()
    assert [entry["action"] for entry in (added, updated, gone)] == [
        "issue.added",
        "issue.updated",
        "issue.removed",
    ]
    assert updated["before"] == {"title": "Januar", "publishing_on": "2031-01-12"}
    assert (gone["record_type"], gone["record_id"]) == ("Issue", key_of(made["id"], Issue))
    assert (gone["before"]["number"], gone["after"]) == ("1/2031", None)


async def test_issues_of_a_year_are_added_at_once_or_not_at_all(
    publisher: Publisher, everything: Everything
) -> None:
    of = await publication(publisher)
    issues = [
        {
            "number": f"{month}/2031",
            "publishingOn": f"2031-{month:02}-12",
            "closingOn": f"2031-{month:02}-02",
        }
        for month in range(1, 13)
    ]
    wrong: dict[str, tuple[list[dict[str, Any]], tuple[str, str]]] = {
        "none": ([], ("INVALID", "issues")),
        "too many": (issues * 34, ("INVALID", "issues")),
        "a number twice": (
            [*issues, {**issues[0], "publishingOn": "2032-01-12"}],
            ("NUMBER_TAKEN", "issues"),
        ),
        "a day twice": (
            [*issues, {**issues[0], "number": "x"}],
            ("PUBLISHING_DATE_TAKEN", "issues"),
        ),
        "one that closes too late": (
            [issues[0], {**issues[1], "closingOn": "2031-02-13"}],
            ("PERIOD_INVALID", "issues.1.closingOn"),
        ),
        "one without a number": (
            [issues[0], {**issues[1], "number": ""}],
            ("REQUIRED", "issues.1.number"),
        ),
    }
    async with everything.unchanged():
        for case, (given, expected) in wrong.items():
            payload = await publisher.act("addIssues", {"publicationId": of, "issues": given})
            assert refusals(payload) == [expected], case
    made = await done(publisher, "addIssues", {"publicationId": of, "issues": issues}, SHOWN)
    assert [node["number"] for node in made["issues"]["nodes"]] == [
        f"{month}/2031" for month in range(12, 0, -1)
    ]
    *_, entry = await publisher.tenant_history()
    assert (entry["action"], entry["record_id"]) == (
        "publication.issues_added",
        key_of(of, Publication),
    )
    assert len(entry["after"]) == 12


async def test_issues_are_refused(
    publisher: Publisher, competitor: Publisher, everything: Everything
) -> None:
    of = await publication(publisher)
    await issue(publisher, of)
    second = await issue(publisher, of, number="2", publishingOn="2031-02-12")
    cases: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"number": "1/2031", "publishingOn": "2031-03-12"}, ("NUMBER_TAKEN", "number")),
        ({"number": "3"}, ("PUBLISHING_DATE_TAKEN", "publishingOn")),
        ({"number": ""}, ("REQUIRED", "number")),
        ({"number": "x" * 31}, ("TOO_LONG", "number")),
        ({"title": "x" * 201}, ("TOO_LONG", "title")),
        (
            {"number": "3", "publishingOn": "2031-03-12", "closingOn": "2031-03-13"},
            ("PERIOD_INVALID", "closingOn"),
        ),
    ]
    async with everything.unchanged():
        for given, expected in cases:
            payload = await publisher.act("addIssue", {**ISSUE, "publicationId": of, **given})
            assert refusals(payload) == [expected]
            values = {"publishingOn": "2031-01-12", **given}
            payload = await publisher.act("updateIssue", {"issueId": second, **values})
            assert refusals(payload) == [expected]
        for given, expected in (
            ({"publishingOn": None}, ("REQUIRED", "publishingOn")),
            ({"closingOn": None}, ("REQUIRED", "closingOn")),
            ({"number": None}, ("REQUIRED", "number")),
            ({"expectedVersion": 2}, ("STALE_VERSION", "expectedVersion")),
            ({"issueId": encode_id("Issue", 2**63 - 1)}, ("NOT_FOUND", "issueId")),
        ):
            payload = await publisher.act("updateIssue", {"issueId": second, **given})
            assert refusals(payload) == [expected]
        for action in ("updateIssue", "removeIssue"):
            payload = await competitor.act(action, {"issueId": second})
            assert refusals(payload) == [("NOT_FOUND", "issueId")]
        for action, given in (
            ("addIssue", ISSUE),
            ("addIssues", {"issues": [ISSUE]}),
        ):
            payload = await competitor.act(action, {**given, "publicationId": of})
            assert refusals(payload) == [("NOT_FOUND", "publicationId")]
    other = await publication(publisher, "Anderes")
    assert await issue(publisher, other)


async def test_the_day_of_an_issue_that_was_delivered_stays(
    publisher: Publisher, everything: Everything
) -> None:
    of = await publication(publisher)
    for number, status in enumerate(("SENT", "RETURNED")):
        day = f"2031-0{number + 2}-12"
        made = await issue(publisher, of, number=str(number), publishingOn=day)
        await deliver(publisher, made, status)
        async with everything.unchanged():
            payload = await publisher.act(
                "updateIssue", {"issueId": made, "publishingOn": "2031-05-13"}
            )
            assert refusals(payload) == [("ISSUE_DELIVERED", "publishingOn")]
            payload = await publisher.act("removeIssue", {"issueId": made})
            assert refusals(payload) == [("ISSUE_DELIVERED", "issueId")]
        given = {"issueId": made, "title": "Nachtrag", "publishingOn": day}
        assert (await done(publisher, "updateIssue", given, ISSUED))["title"] == "Nachtrag"


async def test_planned_deliveries_move_with_their_issue(
    publisher: Publisher, everything: Everything
) -> None:
    of = await publication(publisher)
    made = await issue(publisher, of)
    other = await issue(publisher, of, number="2", publishingOn="2031-02-12")
    moved = await deliver(publisher, made, "PLANNED")
    stays = await deliver(publisher, other, "PLANNED")
    async with everything.unchanged():
        payload = await publisher.act("removeIssue", {"issueId": made})
        assert refusals(payload) == [("ISSUE_IN_USE", "issueId")]
    await done(publisher, "updateIssue", {"issueId": made, "publishingOn": "2031-01-20"}, ISSUED)
    days = await publisher.owner.fetch(
        "SELECT id, publishing_on::text AS day, actor_name FROM delivery WHERE tenant_id = $1",
        publisher.tenant_id,
    )
    found = {row["id"]: (row["day"], row["actor_name"]) for row in days}
    assert found[moved] == ("2031-01-20", "Test")
    assert found[stays][1] is None


async def test_who_may_not_changes_nothing(publisher: Publisher, everything: Everything) -> None:
    of = await publication(publisher)
    made = await issue(publisher, of)
    token = await publisher.issue_token(*(set(Permission) - {Permission.CATALOGUE_WRITE}))
    inputs: dict[str, dict[str, Any]] = {
        "createPublication": {"title": "x", "frequency": "DAILY"},
        "updatePublication": {"publicationId": of},
        "addIssue": {**ISSUE, "publicationId": of},
        "addIssues": {"issues": [ISSUE], "publicationId": of},
        "updateIssue": {"issueId": made},
        "removeIssue": {"issueId": made},
    }
    async with everything.unchanged():
        for action, given in inputs.items():
            assert codes(await publisher.ask_to(action, given, token=token)) == ["FORBIDDEN"]
