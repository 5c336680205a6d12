"""Rules that the tables keep, so that nobody takes over a table that breaks one."""

import pytest

from tests.matrix.acting import IDENTITY, needed
from tests.matrix.callers import PARTNER_WITHOUT
from tests.matrix.conftest import committed
from tests.schema.documents import schema

TABLES = ("fields", "following", "arguments", "mutations")
UNKNOWN = ("nobody", "unknown", "expired", "revoked", "signed out", "idle", "blocked", "dismissed")
SHOWN = {"value", "done", "empty"}

PUBLIC = {"acceptStaffInvitation", "staffLogin"}
"""What anybody may do. It should only ever shrink."""

OPEN = ("Query.viewer", "Viewer.", "Query.mySessions", "OwnSession.")
"""What everybody sees who is signed in, of themselves. It should only ever shrink."""

OWN = {name for name in IDENTITY if needed(name) is None}
"""What people do about how they sign in themselves."""


def _mutation(row: str) -> str:
    return row.split(".")[1]


@pytest.mark.parametrize("name", TABLES)
def test_without_the_very_permission_nothing_is_given(name: str) -> None:
    column = committed(name).column(PARTNER_WITHOUT)
    assert column
    # A search looks only where the caller may read.
    refused = {"forbidden", "empty"} if name == "arguments" else {"forbidden"}
    assert {row: came for row, came in column.items() if came not in refused} == {}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("caller", UNKNOWN)
def test_whoever_is_not_known_gets_nothing(name: str, caller: str) -> None:
    column = committed(name).column(caller)
    assert column
    given = {row for row, came in column.items() if came != "unauthenticated"}
    assert {_mutation(row) for row in given} == (PUBLIC if name == "mutations" else set())


@pytest.mark.parametrize("caller", ["role of nothing", "partner of nothing"])
def test_whoever_may_nothing_sees_themselves_alone(caller: str) -> None:
    column = committed("fields").column(caller)
    shown = {row for row, came in column.items() if came in SHOWN}
    assert {row for row in shown if not row.startswith(OPEN)} == set()
    done = {row for row, came in committed("mutations").column(caller).items() if came in SHOWN}
    assert {_mutation(row) for row in done} <= OWN


@pytest.mark.parametrize("caller", ["customer", "neighbour"])
def test_customers_change_nothing_but_how_they_sign_in(caller: str) -> None:
    done = {row for row, came in committed("mutations").column(caller).items() if came in SHOWN}
    assert {_mutation(row) for row in done} <= OWN


def test_auditors_change_nothing_but_how_they_sign_in() -> None:
    done = {row for row, came in committed("mutations").column("auditor").items() if came in SHOWN}
    assert {_mutation(row) for row in done} <= OWN


def test_another_tenants_record_is_not_found_by_its_id() -> None:
    column = committed("fields").column("competitor")
    types = schema.get_possible_types(schema.type_map["Node"])  # type: ignore[arg-type]  # An interface.
    assert len(types) > 30
    assert {type_.name: column[f"{type_.name}.id"] for type_ in types} == {
        type_.name: "not found" for type_ in types
    }
