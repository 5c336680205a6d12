"""What tables and columns are called in a package, in each language."""

from collections.abc import Mapping


def _called(de: str, en: str) -> Mapping[str, str]:
    return {"de": de, "en": en}


TABLES: Mapping[str, Mapping[str, str]] = {
    "access_right": _called("Zugangsrechte", "Access rights"),
    "access_token": _called("Anmeldungen, die gelten oder galten", "Sessions"),
    "activity": _called("Aktivitäten und Notizen", "Activities and notes"),
    "activity_attachment": _called("Anhänge von Aktivitäten", "Attachments of activities"),
    "address": _called("Adressen", "Addresses"),
    "anonymization_request": _called("Anträge auf Anonymisierung", "Requests to anonymise"),
    "bank_account": _called("Bankverbindungen und Mandate", "Bank accounts and mandates"),
    "customer": _called("Stammdaten", "Your own data"),
    "customer_device": _called("Bekannte Geräte", "Known devices"),
    "customer_merge": _called("Zusammengeführte Kundenkonten", "Accounts that were merged"),
    "customer_order": _called("Bestellungen", "Orders"),
    "customer_recovery_code": _called("Wiederherstellungscodes", "Recovery codes"),
    "customer_sign_in": _called("Stand der Anmeldung", "State of signing in"),
    "data_export": _called("Datenauskünfte", "Data exports"),
    "delivery": _called("Lieferungen", "Deliveries"),
    "file": _called("Dateien", "Files"),
    "goodwill": _called("Kulanz", "Goodwill"),
    "history": _called("Verlauf", "History"),
    "invoice": _called("Rechnungen", "Invoices"),
    "invoice_item": _called("Rechnungspositionen", "Lines of invoices"),
    "invoice_tax": _called("Steuern der Rechnungen", "Taxes of invoices"),
    "issue": _called("Ausgaben, die geliefert werden", "Issues that are delivered"),
    "login": _called("Anmeldeversuche", "Attempts to log in"),
    "mail": _called("E-Mails", "E-mails"),
    "offer": _called("Angebote, die Sie nutzen", "Offers that you use"),
    "opt_in": _called("Einwilligungen", "Consents"),
    "opt_in_entry": _called("Nachweise der Einwilligungen", "Evidence of consents"),
    "opt_in_text": _called("Wortlaut der Einwilligungen", "Wording of consents"),
    "order_item": _called("Bestellpositionen", "Lines of orders"),
    "payment_transaction": _called("Zahlungen", "Payments"),
    "product": _called("Produkte, die Sie nutzen", "Products that you use"),
    "subscription": _called("Abonnements", "Subscriptions"),
    "subscription_period": _called("Abrechnungszeiträume", "Accounting periods"),
    "voucher_redemption": _called("Eingelöste Gutscheine", "Redeemed vouchers"),
}
"""Every table that can be in a package; a test asks for each."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "de": {"back": "Zurück zur Übersicht", "empty": "leer"},
    "en": {"back": "Back to the overview", "empty": "empty"},
}
