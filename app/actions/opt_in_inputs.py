"""What clients say of opt-ins: declarations, what customers said to them, and the evidence."""

import ipaddress
import re
from datetime import datetime

import strawberry
from strawberry import UNSET

from app.errors import Refused, UserErrorCode
from app.models import OptInEntry, OptInText
from app.models.opt_in import PURPOSE, OptInChannel, OptInStatus
from app.work.inputs import OfCustomer, Repeatable, checked_text, given, text


def _purpose(value: str) -> str | None:
    kept = checked_text(value, 60)
    if kept is not None and re.fullmatch(PURPOSE, kept) is None:
        raise Refused(
            UserErrorCode.INVALID, "A purpose is made of the letters a to z, digits, - and _."
        )
    return kept


def _ip(value: str) -> "ipaddress.IPv4Address | ipaddress.IPv6Address | None":
    kept = checked_text(value, 60)
    try:
        return None if kept is None else ipaddress.ip_address(kept.partition("%")[0])
    except ValueError as error:
        raise Refused(UserErrorCode.INVALID, "This is no internet address.") from error


@strawberry.input
class Evidence:
    """Where something was said, and from where it came."""

    source: str = text("Where it was said: a form, a call, a letter, a link.", of=OptInEntry.source)
    ip: str | None = given(
        "The customer's internet address (IPv4 or IPv6).", default=UNSET, check=_ip
    )
    user_agent: str | None = text(
        "The program that the customer used.", of=OptInEntry.user_agent, default=UNSET
    )


@strawberry.input(description="A declaration to show to customers, for good.")
class DefineOptInTextInput(Repeatable):
    """What it is for, and how it reads."""

    purpose: str = given(
        "The key of what the data would be used for: letters, digits, - and _.", check=_purpose
    )
    channel: OptInChannel = given("By which way the customer would be approached.")
    version: str = text(
        "A name for this wording, such as `2026-11-de`, new for the purpose and channel.",
        of=OptInText.version,
    )
    text: str = text("The full declaration.", of=OptInText.text, lines=True)


@strawberry.input(description="What a customer has said to being approached.")
class ChangeOptInInput(OfCustomer, Evidence, Repeatable):
    """Who said what, to what, when and where."""

    purpose: str = given("The key of what the data would be used for.", check=_purpose)
    channel: OptInChannel = given("By which way the customer would be approached.")
    status: OptInStatus = given(
        "What was said: `SINGLE_OPT_IN`, `REVOKED` or `OBJECTION`. `DOUBLE_OPT_IN` is what "
        "`recordDoubleOptIn` makes of the first."
    )
    text_version: str | None = text(
        "The version of the declaration that the customer was shown. A consent needs it.",
        of=OptInText.version,
        default=UNSET,
    )
    declared_at: datetime | None = given(
        "When it was said, where that was earlier than now: the date of a letter.", default=UNSET
    )


@strawberry.input(description="A customer's confirmation of what they agreed to.")
class RecordDoubleOptInInput(Evidence):
    """The token of the link that was clicked, and the evidence of the click."""

    token: str = text("The `confirmationToken` of the single opt-in's entry.", most=100)
    clicked_at: datetime | None = given(
        "When it was clicked, where that was earlier than now.", default=UNSET
    )
