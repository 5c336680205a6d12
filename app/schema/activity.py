"""The tab of activities: notes, hints and what was said with the customer."""

from datetime import datetime

from app.auth.permissions import Permission
from app.models.activity import Activity as ActivityModel
from app.models.activity import ActivityAttachment, ActivityKind
from app.resolvers.fields import column, embedded, expression, many
from app.schema.common import File
from app.schema.enums import described
from app.schema.node import AccountRecord, Actor, record

described(
    ActivityKind,
    "What an activity is.",
    {
        "NOTE": "A note of the staff.",
        "HINT": "A note that is pinned from the beginning.",
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
    author: Actor = embedded(
        "Who wrote it, and may correct it for 15 minutes.",
        {"kind": "author_kind", "name": "author_name"},
    )
    pinned: bool = expression(
        lambda t: t.pinned_at.is_not(None),
        "Whether it is shown wherever the account opens.",
        where=True,
    )
    pinned_at: datetime | None = column("When it was pinned.", where=True)
    attachments: list[File] | None = many(
        "activity_id",
        "Its files, at most five.",
        order="position",
        through=ActivityAttachment,
        through_key="file_id",
        needs=Permission.CUSTOMER_READ,
    )
