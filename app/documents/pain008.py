"""Debits as banks take them: pain.008.001.08, customer direct debit initiation (ISO 20022).

sepaxml writes the message; what it makes up at random, the ids and the time, is given here instead,
so that the same debits give the same bytes. The result is checked against the message's schema.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from app.domain.direct_debits import SequenceType
from app.domain.money import Money

SCHEMA = "pain.008.001.08"
CURRENCY = "EUR"
"""What SEPA moves, and nothing else."""

LARGEST = Decimal("999999999.99")
LONGEST_NAME = 70
LONGEST_TEXT = 140
LONGEST_ID = 35

_NAMESPACE = f"{{urn:iso:std:iso:20022:tech:xsd:{SCHEMA}}}"
_ID = re.compile(r"[A-Za-z0-9-]{1,35}")
_NOT_TAKEN = re.compile(r"[^A-Za-z0-9/?:().,'+ -]")
_LETTER = re.compile(r"[A-Za-z0-9]")
_SAID_OTHERWISE = str.maketrans({"&": "+", "_": "-", "@": "(at)"})


class NotWritable(ValueError):  # noqa: N818  It is said of the text.
    """Nothing of a text can be written with the characters that banks take."""


@dataclass(frozen=True, slots=True)
class Creditor:
    """Who draws the debits, and the account that they are paid to."""

    name: str
    creditor_id: str
    iban: str
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class Debit:
    """What is drawn from whom, and by which mandate.

    `text` is what the payer reads on the statement, `end_to_end_id` what a return names.
    """

    end_to_end_id: str
    amount: Money
    due_on: date
    sequence: SequenceType
    owner: str
    iban: str
    bic: str | None
    mandate_reference: str
    mandate_signed_on: date
    text: str


def sepa_text(text: str, most: int) -> str:
    """A text in the characters that every bank of SEPA takes (EPC217-08), cut where it is too long.

    Letters with accents and of other scripts are written in Latin ones; what has no such form
    becomes a space. No slash stands at an end or beside another one (EPC230-15).

    Raises:
        NotWritable: No letter and no digit is left.
    """
    from text_unidecode import unidecode

    latin: str = unidecode(text.translate(_SAID_OTHERWISE))
    taken = re.sub(r"/{2,}", "/", " ".join(_NOT_TAKEN.sub(" ", latin).split()))
    written = taken.strip("/ ")[:most].rstrip("/ ")
    if not _LETTER.search(written):
        raise NotWritable("Banks take none of these characters.")
    return written


def direct_debits(
    message_id: str, created_at: datetime, creditor: Creditor, debits: Sequence[Debit]
) -> bytes:
    """The message that asks a bank to collect debits, grouped by their day and sequence type.

    `message_id` must not have been used before with the bank; `created_at` has an offset.

    Raises:
        NotWritable: The name of the creditor or of an account's owner, or a text, can't be written.
        ValueError: An id is used twice or malformed, an amount is not one that SEPA moves, there
            is no debit, or the message breaks its schema.
    """
    from lxml import etree
    from sepaxml import SepaDD

    _check(message_id, debits)
    message = SepaDD(_configuration(creditor), schema=SCHEMA, clean=False)
    for debit in sorted(debits, key=lambda d: (d.due_on, d.sequence, d.end_to_end_id)):
        message.add_payment(_payment(debit))
    document = etree.fromstring(message.export(validate=False))
    header = document.find(f".//{_NAMESPACE}GrpHdr")
    _say(header, "MsgId", message_id)
    _say(header, "CreDtTm", created_at.isoformat(timespec="seconds"))
    for place, group in enumerate(document.iter(f"{_NAMESPACE}PmtInf"), start=1):
        _say(group, "PmtInfId", f"{message_id}-{place}")
    schema = _schema()
    if not schema.validate(document):
        raise ValueError(f"The message breaks its schema: {schema.error_log.last_error}")
    written: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8")
    return written


def _check(message_id: str, debits: Sequence[Debit]) -> None:
    ids = [message_id, *(debit.end_to_end_id for debit in debits)]
    if any(_ID.fullmatch(one) is None for one in ids):
        raise ValueError(f"An id has 1 to {LONGEST_ID} letters, digits and hyphens.")
    if len(set(ids[1:])) != len(debits):
        raise ValueError("Two debits have the same id.")
    if not debits:
        raise ValueError("There is no debit.")
    for debit in debits:
        if debit.amount.currency != CURRENCY or not 0 < debit.amount.amount <= LARGEST:
            raise ValueError(f"{debit.amount} can't be drawn.")


def _configuration(creditor: Creditor) -> dict[str, Any]:
    known = {
        "name": sepa_text(creditor.name, LONGEST_NAME),
        "IBAN": creditor.iban,
        "creditor_id": creditor.creditor_id,
        "currency": CURRENCY,
        "batch": True,
    }
    return known if creditor.bic is None else {**known, "BIC": creditor.bic}


def _payment(debit: Debit) -> dict[str, Any]:
    known = {
        "name": sepa_text(debit.owner, LONGEST_NAME),
        "IBAN": debit.iban,
        "amount": int(debit.amount.amount.scaleb(2)),
        "type": debit.sequence.value,
        "collection_date": debit.due_on,
        "mandate_id": debit.mandate_reference,
        "mandate_date": debit.mandate_signed_on,
        "description": sepa_text(debit.text, LONGEST_TEXT),
        "endtoend_id": debit.end_to_end_id,
    }
    return known if debit.bic is None else {**known, "BIC": debit.bic}


def _say(parent: Any, name: str, text: str) -> None:
    parent.find(f"{_NAMESPACE}{name}").text = text


@cache
def _schema() -> Any:
    from lxml import etree

    source = resources.files("sepaxml").joinpath("schemas", f"{SCHEMA}.xsd")
    return etree.XMLSchema(etree.fromstring(source.read_bytes()))
