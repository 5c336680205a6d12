"""Each template makes a mail in each language, and nothing in a mail is more than text."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from jinja2 import UndefinedError

from app.domain.money import Money
from app.models import (
    BillingProfile,
    Customer,
    Invoice,
    Order,
    OrderItem,
    Subscription,
    Tenant,
)
from app.work.mails import LANGUAGES, MailTemplate, Written, as_html, language_for, write

SENDER = BillingProfile(
    legal_name="Verlag GmbH", email="abo@verlag.example", iban="DE02120300000000202051"
)
CUSTOMER = Customer(
    salutation="MS", title="Dr.", first_name="Erika", last_name="Muster", language="de"
)
SUBSCRIPTION = Subscription(
    number="A-1",
    cancelled_for=date(2026, 5, 31),
    paused_from=date(2026, 6, 1),
    resumes_on=date(2026, 7, 1),
    next_billing_on=date(2026, 8, 1),
)
INVOICE = Invoice(
    number="RE-1",
    type="INVOICE",
    status="OPEN",
    payment_method="INVOICE",
    issued_on=date(2026, 3, 1),
    due_on=date(2026, 3, 15),
    gross=Decimal("1234.50"),
    currency="EUR",
)
VALUES: dict[MailTemplate, dict[str, Any]] = {
    MailTemplate.ORDER_CONFIRMATION: {
        "order": Order(
            number="B-1",
            # In Berlin it is the day after already.
            ordered_at=datetime(2026, 2, 28, 23, 30, tzinfo=UTC),
            gross=Decimal("20.00"),
            tax=Decimal("1.31"),
            currency="EUR",
        ),
        "items": [OrderItem(title="Heft & mehr", quantity=2, gross=Decimal("20.00"))],
    },
    MailTemplate.SEPA_PRE_NOTIFICATION: {
        "amount": Money(Decimal("1234.50"), "EUR"),
        "collect_on": date(2026, 3, 15),
        "mandate_reference": "M-77",
        "creditor_id": "DE98ZZZ09999999999",
        "iban": "DE** **** 2051",
        "invoice": INVOICE,
    },
    MailTemplate.INVOICE_ISSUED: {"invoice": INVOICE},
    MailTemplate.SUBSCRIPTION_CANCELLED: {"subscription": SUBSCRIPTION},
    MailTemplate.SUBSCRIPTION_PAUSED: {"subscription": SUBSCRIPTION},
    MailTemplate.SUBSCRIPTION_RESUMED: {"subscription": SUBSCRIPTION},
    MailTemplate.PASSWORD_RESET: {},
    MailTemplate.TWO_FACTOR_DEACTIVATED: {},
    MailTemplate.PAYMENT_RETURNED: {"invoice": INVOICE, "amount": Money(Decimal("9.90"), "EUR")},
}
SAID = {
    ("de", MailTemplate.ORDER_CONFIRMATION): ("1. März 2026", "2 \xd7 Heft & mehr: 20,00\xa0€"),
    ("en", MailTemplate.ORDER_CONFIRMATION): ("1 March 2026", "2 \xd7 Heft & mehr: €20.00"),
    ("de", MailTemplate.SEPA_PRE_NOTIFICATION): (
        "Betrag: 1.234,50\xa0€",
        "Fällig am: 15. März 2026",
        "Mandatsreferenz: M-77",
        "Gläubiger-Identifikationsnummer: DE98ZZZ09999999999",
    ),
    ("en", MailTemplate.SEPA_PRE_NOTIFICATION): (
        "Amount: €1,234.50",
        "Due date: 15 March 2026",
        "Mandate reference: M-77",
        "Creditor identifier: DE98ZZZ09999999999",
    ),
    ("de", MailTemplate.INVOICE_ISSUED): ("RE-1", "bis zum 15. März 2026", "DE0212030"),
    ("en", MailTemplate.INVOICE_ISSUED): ("RE-1", "by 15 March 2026", "DE0212030"),
    ("de", MailTemplate.SUBSCRIPTION_CANCELLED): ("A-1", "endet mit dem 31. Mai 2026"),
    ("en", MailTemplate.SUBSCRIPTION_CANCELLED): ("A-1", "last day is 31 May 2026"),
    ("de", MailTemplate.SUBSCRIPTION_PAUSED): ("ab dem 1. Juni 2026", "am 1. Juli 2026 weiter"),
    ("en", MailTemplate.SUBSCRIPTION_PAUSED): ("from 1 June 2026", "on 1 July 2026"),
    ("de", MailTemplate.SUBSCRIPTION_RESUMED): ("A-1", "am 1. August 2026"),
    ("en", MailTemplate.SUBSCRIPTION_RESUMED): ("A-1", "on 1 August 2026"),
    ("de", MailTemplate.PASSWORD_RESET): ("Einmalpasswort", "24 Stunden"),
    ("en", MailTemplate.PASSWORD_RESET): ("one-time password", "24 hours"),
    ("de", MailTemplate.TWO_FACTOR_DEACTIVATED): ("Zwei-Faktor-Anmeldung", "Bescheid"),
    ("en", MailTemplate.TWO_FACTOR_DEACTIVATED): ("recovery codes", "tell us"),
    ("de", MailTemplate.PAYMENT_RETURNED): ("9,90\xa0€", "RE-1"),
    ("en", MailTemplate.PAYMENT_RETURNED): ("€9.90", "RE-1"),
}


def written(template: MailTemplate, language: str, customer: Customer = CUSTOMER) -> Written:
    """A mail made from a template."""
    given = {"order": None, "subscription": None, "invoice": None, "iban": None}
    values = {**given, **VALUES[template]}
    return write(template, language, "Europe/Berlin", customer, SENDER, values)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", MailTemplate)
def test_each_template_says_in_each_language_what_it_has_to(
    template: MailTemplate, language: str
) -> None:
    mail = written(template, language)
    assert mail.subject
    assert "\n" not in mail.subject
    for words in SAID[language, template]:
        assert words in mail.text
    assert "None" not in mail.text + mail.subject
    assert "\n\n\n" not in mail.text
    assert "Verlag GmbH" in mail.text


@pytest.mark.parametrize(
    ("person", "greeting"),
    [
        ({"salutation": "MS", "title": "Dr.", "last_name": "Muster"}, "Guten Tag Frau Dr. Muster,"),
        ({"salutation": "MR", "last_name": "Muster"}, "Guten Tag Herr Muster,"),
        ({"first_name": "Kim", "last_name": "Muster"}, "Guten Tag Kim Muster,"),
        ({"salutation": "MX", "first_name": "Kim", "last_name": "Muster"}, "Guten Tag Kim Muster,"),
        ({"salutation": "MS"}, "Guten Tag,"),
        ({"company": "Muster AG"}, "Guten Tag,"),
    ],
)
def test_people_are_greeted_by_what_is_known_of_them(person: dict[str, str], greeting: str) -> None:
    mail = written(MailTemplate.PAYMENT_RETURNED, "de", Customer(**person))
    assert mail.text.splitlines()[0] == greeting


@pytest.mark.parametrize(
    ("own", "tenants", "expected"),
    [("en", "de", "en"), ("de", "en", "de"), ("fr", "de", "de"), ("fr", "it", "en")],
)
def test_it_is_written_in_a_language_that_there_is(own: str, tenants: str, expected: str) -> None:
    assert language_for(Customer(language=own), Tenant(language=tenants)) == expected


def test_what_customers_are_called_is_text_and_nothing_else() -> None:
    nasty = Customer(
        salutation="MS", last_name='{{ sender.iban }}<script>alert("1")</script>\x00', language="de"
    )
    mail = written(MailTemplate.PAYMENT_RETURNED, "de", nasty)
    assert mail.text.splitlines()[0] == (
        'Guten Tag Frau {{ sender.iban }}<script>alert("1")</script>,'
    )
    html = as_html(mail, "de")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert '<html lang="de">' in html


def test_a_subject_is_one_line() -> None:
    values = {**VALUES[MailTemplate.PAYMENT_RETURNED]}
    values["invoice"] = Invoice(number="RE-1\r\nBcc: x@y.example")
    mail = write(MailTemplate.PAYMENT_RETURNED, "de", "UTC", CUSTOMER, SENDER, values)
    assert "\r" not in mail.subject
    assert "\n" not in mail.subject


def test_what_a_template_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="amount"):
        write(MailTemplate.PAYMENT_RETURNED, "de", "UTC", CUSTOMER, SENDER, {"invoice": INVOICE})
