"""Publications and their issues: what is printed, and when it appears."""

from collections.abc import Sequence
from datetime import date

import strawberry
from sqlalchemy import select, update
from strawberry import UNSET

from app.actions.catalogue_inputs import refuse_null
from app.auth.permissions import Permission
from app.errors import Refusal, Refused, UserErrorCode
from app.models import Delivery, Issue, Publication
from app.models.delivery import DeliveryStatus
from app.models.publication import Frequency
from app.work.action import action
from app.work.inputs import Repeatable, Versioned, given, identifier, set_fields, text
from app.work.unit import Work

MOST_ISSUES = 400
"""How many issues can be added at once: more than a year of a daily newspaper."""

_TITLE_TAKEN = {
    "uq_publication_tenant_id_title": Refusal(
        UserErrorCode.TITLE_TAKEN, "Another publication has this title.", ("title",)
    )
}
_ISSUE_TAKEN = {
    "uq_issue_tenant_id_publication_id_number": Refusal(
        UserErrorCode.NUMBER_TAKEN, "Another issue of the publication has this number.", ("number",)
    ),
    "uq_issue_tenant_id_publication_id_publishing_on": Refusal(
        UserErrorCode.PUBLISHING_DATE_TAKEN,
        "Another issue of the publication appears on this day.",
        ("publishing_on",),
    ),
}


@strawberry.input(description="A new publication.")
class CreatePublicationInput(Repeatable):
    """What appears, and how often."""

    title: str = text("Its title, unique in the tenant.", of=Publication.title)
    frequency: Frequency = given("How often it appears.")


@strawberry.input(description="What to change of a publication: what is left out stays as it is.")
class UpdatePublicationInput(Versioned):
    """Which publication, and what to change."""

    publication_id: strawberry.ID = identifier("The id of the publication.")
    title: str | None = text("Its title.", of=Publication.title, default=UNSET)
    frequency: Frequency | None = given("How often it appears.", default=UNSET)


@strawberry.input(description="An issue of a publication.")
class IssueInput:
    """When it appears, and until when its print run can change."""

    number: str = text("Its number, unique in the publication.", of=Issue.number)
    title: str | None = text("Its title.", of=Issue.title, default=UNSET)
    publishing_on: date = given("The day it appears, of which there is one issue at most.")
    closing_on: date = given("The last day for changes to its print run.")


@strawberry.input(description="A new issue of a publication.")
class AddIssueInput(IssueInput, Repeatable):
    """Of which publication."""

    publication_id: strawberry.ID = identifier("The id of the publication.")


@strawberry.input(description="New issues of a publication, all of which are added or none.")
class AddIssuesInput(Repeatable):
    """Of which publication, and which issues."""

    publication_id: strawberry.ID = identifier("The id of the publication.")
    issues: list[IssueInput] = given(f"The issues: 1 to {MOST_ISSUES}.")


@strawberry.input(description="What to change of an issue: what is left out stays as it is.")
class UpdateIssueInput(Versioned):
    """Which issue, and what to change."""

    issue_id: strawberry.ID = identifier("The id of the issue.")
    number: str | None = text("Its number.", of=Issue.number, default=UNSET)
    title: str | None = text("Its title; null removes it.", of=Issue.title, default=UNSET)
    publishing_on: date | None = given(
        "The day it appears. Planned deliveries move with it.", default=UNSET
    )
    closing_on: date | None = given("The last day for changes to its print run.", default=UNSET)


@strawberry.input(description="An issue to remove.")
class RemoveIssueInput:
    """Which issue."""

    issue_id: strawberry.ID = identifier("The id of the issue.")


@action(
    history="publication.created",
    needs=Permission.CATALOGUE_WRITE,
    conflicts=_TITLE_TAKEN,
    in_account=False,
    diary=False,
)
async def create_publication(work: Work, input: CreatePublicationInput) -> Publication:
    """Create a newspaper or magazine, still without issues."""
    return work.add(Publication(title=input.title, frequency=input.frequency.value))


@action(
    history="publication.updated",
    needs=Permission.CATALOGUE_WRITE,
    refuses=(UserErrorCode.NOT_FOUND,),
    conflicts=_TITLE_TAKEN,
    in_account=False,
    diary=False,
)
async def update_publication(work: Work, input: UpdatePublicationInput) -> Publication:
    """Change a publication. Its issues stay as they are."""
    publication = await work.lock(Publication, input.publication_id, "publication_id")
    work.expect(publication, input.expected_version)
    values = dict(set_fields(input, "title", "frequency"))
    refuse_null(values, "title", "frequency")
    publication.title = values.get("title", publication.title)
    if "frequency" in values:
        publication.frequency = values["frequency"].value
    return publication


@action(
    history="issue.added",
    needs=Permission.CATALOGUE_WRITE,
    refuses=(UserErrorCode.NOT_FOUND, UserErrorCode.PERIOD_INVALID),
    conflicts=_ISSUE_TAKEN,
    in_account=False,
    diary=False,
)
async def add_issue(work: Work, input: AddIssueInput) -> Issue:
    """Add an issue to a publication."""
    publication = await work.find(Publication, input.publication_id, "publication_id")
    _check_closing(input.publishing_on, input.closing_on)
    return _add(work, publication, input)


@action(
    history="publication.issues_added",
    needs=Permission.CATALOGUE_WRITE,
    refuses=(UserErrorCode.NOT_FOUND, UserErrorCode.PERIOD_INVALID),
    conflicts={
        name: Refusal(refusal.code, refusal.message, ("issues",))
        for name, refusal in _ISSUE_TAKEN.items()
    },
    in_account=False,
    diary=False,
)
async def add_issues(work: Work, input: AddIssuesInput) -> Publication:
    """Add many issues to a publication at once, such as those of a year."""
    publication = await work.lock(Publication, input.publication_id, "publication_id")
    if not 1 <= len(input.issues) <= MOST_ISSUES:
        raise Refused(
            UserErrorCode.INVALID, f"There are 1 to {MOST_ISSUES} issues at once.", "issues"
        )
    for place, issue in enumerate(input.issues):
        _check_closing(issue.publishing_on, issue.closing_on, "issues", str(place))
        _add(work, publication, issue)
    return publication


@action(
    history="issue.updated",
    needs=Permission.CATALOGUE_WRITE,
    refuses=(
        UserErrorCode.NOT_FOUND,
        UserErrorCode.PERIOD_INVALID,
        UserErrorCode.ISSUE_DELIVERED,
    ),
    conflicts=_ISSUE_TAKEN,
    in_account=False,
    diary=False,
)
async def update_issue(work: Work, input: UpdateIssueInput) -> Issue:
    """Change an issue. The day of one that was delivered stays."""
    issue = await work.lock(Issue, input.issue_id, "issue_id")
    work.expect(issue, input.expected_version)
    values = dict(set_fields(input, "number", "title", "publishing_on", "closing_on"))
    refuse_null(values, "number", "publishing_on", "closing_on")
    for name, value in values.items():
        setattr(issue, name, value)
    _check_closing(issue.publishing_on, issue.closing_on)
    if "publishing_on" in work.changed(issue):
        if DeliveryStatus.SENT.value in await _deliveries(work, issue):
            raise Refused(
                UserErrorCode.ISSUE_DELIVERED, "It was delivered on its day.", "publishing_on"
            )
        await _move_deliveries(work, issue)
    return issue


@action(
    history="issue.removed",
    needs=Permission.CATALOGUE_WRITE,
    refuses=(
        UserErrorCode.NOT_FOUND,
        UserErrorCode.ISSUE_DELIVERED,
        UserErrorCode.ISSUE_IN_USE,
    ),
    in_account=False,
    diary=False,
)
async def remove_issue(work: Work, input: RemoveIssueInput) -> Publication:
    """Remove an issue of which there are no deliveries."""
    issue = await work.lock(Issue, input.issue_id, "issue_id")
    deliveries = await _deliveries(work, issue)
    if DeliveryStatus.SENT.value in deliveries:
        raise Refused(UserErrorCode.ISSUE_DELIVERED, "It was delivered.", "issue_id")
    if deliveries:
        raise Refused(UserErrorCode.ISSUE_IN_USE, "There are deliveries of it.", "issue_id")
    await work.remove(issue)
    work.about(issue)
    return await work.session.get_one(Publication, (work.tenant_id, issue.publication_id))


def _add(work: Work, publication: Publication, input: IssueInput) -> Issue:
    return work.add(
        Issue(
            publication_id=publication.id,
            number=input.number,
            title=input.title or None,
            publishing_on=input.publishing_on,
            closing_on=input.closing_on,
        )
    )


def _check_closing(publishing_on: date, closing_on: date, *path: str) -> None:
    if closing_on > publishing_on:
        raise Refused(
            UserErrorCode.PERIOD_INVALID, "It closes after it appears.", *path, "closing_on"
        )


async def _deliveries(work: Work, issue: Issue) -> Sequence[str]:
    """The different states of the deliveries of an issue; one that came back was sent, too."""
    states = (
        select(Delivery.status)
        .where(Delivery.tenant_id == work.tenant_id, Delivery.issue_id == issue.id)
        .distinct()
    )
    sent = {DeliveryStatus.SENT.value, DeliveryStatus.RETURNED.value}
    return [
        DeliveryStatus.SENT.value if state in sent else state
        for state in await work.session.scalars(states)
    ]


async def _move_deliveries(work: Work, issue: Issue) -> None:
    """Plan an issue's deliveries for its new day."""
    await work.session.execute(
        update(Delivery)
        .where(Delivery.tenant_id == work.tenant_id, Delivery.issue_id == issue.id)
        .values(publishing_on=issue.publishing_on, **work.actor)
        .execution_options(synchronize_session=False)
    )
