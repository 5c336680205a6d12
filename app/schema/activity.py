"""The tab of activities: notes, hints and what was said with the customer."""

from app.auth.permissions import Permission
from app.models.activity import Activity as ActivityModel
from app.models.activity import ActivityAttachment, ActivityKind
from app.resolvers.fields import column, many
from app.schema.common import File
from app.schema.enums import described
from app.schema.node import AccountRecord, record

described(
    ActivityKind,
    "What an activity is.",
    {
        "NOTE": "A note of the staff.",
        "HINT": "A note that is pinned and shown wherever the account opens.",
        "PHONE": "A telephone call.",
        "EMAIL": "An e-mail from or to the customer.",
        "LETTER": "A letter from or to the customer.",
        "SYSTEM": "What an action changed, written by the application.",
    },
)


@record(
    ActivityModel,
    needs=Permission.ACTIVITY_READ,
    description="An entry in the diary of an account.",
)
class Activity(AccountRecord):
    """A note, a hint, a call, a letter, or what an action changed."""

    kind: ActivityKind = column("What it is.", where=True, order=True)
    text: str = column("What it says, 1 to 10,000 characters.", where=True, long=True)
    attachments: list[File] | None = many(
        "activity_id",
        "Its files, at most five.",
        order="position",
        through=ActivityAttachment,
        through_key="file_id",
        needs=Permission.CUSTOMER_READ,
    )
