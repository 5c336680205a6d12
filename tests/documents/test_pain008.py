"""Debits as banks take them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from app.documents.pain008 import Creditor, Debit, NotWritable, direct_debits, sepa_text
from app.domain.direct_debits import SequenceType
from app.domain.money import Money

GOLDEN = Path(__file__).with_name("pain008.xml")
NOW = datetime(2026, 11, 22, 4, 31, 5, tzinfo=UTC)
TAKEN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ")
CREDITOR = Creditor(
    "Verlag Müller & Söhne", "DE98ZZZ09999999999", "DE89370400440532013000", "COBADEFFXXX"
)


def debit(number: int = 1, **changed: Any) -> Debit:
    """A debit that nothing is wrong with."""
    values: dict[str, Any] = {
        "end_to_end_id": f"10001-{number}",
        "amount": Money.of("44.90"),
        "due_on": date(2026, 12, 7),
        "sequence": SequenceType.RCUR,
        "owner": "Zoë Müller",
        "iban": "BE68539007547034",
        "bic": None,
        "mandate_reference": f"M-{number}",
        "mandate_signed_on": date(2025, 1, 31),
        "text": "R-1",
    }
    return Debit(**{**values, **changed})


def written(*debits: Debit) -> Any:
    """The message, parsed."""
    return etree.fromstring(direct_debits("SDD-1-10001", NOW, CREDITOR, debits))


def texts(message: Any, name: str) -> list[str]:
    """What all elements of a name say."""
    return [element.text for element in message.iter(f"{{*}}{name}")]


MANY = (
    debit(3, due_on=date(2026, 12, 8), amount=Money.of("0.01")),
    debit(2, sequence=SequenceType.FRST, bic="GKCCBEBB", owner="Ναταλία Παπαδοπούλου"),
    debit(1),
    debit(4, amount=Money.of("999999999.99"), text="Rechnung RE-2026/10001 für Dezember"),
)


def test_the_message_is_what_it_was() -> None:
    message = written(*MANY)
    etree.indent(message)
    assert etree.tostring(message, encoding="unicode") + "\n" == GOLDEN.read_text("utf-8")


def test_the_same_debits_give_the_same_bytes_in_whatever_order() -> None:
    one = direct_debits("SDD-1-10001", NOW, CREDITOR, MANY)
    assert direct_debits("SDD-1-10001", NOW, CREDITOR, MANY[::-1]) == one


def test_debits_are_grouped_by_day_and_sequence() -> None:
    message = written(*MANY)
    assert texts(message, "ReqdColltnDt") == ["2026-12-07", "2026-12-07", "2026-12-08"]
    assert texts(message, "SeqTp") == ["FRST", "RCUR", "RCUR"]
    assert texts(message, "PmtInfId") == ["SDD-1-10001-1", "SDD-1-10001-2", "SDD-1-10001-3"]
    assert texts(message, "NbOfTxs") == ["4", "1", "2", "1"]
    assert texts(message, "CtrlSum") == ["1000000089.80", "44.90", "1000000044.89", "0.01"]
    assert texts(message, "EndToEndId") == ["10001-2", "10001-1", "10001-4", "10001-3"]


@pytest.mark.parametrize("sequence", SequenceType)
def test_every_sequence_type_can_be_written(sequence: SequenceType) -> None:
    assert texts(written(debit(sequence=sequence)), "SeqTp") == [sequence.value]


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("Jürgen Groß & Söhne", "Jurgen Gross + Sohne"),
        ("Łukasz Żółć", "Lukasz Zolc"),
        ("Ωμέγα", "Omega"),
        ("O'Neil, Seán", "O'Neil, Sean"),
        ("//a//b/", "a/b"),
        ("  zwei\n Zeilen ", "zwei Zeilen"),
        ("a_b@c", "a-b(at)c"),
        ("x" * 69 + "/y", "x" * 69),
    ],
)
def test_texts_are_written_in_the_characters_of_sepa(text: str, latin: str) -> None:
    assert sepa_text(text, 70) == latin


@pytest.mark.parametrize("text", ["", "   ", "🙂", "//", "...", "«»"])
def test_what_has_no_letter_left_is_refused(text: str) -> None:
    with pytest.raises(NotWritable):
        sepa_text(text, 70)
    with pytest.raises(NotWritable):
        written(debit(owner=text))


@pytest.mark.parametrize(
    "debits",
    [
        (),
        (debit(1), debit(1)),
        (debit(end_to_end_id="ä"),),
        (debit(end_to_end_id="1" * 36),),
        (debit(amount=Money.of("0.00")),),
        (debit(amount=Money.of("-1.00")),),
        (debit(amount=Money.of("1000000000.00")),),
        (debit(amount=Money.of("1.00", "CHF")),),
        (debit(iban="nonsense"),),
        (debit(bic="nonsense"),),
        (debit(mandate_reference="x" * 36),),
    ],
)
def test_what_banks_would_not_take_is_refused(debits: tuple[Debit, ...]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  Schema and rules say it in many ways.
        direct_debits("SDD-1-10001", NOW, CREDITOR, debits)


amounts = st.decimals(Decimal("0.01"), Decimal("99999.99"), places=2)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.text(max_size=90), amounts), min_size=1, max_size=6))
def test_whoever_owes_whatever_the_message_is_valid_and_adds_up(
    owed: list[tuple[str, Decimal]],
) -> None:
    debits = [
        debit(number, owner=f"A {owner}", text=f"R {owner}", amount=Money(amount, "EUR"))
        for number, (owner, amount) in enumerate(owed)
    ]
    message = written(*debits)
    for name in ("Nm", "Ustrd"):
        assert all(set(text) <= TAKEN for text in texts(message, name))
    drawn = [Decimal(text) for text in texts(message, "InstdAmt")]
    assert sorted(drawn) == sorted(amount for _, amount in owed)
    total = Decimal(texts(message, "CtrlSum")[0])
    assert total == sum(amount for _, amount in owed)
