"""The tab of opt-ins: what the customer agreed to, and the proof of it."""

from sqlalchemy import ColumnElement, Text, func

from app.auth.permissions import Permission
from app.models.opt_in import OptIn as OptInModel
from app.models.opt_in import OptInChannel, OptInStatus
from app.models.opt_in import OptInEntry as OptInEntryModel
from app.resolvers.fields import column, expression
from app.resolvers.reads import Columns
from app.schema.connection import Connection, tab
from app.schema.enums import described
from app.schema.node import AccountRecord, record

described(
    OptInChannel,
    "By which way a customer may be approached.",
    {
        "EMAIL": "E-mail.",
        "PHONE": "Telephone; the proof is kept for five years (§ 7a UWG).",
        "POST": "Letters.",
        "MESSENGER": "Messengers on a telephone.",
    },
)
described(
    OptInStatus,
    "What the customer has said.",
    {
        "NONE": "Nothing.",
        "SINGLE_OPT_IN": "They agreed.",
        "DOUBLE_OPT_IN": "They agreed and confirmed it by a link sent to them.",
        "OBJECTION": "They object.",
        "REVOKED": "They took their agreement back.",
    },
)


def ip_text(t: Columns) -> ColumnElement[str]:
    """The address without the length of its network."""
    return func.host(t.ip, type_=Text)


@record(
    OptInEntryModel,
    needs=Permission.OPT_IN_READ,
    description="The evidence of one change of an opt-in. It is never overwritten.",
)
class OptInEntry(AccountRecord):
    """Who said what, when, from where, and the full text they agreed to."""

    status: OptInStatus = column("What was said.", where=True)
    source: str = column("Where it was said: a form, a call, a letter.", where=True)
    ip: str | None = expression(ip_text, "The internet address it came from.")
    user_agent: str | None = column("The program it came from.")
    text: str | None = column("The full declaration, as it was shown.", long=True)
    text_version: str | None = column("The declaration's version.", where=True)
    text_sha256: str | None = column("The declaration's SHA-256, in hexadecimal.")


@record(
    OptInModel,
    needs=Permission.OPT_IN_READ,
    description="What a customer has said to one purpose on one channel.",
    order="purpose",
)
class OptIn(AccountRecord):
    """The state of a consent, as the newest entry of its log says it."""

    purpose: str = column("What the data would be used for.", where=True, order=True)
    channel: OptInChannel = column("By which way.", where=True, order=True)
    status: OptInStatus = column("What the customer has said.", where=True, order=True)
    entries: Connection[OptInEntry] | None = tab(
        "opt_in_id", "The evidence log.", needs=Permission.OPT_IN_READ
    )
