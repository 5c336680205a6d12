"""Documents for tests: a usual one, what corrects it, and any others by chance."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from app.documents.invoice import (
    Buyer,
    Debit,
    DocumentType,
    EarlierDocument,
    InvoiceDocument,
    Language,
    Line,
    Payment,
    Seller,
)
from app.domain.money import Money
from app.domain.periods import Span
from app.domain.tax import BundlePart, TaxedAmount, split_bundle

SELLER = Seller(
    legal_name="Nordlicht Verlag GmbH",
    country="DE",
    street="Speicherstraße",
    house_number="12",
    postal_code="20457",
    city="Hamburg",
    vat_number="DE136695976",
    tax_number="27/123/45678",
    register_court="Amtsgericht Hamburg",
    register_number="HRB 12345",
    managing_directors="Dr. Anna Beispiel, Jens Muster",
    email="service@nordlicht.example",
    phone="+49 40 123456",
    website="https://nordlicht.example",
    bank_name="Commerzbank",
    iban="DE89370400440532013000",
    bic="COBADEFFXXX",
    footer="Es gelten unsere Geschäftsbedingungen.",
)
BUYER = Buyer(
    country="DE",
    number="K-1001",
    company="Muster & Söhne KG",
    title="Dr.",
    first_name="Erika",
    last_name="Mustermann",
    street="Heidestraße",
    house_number="17",
    addition="Hinterhaus",
    postal_code="51147",
    city="Köln",
    email="erika@example.org",
)
PERIOD = Span(date(2026, 11, 1), date(2027, 1, 31))
DEBIT = Debit("DE98ZZZ09999999999", "M-1001-1", "DE89 **** **** **** **30 00", date(2026, 12, 7))


def taxed(gross: str, percent: str = "7", currency: str = "EUR") -> TaxedAmount:
    """An amount that includes tax."""
    return TaxedAmount.from_gross(Money.of(gross, currency), Decimal(percent))


INVOICE = InvoiceDocument(
    number="NV-2026-000123",
    type=DocumentType.INVOICE,
    issued_on=date(2026, 11, 22),
    due_on=date(2026, 12, 6),
    seller=SELLER,
    buyer=BUYER,
    lines=(
        Line("Nordlicht Magazin, Print und Digital", 1, taxed("58.80"), PERIOD),
        Line("Nordlicht Club", 3, taxed("20.00", "19"), PERIOD),
        Line("Gutschein WILLKOMMEN", 1, taxed("-5.00")),
    ),
    currency="EUR",
    payment=Payment.SEPA_DEBIT,
    debit=DEBIT,
    service=PERIOD,
    purchase_order_number="PO-77",
)
ORIGINAL = EarlierDocument("NV-2026-000001", date(2026, 10, 1))
CANCELLATION = replace(
    INVOICE,
    number="NV-2026-000124",
    type=DocumentType.CANCELLATION,
    lines=tuple(replace(line, amount=-line.amount) for line in INVOICE.lines),
    earlier=(ORIGINAL,),
    reason="Falsche Anschrift",
)
CORRECTION = replace(
    INVOICE,
    number="NV-2026-000125",
    type=DocumentType.CORRECTION,
    payment=Payment.INVOICE,
    debit=None,
    earlier=(ORIGINAL, EarlierDocument("NV-2026-000124", date(2026, 11, 22))),
)


@st.composite
def _lines(draw: st.DrawFn, currency: str) -> list[Line]:
    """One line or, of a bundle, two."""
    gross = Money(draw(st.integers(-30_000, 300_000)) / Decimal(100), currency)
    rates = ["0", "5", "7", "16", "19", "25.5"]
    percents = draw(st.lists(st.sampled_from(rates), min_size=1, max_size=2, unique=True))
    parts = [
        BundlePart(Decimal(percent), Decimal(draw(st.integers(1, 99)))) for percent in percents
    ]
    service = draw(st.sampled_from([None, PERIOD, Span(PERIOD.starts_on, PERIOD.starts_on)]))
    title = draw(st.text(max_size=60)) or "Abonnement"
    quantity = draw(st.integers(1, 12))
    return [Line(title, quantity, part, service) for part in split_bundle(gross, parts)]


@st.composite
def documents(draw: st.DrawFn) -> InvoiceDocument:
    """Any document that can be issued, in words and amounts that nobody thought of."""
    currency = draw(st.sampled_from(["EUR", "CHF"]))
    drawn = draw(st.lists(_lines(currency), min_size=1, max_size=6))
    kind = draw(st.sampled_from(DocumentType))
    lines = [line for some in drawn for line in some]
    if kind.cancels:
        lines = [replace(line, amount=-line.amount) for line in lines]
    return InvoiceDocument(
        number=f"RE-{draw(st.integers(1, 999_999)):06}",
        type=kind,
        issued_on=date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 364))),
        due_on=date(2027, 1, 14),
        seller=draw(st.sampled_from([SELLER, replace(SELLER, vat_number="", phone="", email="")])),
        buyer=replace(
            BUYER,
            last_name=draw(st.text(max_size=30)),
            company=draw(st.text(max_size=30)),
            email=draw(st.sampled_from(["", "kunde@example.org"])),
            vat_number=draw(st.sampled_from(["", "ATU12345675", "12345"])),
        ),
        lines=tuple(lines),
        currency=currency,
        payment=draw(st.sampled_from(Payment)),
        debit=draw(st.sampled_from([None, DEBIT])),
        service=draw(st.sampled_from([None, PERIOD])),
        purchase_order_number=draw(st.sampled_from(["", "PO-1"])),
        reason=draw(st.text(max_size=40)),
        earlier=() if kind is DocumentType.INVOICE else (ORIGINAL,),
        language=draw(st.sampled_from(Language)),
    )
