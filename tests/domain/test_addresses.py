"""What countries ask of addresses, when two are the same, and which one is used."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.addresses import (
    Place,
    Values,
    check,
    form,
    missing,
    preferences,
    used,
    vat_number,
)

TODAY = date(2026, 11, 22)
DAY = timedelta(days=1)
BERLIN = {
    "last_name": "Muster",
    "street": "Hauptstraße",
    "house_number": "5",
    "postal_code": "10115",
    "city": "Berlin",
    "country": "DE",
}

PROBLEMS: dict[str, tuple[dict[str, str | None], list[str]]] = {
    "nothing": ({}, []),
    "no postal code": ({"postal_code": None}, ["postal_code"]),
    "no city": ({"city": ""}, ["city"]),
    "four digits in Germany": ({"postal_code": "1011"}, ["postal_code"]),
    "letters in Germany": ({"postal_code": "1011A"}, ["postal_code"]),
    "a postal code and more": ({"postal_code": "10115 "}, ["postal_code"]),
    "four digits in Austria": ({"country": "AT", "postal_code": "1010"}, []),
    "five digits in Austria": ({"country": "AT"}, ["postal_code"]),
    "a British postcode": ({"country": "GB", "postal_code": "SW1A 1AA"}, []),
    "a British postcode and more": ({"country": "GB", "postal_code": "GIR 0AAX"}, ["postal_code"]),
    "no postal codes there": ({"country": "HK", "postal_code": None, "region": "Kowloon"}, []),
    "a province": ({"country": "IT", "postal_code": "39100", "region": "BZ"}, []),
    "no province": ({"country": "IT", "postal_code": "39100"}, ["region"]),
    "no such province": ({"country": "IT", "postal_code": "39100", "region": "XX"}, ["region"]),
    "another province": (
        {"country": "IT", "postal_code": "39100", "region": "RM"},
        ["postal_code"],
    ),
    "a region that is not needed": ({"region": "Berlin"}, []),
    "a county that is not needed": (
        {"country": "IE", "postal_code": "A65 F4E2", "region": "Dublin"},
        [],
    ),
    "a city that is a country": ({"country": "SG", "postal_code": "546080", "city": None}, []),
    "no such VAT number": ({"vat_number": "DE136695977"}, ["vat_number"]),
    "everything": (
        {"country": "US", "postal_code": "1", "city": None, "vat_number": "ATU1"},
        ["vat_number", "city", "region", "postal_code"],
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_what_is_wrong_is_named_with_its_field(case: str) -> None:
    values, fields = PROBLEMS[case]
    checked = check({**BERLIN, **values})
    assert [problem.field for problem in checked.problems] == fields
    assert all(problem.message.endswith(".") for problem in checked.problems)


@pytest.mark.parametrize(
    ("country", "given", "kept"),
    [
        ("DE", "D-10115", "10115"),
        ("AT", "A-1010", "1010"),
        ("CH", "CH-8001", "8001"),
        ("LU", "L-4750", "4750"),
        ("GB", "sw1a 1aa", "SW1A 1AA"),
        ("NL", "1012 ab", "1012 AB"),
        ("PL", "00-950", "00-950"),
        ("KY", "KY1-1100", "KY1-1100"),
    ],
)
def test_postal_codes_are_kept_as_their_country_writes_them(
    country: str, given: str, kept: str
) -> None:
    checked = check({**BERLIN, "country": country, "postal_code": given, "region": "Grand Cayman"})
    assert (checked.values["postal_code"], checked.problems) == (kept, ())


def test_regions_are_kept_by_the_name_that_belongs_on_the_envelope() -> None:
    for region in ("CA", "ca", "California", "CALIFORNIA"):
        address = {**BERLIN, "country": "US", "postal_code": "90210", "region": region}
        assert check(address).values["region"] == "CA"


@pytest.mark.parametrize(
    ("values", "doubtful"),
    [
        ({}, False),
        ({"house_number": None}, True),
        ({"house_number": None, "street": "Hauptstraße 5"}, False),
        ({"house_number": None, "addition": "Haus 5"}, False),
        ({"house_number": None, "street": None, "postbox": "12 34"}, False),
    ],
)
def test_a_street_without_a_number_is_doubtful(values: Values, doubtful: bool) -> None:
    assert check({**BERLIN, **values}).doubtful is doubtful


def test_a_country_without_rules_is_not_checked() -> None:
    checked = check({**BERLIN, "country": "XX", "postal_code": "?"})
    assert (checked.known, checked.problems) == (False, ())


def test_every_address_names_somebody_and_somewhere() -> None:
    assert [p.field for p in missing({"first_name": "Max"})] == ["last_name", "street"]
    assert not list(missing({"company": "Muster KG", "postbox": "12 34"}))


@pytest.mark.parametrize(
    ("number", "country", "kept"),
    [
        ("de 136 695 976", "DE", "DE136695976"),
        ("136695976", "DE", "DE136695976"),
        ("ATU 57194903", "DE", "ATU57194903"),
        ("094259216", "GR", "EL094259216"),
        ("K7399859412", "FR", "FRK7399859412"),
        ("CHE-107.787.577 IVA", "DE", "CHE107787577IVA"),
        ("GB 980 7806 84", "GB", "GB980780684"),
        ("12-3456789", "US", "123456789"),
        ("", "DE", ""),
    ],
)
def test_vat_numbers_are_kept_in_their_compact_form(number: str, country: str, kept: str) -> None:
    assert vat_number(number, country) == kept


@pytest.mark.parametrize(
    ("number", "country"),
    [("DE136695977", "DE"), ("XX12", "DE"), ("é1", "DE"), ("in1", "AT"), ("GB1", "GB")],
)
def test_numbers_that_no_country_gives_out_are_refused(number: str, country: str) -> None:
    with pytest.raises(ValueError, match="number"):
        vat_number(number, country)


SAME: list[dict[str, str | None]] = [
    {"street": "hauptstrasse"},
    {"street": "Hauptstr."},
    {"street": "HAUPTSTR", "house_number": " 5"},
    {"street": "Hauptstr. 5", "house_number": None},
    {"last_name": "MUSTER"},
    {"city": "Bérlin", "region": ""},
    {"salutation": "MR", "title": "Dr.", "delivery_note": "Hinterhof", "vat_number": "1"},
]
OTHER: list[dict[str, str | None]] = [
    {"street": "Hauptgasse"},
    {"house_number": "6"},
    {"first_name": "Max"},
    {"company": "Muster"},
    {"addition": "Hinterhaus"},
    {"postbox": "5"},
    {"postal_code": "10117"},
    {"city": "Bernau"},
    {"region": "Berlin"},
    {"country": "AT"},
]


@pytest.mark.parametrize("values", SAME)
def test_spellings_of_one_address_are_the_same(values: Values) -> None:
    assert form({**BERLIN, **values}) == form(BERLIN)


@pytest.mark.parametrize("values", OTHER)
def test_other_addresses_are_others(values: Values) -> None:
    assert form({**BERLIN, **values}) != form(BERLIN)


def test_names_with_umlauts_are_the_same_in_either_spelling() -> None:
    assert form({**BERLIN, "last_name": "Müller"}) == form({**BERLIN, "last_name": "Mueller"})


DAYS = st.none() | st.integers(-3, 3).map(lambda days: TODAY + days * DAY)


@st.composite
def arranged(draw: st.DrawFn) -> list[Place]:
    """Addresses as the database lets them be: one preferred for each day."""
    places: list[Place] = []
    for key, day in enumerate(draw(st.lists(DAYS, max_size=6)), 1):
        free = all(place.valid_from != day for place in places if place.preferred)
        places.append(Place(key, day, free and draw(st.booleans())))
    return places


@settings(derandomize=True, max_examples=300)
@given(places=arranged(), data=st.data())
def test_preferences_hold_whatever_is_chosen(places: list[Place], data: st.DataObject) -> None:
    chosen = data.draw(st.none() | st.sampled_from(places)) if places else None
    kept = preferences(places, TODAY, chosen)
    after = [Place(place.key, place.valid_from, place.key in kept) for place in places]
    days = [place.valid_from for place in after if place.preferred]
    assert len(days) == len(set(days))
    for day in (TODAY, TODAY + 9 * DAY):
        in_effect = [place for place in after if place.in_effect(day)]
        assert (used(after, day) is not None) == any(place.preferred for place in in_effect)
    assert (used(after, TODAY) is not None) == any(place.in_effect(TODAY) for place in after)
    if chosen is not None:
        since = max(chosen.valid_from or TODAY, TODAY)
        found = used(after, since)
        assert found is not None
        assert found.key == chosen.key


def test_one_that_lies_ahead_takes_the_place_on_its_day() -> None:
    places = [Place(1, None, True), Place(2, None, False), Place(3, TODAY + DAY, False)]
    assert preferences(places, TODAY, places[2]) == {1, 3}
    after = [Place(p.key, p.valid_from, p.key in {1, 3}) for p in places]
    assert used(after, TODAY) == after[0]
    assert used(after, TODAY + DAY) == after[2]
    assert preferences(after, TODAY + DAY, after[1]) == {2}
