"""What two customers are as one: whose values are kept, and that what blocks goes on to block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.actions.merging import Pair, column_of
from app.models import Customer
from app.models.base import Json
from app.models.customer_merge import MergeField

_LOCKS = ("login_blocked", "access_blocked")


@dataclass(frozen=True)
class Choice:
    """Of one field, what is kept and what is not."""

    field: MergeField
    chosen: Any
    other: Any


@dataclass(frozen=True)
class Difference:
    """Of one key of the additional data, the value that is kept and the other one."""

    key: str
    chosen: Any
    other: Any


def choices(pair: Pair, take: Sequence[MergeField]) -> list[Choice]:
    """What becomes of each field."""
    return [_choice(pair, field, taken=field in take) for field in MergeField]


def _choice(pair: Pair, field: MergeField, *, taken: bool) -> Choice:
    own, others = (getattr(customer, column_of(field)) for customer in pair)
    if taken or own is None:
        return Choice(field, others, own)
    return Choice(field, own, others)


def differences(pair: Pair) -> list[Difference]:
    """Where the additional data of both say different things."""
    kept, duplicate = pair.kept.additional_data, pair.duplicate.additional_data
    return [
        Difference(key, kept[key], duplicate[key])
        for key in sorted(kept.keys() & duplicate.keys())
        if kept[key] != duplicate[key]
    ]


def takes_password(pair: Pair) -> bool:
    """Whether the customer gets the duplicate's password, having none."""
    return pair.kept.password_hash is None and pair.duplicate.password_hash is not None


def merged_values(pair: Pair, take: Sequence[MergeField]) -> Mapping[str, Any]:
    """The columns of the customer as they are afterwards."""
    kept, duplicate = pair
    values: dict[str, Any] = {
        column_of(choice.field): choice.chosen for choice in choices(pair, take)
    }
    values["tags"] = list(dict.fromkeys([*kept.tags, *duplicate.tags]))
    values["additional_data"] = _together(kept, duplicate)
    for lock in _LOCKS:
        values |= _stricter(pair, lock)
    if takes_password(pair):
        values["password_hash"] = duplicate.password_hash
        if kept.totp_secret is None:
            values["totp_secret"] = duplicate.totp_secret
            values["two_factor_since"] = duplicate.two_factor_since
    return values


def _together(kept: Customer, duplicate: Customer) -> Json:
    return {**duplicate.additional_data, **kept.additional_data}


def _stricter(pair: Pair, lock: str) -> Mapping[str, Any]:
    """A lock that is closed where one of both is: since the first of them, for their reasons."""
    closed = [customer for customer in pair if getattr(customer, f"{lock}_at") is not None]
    reasons = dict.fromkeys(getattr(customer, f"{lock}_reason") for customer in closed)
    return {
        f"{lock}_at": min((getattr(customer, f"{lock}_at") for customer in closed), default=None),
        f"{lock}_reason": " / ".join(filter(None, reasons)) or None,
    }


def given_up(pair: Pair, values: Mapping[str, Any]) -> Mapping[str, str | None]:
    """What customers were called by and are no longer, by the columns of the merge."""
    kept, duplicate = pair
    return {
        "former_number": duplicate.number,
        "former_external_id": _left(kept, duplicate, "external_id", values),
        "former_email": _left(kept, duplicate, "email", values),
    }


def _left(
    kept: Customer, duplicate: Customer, column: str, values: Mapping[str, Any]
) -> str | None:
    own = (getattr(kept, column), getattr(duplicate, column))
    return next((value for value in own if value not in (None, values[column])), None)
