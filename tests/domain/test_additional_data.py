"""What values of additional data must be."""

import time
from typing import Any

import pytest

from app.domain.additional_data import (
    Definition,
    Fault,
    Narrowing,
    check_definition,
    checked,
    merged,
    narrowing,
)

TEXT = Definition("text", "TEXT")
CODE = Definition("code", "TEXT", pattern="C-[0-9]{2}")
CHOICE = Definition("choice", "CHOICE", choices=("Ja", "Nein"))
NUMBER = Definition("number", "NUMBER")
BOOLEAN = Definition("boolean", "BOOLEAN")
DATE = Definition("date", "DATE")

KEPT: list[tuple[Definition, Any, Any]] = [
    (TEXT, " a\r\nb ", "a\nb"),
    (TEXT, "Mu\u0308ller", "Müller"),
    (TEXT, "x" * 2000, "x" * 2000),
    (CODE, "C-12", "C-12"),
    (CHOICE, "Ja ", "Ja"),
    (NUMBER, 0, 0),
    (NUMBER, -5.5, -5.5),
    (NUMBER, 10**15, 10**15),
    (BOOLEAN, False, False),
    (DATE, "2024-02-29", "2024-02-29"),
]
REFUSED: list[tuple[Definition, Any]] = [
    (TEXT, ""),
    (TEXT, " "),
    (TEXT, 5),
    (TEXT, ["a"]),
    (TEXT, {}),
    (TEXT, "x" * 2001),
    (TEXT, "a\x00"),
    (TEXT, "\ud800"),
    (CODE, "C-123"),
    (CODE, "xC-12"),
    (CODE, "C-12\nC-12"),
    (CODE, "C-\u0661\u0662"),
    (CHOICE, "ja"),
    (CHOICE, True),
    (NUMBER, "5"),
    (NUMBER, True),
    (NUMBER, float("nan")),
    (NUMBER, float("inf")),
    (NUMBER, 10**15 + 1),
    (BOOLEAN, 0),
    (BOOLEAN, "true"),
    (DATE, "2023-02-29"),
    (DATE, "20240229"),
    (DATE, "2024-02-29T00:00:00Z"),
    (DATE, "\u0662024-02-29"),
    (DATE, 20240229),
]


@pytest.mark.parametrize(("definition", "value", "kept"), KEPT)
def test_a_value_is_kept(definition: Definition, value: Any, kept: Any) -> None:
    assert checked(definition, value) == kept
    assert type(checked(definition, value)) is type(kept)


@pytest.mark.parametrize(("definition", "value"), REFUSED)
def test_a_value_of_another_kind_is_refused(definition: Definition, value: Any) -> None:
    with pytest.raises(Fault):
        checked(definition, value)


SENSELESS = [
    (Definition("a", "NUMBER", pattern="1"), "pattern"),
    (Definition("a", "TEXT", pattern="(a"), "pattern"),
    (Definition("a", "TEXT", pattern="a{2000}"), "pattern"),
    (Definition("a", "TEXT", pattern="(?=a)"), "pattern"),
    (Definition("a", "TEXT", pattern=r"(a)\1"), "pattern"),
    (Definition("a", "TEXT", choices=("a",)), "choices"),
    (Definition("a", "CHOICE"), "choices"),
    (Definition("a", "CHOICE", choices=()), "choices"),
    (Definition("a", "CHOICE", choices=("a", "a")), "choices"),
    (Definition("a", "CHOICE", choices=tuple(map(str, range(201)))), "choices"),
]


@pytest.mark.parametrize(("definition", "part"), SENSELESS)
def test_a_definition_without_sense_is_refused(definition: Definition, part: str) -> None:
    with pytest.raises(Fault) as raised:
        check_definition(definition)
    assert raised.value.part == part


@pytest.mark.parametrize("definition", [TEXT, CODE, CHOICE, NUMBER, BOOLEAN, DATE])
def test_a_definition_with_sense_passes(definition: Definition) -> None:
    check_definition(definition)


HOSTILE = [
    r"(a*)*b",
    r"(a|aa)+$",
    r"(x+x+)+y",
    r"(.*a.{12}){3}",
    r"(a?){500}a{500}",
    r"(?:.{0,100}){10}",
    r"((a{100}){10}){10}",
    r"[\pL]{1,500}",
    "(" * 250 + "a" + ")*" * 125,
    ".*" * 250,
]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_no_pattern_takes_long(pattern: str) -> None:
    definition = Definition("a", "TEXT", pattern=pattern)
    started = time.process_time()
    for value in ("a" * 1999 + "!", "aü" * 999, "x" * 2000):
        try:
            check_definition(definition)
            checked(definition, value)
        except Fault:
            continue
    assert time.process_time() - started < 0.5


def test_values_are_put_over_those_that_are_there() -> None:
    values, faults = merged(
        [TEXT, CHOICE, NUMBER],
        {"text": "alt", "choice": "Ja", "gone": 1, "number": 7},
        {"text": "neu", "choice": None, "gone": None},
    )
    assert values == {"text": "neu", "number": 7}
    assert faults == {}


def test_all_that_is_wrong_is_named_by_key() -> None:
    required = Definition("must", "TEXT", required=True)
    current = {"choice": "weg", "must": "x"}
    values, faults = merged(
        [TEXT, CHOICE, required],
        current,
        {"text": 1, "unknown": "x", "nothing": None, "must": None},
    )
    assert faults.keys() == {"text", "unknown", "nothing", "must"}
    assert current == {"choice": "weg", "must": "x"}
    assert values["choice"] == "weg"


def test_what_is_required_and_wrong_is_named_once() -> None:
    required = Definition("must", "NUMBER", required=True)
    _, faults = merged([required], {}, {"must": "x"})
    assert faults == {"must": "This must be a number."}
    assert merged([required], {}, {})[1] == {"must": "This is required."}
    assert merged([required], {}, {"must": 0}) == ({"must": 0}, {})


CHANGES = [
    (TEXT, TEXT, None),
    (TEXT, Definition("a", "TEXT", required=True), None),
    (TEXT, CODE, Narrowing("pattern")),
    (CODE, TEXT, None),
    (CODE, CODE, None),
    (CODE, Definition("a", "TEXT", pattern="x"), Narrowing("pattern")),
    (CHOICE, TEXT, None),
    (DATE, TEXT, None),
    (CHOICE, CODE, Narrowing("pattern")),
    (TEXT, DATE, Narrowing("type")),
    (NUMBER, TEXT, Narrowing("type")),
    (TEXT, CHOICE, Narrowing("type")),
    (CHOICE, Definition("a", "CHOICE", choices=("Nein", "Ja", "Jein")), None),
    (CHOICE, Definition("a", "CHOICE", choices=("Ja",)), Narrowing("choices", ("Nein",))),
]


@pytest.mark.parametrize(("old", "new", "expected"), CHANGES)
def test_a_change_narrows_or_not(
    old: Definition, new: Definition, expected: Narrowing | None
) -> None:
    assert narrowing(old, new) == expected
