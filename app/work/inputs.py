"""The inputs of actions: how their fields are declared, and how they are checked.

GraphQL sees to it that a text is a text. What else is wrong with an input is told in `userErrors`,
all of it at once, each with the path of its field. Checking also brings values into the form in
which they are kept: without blanks around them, e-mail addresses and telephone numbers as the
standards write them.
"""

import dataclasses
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import strawberry
from sqlalchemy.orm import InstrumentedAttribute
from strawberry import UNSET

from app.errors import Refusal, Refused, UserErrorCode
from app.models.base import longest

Check = Callable[[Any], Any]
"""Gives the value as it is kept, or raises `Refused`."""

Input = TypeVar("Input")

_CHECK = "check"
_ENDLESS = frozenset(
    {date.min, date.max, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)}
)
"""What the driver writes as infinity, which is no day that anybody could read again."""

_LONGEST_ID = 200

GIVEN: Any = dataclasses.MISSING
"""The default of a field that has to be given."""


def given(description: str, *, default: Any = GIVEN, check: Check | None = None) -> Any:
    """A field of an input. With `default=UNSET` it may be left out; the rule sees `UNSET` then."""
    metadata: Mapping[Any, Any] = {} if check is None else {_CHECK: check}
    if default is GIVEN:
        return strawberry.field(description=description, metadata=metadata)
    return strawberry.field(description=description, metadata=metadata, default=default)


def text(
    description: str,
    *,
    of: "InstrumentedAttribute[Any] | None" = None,
    most: int = 0,
    lines: bool = False,
    default: Any = GIVEN,
) -> Any:
    """A text of at most as many characters as the column `of` takes, or `most`.

    Blanks around it are dropped. What is blank then counts as missing: REQUIRED where it has to
    be given, null where it need not be. `lines` lets it have several lines.
    """
    bound = most or longest(of)  # type: ignore[arg-type]  # One of both is there, or it fails.
    return given(
        f"{description} At most {bound:,} characters.",
        default=default,
        check=lambda value: checked_text(value, bound, lines=lines),
    )


def identifier(description: str, *, default: Any = GIVEN) -> Any:
    """The opaque id of a record."""
    return given(description, default=default, check=lambda value: checked_text(value, _LONGEST_ID))


def email(description: str, *, default: Any = GIVEN) -> Any:
    """An e-mail address that could be delivered to; nothing is asked of the network."""
    return given(description, default=default, check=_checked_email)


def phone(description: str, *, default: Any = GIVEN) -> Any:
    """A telephone number in international form, kept as E.164 writes it."""
    return given(description, default=default, check=_checked_phone)


def language(description: str, *, default: Any = GIVEN) -> Any:
    """A language by its two letters."""
    return given(f"{description} (ISO 639-1).", default=default, check=_checked_language)


def country(description: str, *, default: Any = GIVEN) -> Any:
    """A country by its two capital letters."""
    return given(description, default=default, check=_checked_country)


@strawberry.input
class Repeatable:
    """The input of an action that creates or spends."""

    idempotency_key: str | None = text(
        "A key of your choice for this one request, such as a UUID. Sent again within 24 hours "
        "with the same input, it gives the same answer and has no second effect.",
        most=200,
        default=UNSET,
    )


@strawberry.input
class Versioned:
    """The input of an action that changes a record that others may have changed."""

    expected_version: int | None = given(
        "The `version` that the change is based on. Where it is another by now, the answer is "
        "STALE_VERSION.",
        default=UNSET,
    )


@strawberry.input
class OfCustomer:
    """The input of an action on a customer's account."""

    customer_id: strawberry.ID = identifier("The id of the customer.")


def checked(input: Input) -> Input:
    """An input in the form in which it is kept.

    Raises:
        Refused: for everything that is wrong with it, with the paths of the fields.
    """
    refusals: list[Refusal] = []
    kept = _checked(input, (), refusals)
    if refusals:
        raise Refused.because(refusals)
    return kept  # type: ignore[no-any-return]  # A copy of the same class.


def set_fields(input: Any, *names: str) -> Iterator[tuple[str, Any]]:
    """Those of the named fields that the client gave, with their values."""
    for name in names:
        value = getattr(input, name)
        if value is not UNSET:
            yield name, value


def _checked(value: Any, path: tuple[str, ...], refusals: list[Refusal]) -> Any:
    if isinstance(value, list):
        return [
            _checked(member, (*path, str(place)), refusals) for place, member in enumerate(value)
        ]
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    changes = {}
    for field in dataclasses.fields(value):
        here = (*path, field.name)
        changes[field.name] = _checked_field(field, getattr(value, field.name), here, refusals)
    return dataclasses.replace(value, **changes)


def _checked_field(
    field: "dataclasses.Field[Any]", value: Any, path: tuple[str, ...], refusals: list[Refusal]
) -> Any:
    if value is None or value is UNSET:
        return value
    if isinstance(value, date) and value in _ENDLESS:
        message = "The calendar ends here. What has no end, or no beginning, is left out or null."
        refusals.append(Refusal(UserErrorCode.INVALID, message, path))
        return value
    check: Check | None = field.metadata.get(_CHECK)
    if check is None:
        return _checked(value, path, refusals)
    members = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
    kept = []
    for place, member in members:
        here = path if place is None else (*path, str(place))
        try:
            kept.append(check(member))
        except Refused as refused:
            refusals += [Refusal(r.code, r.message, (*here, *r.field)) for r in refused.refusals]
            continue
        optional = place is None and field.default is not dataclasses.MISSING
        if kept[-1] is None and not optional:
            refusals.append(Refusal(UserErrorCode.REQUIRED, "This must not be blank.", here))
    if isinstance(value, list):
        return kept
    return kept[0] if kept else None


def checked_text(value: str, most: int, *, lines: bool = False) -> str | None:
    """A text fit for the database, without blanks around it; None where nothing is left.

    Raises:
        Refused: INVALID for characters that are no text, TOO_LONG for too many.
    """
    kept = unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()
    allowed = "\n\t" if lines else ""
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in allowed for c in kept):
        raise Refused(UserErrorCode.INVALID, "Control characters are no text.")
    if len(kept) > most:
        raise Refused(UserErrorCode.TOO_LONG, f"This takes at most {most:,} characters.")
    return kept or None


def _checked_email(value: str) -> str | None:
    from email_validator import EmailNotValidError, validate_email

    text = checked_text(value, 254)
    if text is None:
        return None
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise Refused(UserErrorCode.INVALID, f"This is no e-mail address. {error}") from error


def _checked_phone(value: str) -> str | None:
    import phonenumbers

    text = checked_text(value, 60)
    if text is None:
        return None
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException as error:
        raise Refused(
            UserErrorCode.INVALID, "This is no telephone number in international form: +4930901820."
        ) from error
    if not phonenumbers.is_possible_number(number):
        raise Refused(UserErrorCode.INVALID, "There can be no telephone number of this length.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _checked_language(value: str) -> str | None:
    from babel import Locale

    text = checked_text(value, 2)
    if text is not None and (text != text.lower() or text not in Locale("en").languages):
        raise Refused(UserErrorCode.INVALID, "This is no language of ISO 639-1, such as `de`.")
    return text


def _checked_country(value: str) -> str | None:
    from babel import Locale

    text = checked_text(value, 2)
    territories = Locale("en").territories
    if text is not None and (not text.isalpha() or text not in territories or text in _NO_COUNTRY):
        raise Refused(UserErrorCode.INVALID, "This is no country of ISO 3166-1, such as `DE`.")
    return text


_NO_COUNTRY = frozenset(
    {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "AC", "CP", "DG", "EA", "IC", "TA"}
)
"""What Unicode counts among the territories and ISO 3166-1 does not."""
