"""What two customers are as one: nobody is let in who was kept out, and nothing is lost unsaid."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from app.actions.merged_customer import choices, differences, given_up, merged_values
from app.actions.merging import Pair, column_of
from app.models import Customer
from app.models.customer_merge import MergeField

EARLIER = datetime(2026, 1, 1, tzinfo=UTC)
LATER = EARLIER + timedelta(days=1)
LOCKS = ("login_blocked", "access_blocked")


def customer(**values: Any) -> Customer:
    """A customer who is in no database."""
    return Customer(**{"number": "K-1", "tags": [], "additional_data": {}, **values})


def locked(lock: str, since: datetime | None, reason: str | None) -> dict[str, Any]:
    """The columns of a lock."""
    return {f"{lock}_at": since, f"{lock}_reason": reason if since else None}


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize(("one", "other"), list(product((None, EARLIER, LATER), repeat=2)))
def test_whoever_is_blocked_in_one_account_is_blocked_in_both(
    lock: str, one: datetime | None, other: datetime | None
) -> None:
    pair = Pair(customer(**locked(lock, one, "A")), customer(**locked(lock, other, "B")))
    values = merged_values(pair, [])
    closed = [since for since in (one, other) if since is not None]
    assert values[f"{lock}_at"] == (min(closed) if closed else None)
    reasons = [reason for reason, since in (("A", one), ("B", other)) if since]
    assert values[f"{lock}_reason"] == (" / ".join(reasons) or None)
    [open_lock] = {*LOCKS} - {lock}
    assert values[f"{open_lock}_at"] is None


@pytest.mark.parametrize("field", MergeField)
@pytest.mark.parametrize(("own", "others", "taken"), list(product((None, 1), (None, 2), (0, 1))))
def test_of_each_field_the_own_value_is_kept_unless_the_other_is_wanted(
    field: MergeField, own: int | None, others: int | None, taken: int
) -> None:
    column = column_of(field)
    pair = Pair(customer(**{column: own}), customer(**{column: others}))
    values = merged_values(pair, [field] if taken and others else [])
    expected = others if (taken and others) or own is None else own
    assert values[column] == expected
    chosen = {choice.field: choice.chosen for choice in choices(pair, [])}
    assert chosen[field] == (others if own is None else own)


def test_tags_are_put_together_and_additional_data_fills_gaps() -> None:
    kept = customer(tags=["vip", "alt"], additional_data={"a": 1, "b": 1})
    duplicate = customer(tags=["neu", "vip"], additional_data={"b": 2, "c": 2})
    values = merged_values(Pair(kept, duplicate), [])
    assert values["tags"] == ["vip", "alt", "neu"]
    assert values["additional_data"] == {"a": 1, "b": 1, "c": 2}
    [difference] = differences(Pair(kept, duplicate))
    assert (difference.key, difference.chosen, difference.other) == ("b", 1, 2)


def test_a_password_is_taken_with_its_second_factor_and_only_where_there_is_none() -> None:
    second = {"totp_secret": b"2", "two_factor_since": LATER}
    duplicate = customer(password_hash="other", **second)
    taken = merged_values(Pair(customer(), duplicate), [])
    assert (taken["password_hash"], taken["totp_secret"]) == ("other", b"2")
    assert taken["two_factor_since"] == LATER
    kept = merged_values(Pair(customer(password_hash="own"), duplicate), [])
    assert not {"password_hash", "totp_secret", "two_factor_since"} & kept.keys()
    own = customer(totp_secret=b"1", two_factor_since=EARLIER)
    assert "totp_secret" not in merged_values(Pair(own, duplicate), [])


@pytest.mark.parametrize(
    ("own", "others", "take", "former"),
    [
        ("a@x.de", "b@x.de", [], "b@x.de"),
        ("a@x.de", "b@x.de", [MergeField.EMAIL], "a@x.de"),
        (None, "b@x.de", [], None),
        ("a@x.de", None, [], None),
    ],
)
def test_what_is_given_up_is_told(
    own: str | None, others: str | None, take: list[MergeField], former: str | None
) -> None:
    pair = Pair(customer(email=own), customer(number="K-2", email=others))
    said = given_up(pair, merged_values(pair, take))
    assert said["former_email"] == former
    assert said["former_number"] == "K-2"
    assert said["former_external_id"] is None


def test_days_are_kept_as_days() -> None:
    pair = Pair(customer(), customer(birthday=date(1980, 2, 29)))
    assert merged_values(pair, [])["birthday"] == date(1980, 2, 29)
