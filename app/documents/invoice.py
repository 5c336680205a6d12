"""An invoice, a cancellation or a correction, with all that is written on it."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from app.domain.periods import Span
from app.domain.tax import TaxedAmount, TaxTotals

_UNPRINTABLE = re.compile(
    # What XML 1.0 can't hold, what no font draws, and what turns the direction of text around.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff]"
)


class DocumentType(StrEnum):
    """What a document does, as `models.invoice` names it."""

    INVOICE = "INVOICE"
    CANCELLATION = "CANCELLATION"
    CORRECTION = "CORRECTION"
    CANCELLATION_CORRECTION = "CANCELLATION_CORRECTION"

    @property
    def cancels(self) -> bool:
        """Whether it takes back another document, to the cent."""
        return self in {DocumentType.CANCELLATION, DocumentType.CANCELLATION_CORRECTION}


class Payment(StrEnum):
    """How a document is settled, as `models.base` names it."""

    SEPA_DEBIT = "SEPA_DEBIT"
    INVOICE = "INVOICE"
    CREDIT_CARD = "CREDIT_CARD"
    PAYPAL = "PAYPAL"
    FREE = "FREE"


class Language(StrEnum):
    """What a document is written in."""

    DE = "de"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Seller:
    """Who issues the document: the letterhead, as it was at issue."""

    legal_name: str
    country: str
    street: str = ""
    house_number: str = ""
    postal_code: str = ""
    city: str = ""
    vat_number: str = ""
    tax_number: str = ""
    register_court: str = ""
    register_number: str = ""
    managing_directors: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    bank_name: str = ""
    iban: str = ""
    bic: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who gets the document, at the address that it was issued to."""

    country: str
    number: str = ""
    company: str = ""
    title: str = ""
    first_name: str = ""
    last_name: str = ""
    street: str = ""
    house_number: str = ""
    addition: str = ""
    postbox: str = ""
    postal_code: str = ""
    city: str = ""
    region: str = ""
    vat_number: str = ""
    email: str = ""

    @property
    def person(self) -> str:
        """The person's whole name."""
        return " ".join(filter(None, (self.title, self.first_name, self.last_name)))


@dataclass(frozen=True, slots=True)
class EarlierDocument:
    """A document that another one names: by its number and day, which leaves no doubt."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Line:
    """What is billed, for which days."""

    title: str
    quantity: int
    amount: TaxedAmount
    service: Span | None = None

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError("A line is of one thing at least; what is taken back is negative.")


@dataclass(frozen=True, slots=True)
class Debit:
    """The SEPA direct debit that pays a document, of which the payer is told by it."""

    creditor_id: str
    mandate_reference: str
    masked_iban: str
    collected_on: date


@dataclass(frozen=True)
class InvoiceDocument:
    """All that § 14 (4) UStG asks of an invoice, and § 31 (5) UStDV of what corrects one.

    Amounts are negative where a document takes something back. `earlier` names the documents that
    this one is about, the original one first: a cancellation the document that it cancels, a
    correction the one that it replaces and then the cancellation of it.

    Raises:
        ValueError: It has no lines, amounts of other currencies, or corrects nothing that it
            names.
    """

    number: str
    type: DocumentType
    issued_on: date
    due_on: date
    seller: Seller
    buyer: Buyer
    lines: tuple[Line, ...]
    currency: str
    payment: Payment
    debit: Debit | None = None
    service: Span | None = None
    purchase_order_number: str = ""
    reason: str = ""
    earlier: tuple[EarlierDocument, ...] = ()
    language: Language = Language.DE

    def __post_init__(self) -> None:
        if not self.lines:
            raise ValueError("A document has lines.")
        if any(line.amount.gross.currency != self.currency for line in self.lines):
            raise ValueError("All amounts of a document are of its currency.")
        if (self.type is DocumentType.INVOICE) == bool(self.earlier):
            raise ValueError("What corrects or cancels names an earlier document, and only that.")

    @cached_property
    def totals(self) -> TaxTotals:
        """The sums of its lines, in all and per rate."""
        return TaxTotals.of((line.amount for line in self.lines), self.currency)

    @property
    def amount_due(self) -> Decimal:
        """What is to be paid; negative where it is paid back."""
        return self.totals.gross.amount


def plain(text: str) -> str:
    """A text without what can't be printed or would disturb its surroundings, nor blanks around."""
    return _UNPRINTABLE.sub("", text).strip()
