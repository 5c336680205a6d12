"""The tab of opt-ins: what the customer agreed to, and the proof of it."""

from datetime import datetime

from sqlalchemy import ColumnElement, Text, func

from app.auth.permissions import Permission
from app.context import CallerContext
from app.domain.opt_ins import confirmation_token
from app.models.opt_in import OptIn as OptInModel
from app.models.opt_in import OptInChannel, OptInStatus
from app.models.opt_in import OptInEntry as OptInEntryModel
from app.models.opt_in import OptInText as OptInTextModel
from app.resolvers.fields import column, expression, one, python
from app.resolvers.reads import Columns, Row
from app.schema.connection import Connection, tab
from app.schema.enums import described
from app.schema.node import AccountRecord, Record, record

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


def _token(context: CallerContext, row: Row) -> str | None:
    if row["_confirm_until"] is None:
        return None
    return confirmation_token(context.keyring.lookup_hash, row["_tenant_id"], row["_id"])


@record(
    OptInTextModel,
    needs=Permission.OPT_IN_READ,
    description="A declaration word for word, as customers are shown it. It never changes: "
    "another wording, or another language, is another version.",
)
class OptInText(Record):
    """One version of a declaration, for good."""

    purpose: str = column("What the data would be used for.", where=True, order=True)
    channel: OptInChannel = column("By which way.", where=True, order=True)
    version: str = column(
        "Its name, unique for the purpose and the channel.", where=True, order=True
    )
    text: str = column("The full declaration.", long=True)
    sha256: str = column("The SHA-256 of the text in UTF-8, in hexadecimal.")


@record(
    OptInEntryModel,
    needs=Permission.OPT_IN_READ,
    description="The evidence of one change of an opt-in. It is never overwritten.",
)
class OptInEntry(AccountRecord):
    """Who said what, when, from where, and the full text they agreed to."""

    opt_in: "OptIn" = one("opt_in_id", "The purpose and the channel that it is about.")
    status: OptInStatus = column("What was said.", where=True)
    declared_at: datetime = expression(
        lambda t: func.coalesce(t.declared_at, t.created_at, type_=t.created_at.type),
        "When the customer said it; `createdAt` is when it was written down.",
        where=True,
        order=True,
    )
    source: str = column("Where it was said: a form, a call, a letter.", where=True)
    ip: str | None = expression(ip_text, "The internet address it came from.")
    user_agent: str | None = column("The program it came from.")
    declaration: OptInText | None = one(
        "opt_in_text_id", "The declaration that was agreed to, word for word."
    )
    text_sha256: str | None = column(
        "The declaration's SHA-256, in hexadecimal, as it was when this was written down."
    )
    confirm_until: datetime | None = column(
        "Until when a single opt-in can be confirmed; null for anything else."
    )
    confirmation_token: str | None = python(
        ("tenant_id", "id", "confirm_until"),
        _token,
        "What to put into the link that the customer confirms by; for `recordDoubleOptIn`.",
        needs=Permission.OPT_IN_CONFIRM,
    )
    confirms: "OptInEntry | None" = one(
        "confirms_id",
        "The single opt-in that this double opt-in confirms. One that is said once more, since "
        "customers were merged, names the double opt-in that it repeats.",
    )


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
