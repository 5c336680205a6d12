"""The scalars: what they look like on the wire, and what is accepted as input.

Values read from the database are already in their final form, since PostgreSQL builds them;
serialising passes strings on and formats only what Python made.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

EmailAddress = NewType("EmailAddress", str)
CountryCode = NewType("CountryCode", str)
CurrencyCode = NewType("CurrencyCode", str)
PhoneNumber = NewType("PhoneNumber", str)
URL = NewType("URL", str)
JSON = NewType("JSON", object)


@dataclass(frozen=True, slots=True, repr=False)
class UploadedFile:
    """The value of `Upload`: a file as it came in, of which nothing has been checked.

    It has no text form, because a name may tell of a person and texts end up in logs.
    """

    name: str
    content_type: str
    """Name and type are the client's word."""
    content: bytes
    """All of it, or nothing where it is too large: what is refused anyway isn't kept."""
    size_bytes: int
    """How many bytes came, also of one that is too large."""


MOST_LEVELS = 32
"""Deepest nesting of JSON, which whoever walks through it relies on."""

_DECIMAL = re.compile(r"[+-]?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})", re.ASCII)
"""What XML Schema calls a decimal, which has no exponent, and no longer than money needs."""


def _invalid(what: str, value: object) -> GraphQLError:
    return GraphQLError(f"{value!r} is not {what}.")


def _parse_upload(value: Any) -> UploadedFile:
    """Only the reader of multipart requests makes such values; JSON and literals can't."""
    if not isinstance(value, UploadedFile):
        raise GraphQLError("A file can't be written down: send it in a multipart request.")
    return value


def _refuse_output(_value: Any) -> Any:
    raise GraphQLError("Files are never part of an answer.")


def _serialize_datetime(value: str | datetime) -> str:
    return value if isinstance(value, str) else value.astimezone(UTC).isoformat()


def _parse_datetime(value: Any) -> datetime:
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None or len(value) < len("2026-01-01T00:00Z"):
            raise ValueError(value)
        return parsed.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise _invalid("a date and time with an offset (RFC 3339)", value) from error


def _serialize_date(value: str | date) -> str:
    return value if isinstance(value, str) else value.isoformat()


def _parse_date(value: Any) -> date:
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            raise ValueError(value)
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _invalid("a date (RFC 3339 full-date)", value) from error


def _parse_decimal(value: Any) -> Decimal:
    if not isinstance(value, str) or _DECIMAL.fullmatch(value) is None:
        raise _invalid("a decimal number in a string", value)
    return Decimal(value)


def _parse_json(value: Any) -> Any:
    level = [value]
    for _ in range(MOST_LEVELS):
        inner = [member for member in level if isinstance(member, dict | list)]
        level = [one for m in inner for one in (m.values() if isinstance(m, dict) else m)]
        if not level:
            return value
    raise GraphQLError(f"JSON is nested at most {MOST_LEVELS} levels deep.")


def _text(what: str) -> Any:
    """Takes every text: whether it has the form of the scalar is for whoever reads it to say.

    An action tells it in `userErrors` with the path of the field, which an error of the request
    could not.
    """

    def parse(value: Any) -> str:
        if not isinstance(value, str):
            raise _invalid(what, value)
        return value

    return parse


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A point in time with its offset, as RFC 3339 writes it: "
        "`2026-11-21T09:30:00.25+00:00`. Answers are in UTC with up to six decimals of a second.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=_serialize_datetime,
        parse_value=_parse_datetime,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day without time or zone, as RFC 3339 writes it: `2026-11-21`.",
        specified_by_url="https://scalars.graphql.org/andimarek/local-date",
        serialize=_serialize_date,
        parse_value=_parse_date,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number in a string: `"195.78"`. Never a float.',
        specified_by_url="https://www.w3.org/TR/xmlschema11-2/#decimal",
        serialize=str,
        parse_value=_parse_decimal,
    ),
    EmailAddress: strawberry.scalar(
        name="EmailAddress",
        description="An e-mail address.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc5322#section-3.4.1",
        serialize=str,
        parse_value=_text("an e-mail address"),
    ),
    CountryCode: strawberry.scalar(
        name="CountryCode",
        description="A country as two capital letters (ISO 3166-1 alpha-2): `DE`.",
        specified_by_url="https://www.iso.org/iso-3166-country-codes.html",
        serialize=str,
        parse_value=_text("a country code (two capital letters)"),
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="A currency as three capital letters (ISO 4217): `EUR`.",
        specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
        serialize=str,
        parse_value=_text("a currency code (three capital letters)"),
    ),
    PhoneNumber: strawberry.scalar(
        name="PhoneNumber",
        description="A telephone number in international form (E.164): `+4930901820`.",
        specified_by_url="https://www.itu.int/rec/T-REC-E.164",
        serialize=str,
        parse_value=_text("a telephone number (E.164)"),
    ),
    URL: strawberry.scalar(
        name="URL",
        description="An absolute address.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
        serialize=str,
        parse_value=_text("an absolute http or https address"),
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, of a shape that only its writer knows.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=lambda value: value,
        parse_value=_parse_json,
    ),
    UploadedFile: strawberry.scalar(
        name="Upload",
        description="A file of at most 800,000 bytes: null in the variables, and a part of a "
        "multipart request. It can't be given in any other way.",
        specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
        serialize=_refuse_output,
        parse_value=_parse_upload,
    ),
}
