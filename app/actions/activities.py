"""Activities: what staff write into an account's diary, with files where there are some.

Whoever wrote an activity can correct it or take it back for a quarter of an hour; afterwards it
stands, because others may have relied on it. Files can't be exchanged: an activity with the wrong
one is removed and written anew. What the application wrote stands from the beginning.
"""

from datetime import timedelta

import strawberry
from strawberry import UNSET

from app.auth.permissions import Permission
from app.errors import Refused, UserErrorCode
from app.models import Activity, ActivityAttachment, Customer, File
from app.models.activity import LONGEST_ACTIVITY, MOST_ATTACHMENTS, ActivityKind
from app.models.file import FilePurpose
from app.scalars import UploadedFile
from app.work.action import action
from app.work.files import FILE_REFUSALS, keep
from app.work.inputs import OfCustomer, Repeatable, given, identifier, set_fields, text
from app.work.unit import Work

EDITED_WITHIN = timedelta(minutes=15)

_EDITING = (
    UserErrorCode.SYSTEM_ACTIVITY,
    UserErrorCode.NOT_AUTHOR,
    UserErrorCode.EDIT_PERIOD_OVER,
)


def _written_by_people(kind: ActivityKind) -> ActivityKind:
    if kind is ActivityKind.SYSTEM:
        raise Refused(UserErrorCode.INVALID, "Only the application writes these.")
    return kind


@strawberry.input(description="An activity to write into a customer's account.")
class AddActivityInput(OfCustomer, Repeatable):
    """Whose account, and what to write."""

    kind: ActivityKind = given(
        "What it is; a HINT is pinned. Not SYSTEM.", check=_written_by_people
    )
    text: str = text("What it says.", most=LONGEST_ACTIVITY, lines=True)
    files: list[UploadedFile] | None = given(
        f"Up to {MOST_ATTACHMENTS} files: PDF, images (PNG, JPEG, GIF, WebP, AVIF, HEIC, TIFF, "
        "BMP) or Office documents (docx xlsx pptx, doc xls ppt, odt ods odp).",
        default=UNSET,
    )


@strawberry.input(description="What to change of an activity: what is left out stays as it is.")
class EditActivityInput:
    """Which activity, and what it is to be."""

    activity_id: strawberry.ID = identifier("The id of the activity.")
    kind: ActivityKind | None = given(
        "What it is. Not SYSTEM.", default=UNSET, check=_written_by_people
    )
    text: str | None = text("What it says.", most=LONGEST_ACTIVITY, lines=True, default=UNSET)


@strawberry.input(description="An activity to remove.")
class RemoveActivityInput:
    """Which activity."""

    activity_id: strawberry.ID = identifier("The id of the activity.")


@strawberry.input(description="An activity to pin.")
class PinActivityInput:
    """Which activity."""

    activity_id: strawberry.ID = identifier("The id of the activity.")


@strawberry.input(description="An activity to unpin.")
class UnpinActivityInput:
    """Which activity."""

    activity_id: strawberry.ID = identifier("The id of the activity.")


@action(
    history="activity.added",
    needs=Permission.ACTIVITY_WRITE,
    refuses=FILE_REFUSALS,
    diary=False,
)
async def add_activity(work: Work, input: AddActivityInput) -> Activity:
    """Write an activity into a customer's account, with files where there are some."""
    customer = await work.account(input.customer_id)
    activity = work.add(
        Activity(
            customer_id=customer.id,
            kind=input.kind.value,
            text=input.text,
            pinned_at=work.now if input.kind is ActivityKind.HINT else None,
        )
    )
    if input.files:
        files = await keep(work, customer, input.files, FilePurpose.ATTACHMENT)
        for position, file in enumerate(files, start=1):
            work.add(
                ActivityAttachment(activity_id=activity.id, file_id=file.id, position=position)
            )
    return activity


@action(history="activity.edited", needs=Permission.ACTIVITY_WRITE, refuses=_EDITING)
async def edit_activity(work: Work, input: EditActivityInput) -> Activity:
    """Correct an activity, within 15 minutes and by whoever wrote it."""
    activity = await _editable(work, input.activity_id)
    for name, value in set_fields(input, "kind", "text"):
        if value is None:
            raise Refused(UserErrorCode.REQUIRED, "This can't be removed.", name)
        setattr(activity, name, str(value))
    if "kind" in work.changed(activity) and activity.kind == ActivityKind.HINT:
        activity.pinned_at = activity.pinned_at or work.now
    work.note("Activity edited." if work.changed(activity) else "Activity saved without a change.")
    return activity


@action(history="activity.removed", needs=Permission.ACTIVITY_WRITE, refuses=_EDITING)
async def remove_activity(work: Work, input: RemoveActivityInput) -> Customer:
    """Remove an activity and its files, within 15 minutes and by whoever wrote it.

    The history keeps what it said. Its files are swept out of the store.
    """
    activity = await _editable(work, input.activity_id)
    attachments = await work.rows(ActivityAttachment, ActivityAttachment.activity_id == activity.id)
    files = await work.rows(File, File.id.in_([one.file_id for one in attachments]))
    for attachment in attachments:
        await work.remove(attachment)
    await work.flush()
    for row in (*files, activity):
        await work.remove(row)
    work.about(activity)
    work.note("Activity removed.")
    return await work.session.get_one(Customer, (work.tenant_id, activity.customer_id))


@action(
    history="activity.pinned",
    needs=Permission.ACTIVITY_WRITE,
    refuses=(UserErrorCode.ALREADY_PINNED,),
)
async def pin_activity(work: Work, input: PinActivityInput) -> Activity:
    """Pin an activity, so that it is shown wherever the account opens."""
    activity = await work.lock(Activity, input.activity_id, "activity_id")
    if activity.pinned_at is not None:
        raise Refused(UserErrorCode.ALREADY_PINNED, "This is pinned already.", "activity_id")
    activity.pinned_at = work.now
    work.note("Activity pinned.")
    return activity


@action(
    history="activity.unpinned",
    needs=Permission.ACTIVITY_WRITE,
    refuses=(UserErrorCode.NOT_PINNED,),
)
async def unpin_activity(work: Work, input: UnpinActivityInput) -> Activity:
    """Unpin an activity, which stays in the diary."""
    activity = await work.lock(Activity, input.activity_id, "activity_id")
    if activity.pinned_at is None:
        raise Refused(UserErrorCode.NOT_PINNED, "This is not pinned.", "activity_id")
    activity.pinned_at = None
    work.note("Activity unpinned.")
    return activity


async def _editable(work: Work, id: str) -> Activity:
    """An activity that the actor may still change."""
    activity = await work.lock(Activity, id, "activity_id")
    if activity.kind == ActivityKind.SYSTEM:
        raise Refused(
            UserErrorCode.SYSTEM_ACTIVITY, "The application wrote this activity.", "activity_id"
        )
    author = (activity.author_kind, activity.author_id)
    if activity.author_id is None or author != (work.actor["actor_kind"], work.actor["actor_id"]):
        raise Refused(UserErrorCode.NOT_AUTHOR, "Somebody else wrote this activity.", "activity_id")
    if work.now > activity.created_at + EDITED_WITHIN:
        raise Refused(
            UserErrorCode.EDIT_PERIOD_OVER,
            "This was written more than 15 minutes ago.",
            "activity_id",
        )
    return activity
