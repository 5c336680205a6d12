"""What people write in accounts: notes, hints, calls, mails and letters, and legal texts."""

import csv
from functools import cache
from hashlib import sha256
from importlib.resources import files


@cache
def activities() -> tuple[tuple[str, str], ...]:
    """Kinds and texts of what agents write, with facts left open in braces."""
    text = (files("app.demo") / "activities.csv").read_text("utf-8")
    rows = csv.reader(text.splitlines(), delimiter="|", quoting=csv.QUOTE_NONE)
    return tuple((kind, written.replace("\\n", "\n")) for kind, written in rows)


HINTS: tuple[str, ...] = (
    "Bitte nur vormittags anrufen, hört nachmittags das Telefon nicht.",
    "Korrespondenz grundsätzlich per Post, hat keine E-Mail.",
    "Hund auf dem Grundstück! Zeitung in die Rolle an der Straße.",
    "Rechnungen immer in doppelter Ausfertigung an die Buchhaltung.",
    "Betreuer ist der Sohn (Vollmacht liegt vor), bei Fragen zuerst ihn anrufen.",
    "Keine Werbeanrufe! Widerspruch ausdrücklich erklärt.",
    "Langjährige Leserin seit der ersten Ausgabe, bitte bei Kulanz großzügig sein.",
    "Achtung: Vater und Sohn gleichen Namens im selben Haus, immer Kundennummer prüfen.",
)

GOODWILL_REASONS: tuple[tuple[str, str], ...] = (
    ("DELIVERY_MISSING", "Ausgabe kam nicht an"),
    ("DAMAGED", "Heft beim Transport beschädigt"),
    ("DELIVERY_LATE", "Mehrere verspätete Zustellungen"),
    ("COMPLAINT", "Beschwerde über den Zusteller, Entschuldigung"),
    ("RETENTION", "Treue seit über fünf Jahren"),
    ("OTHER", "Umstellung der Zustellung auf neuen Dienst"),
)
CANCELLATION_REASONS: tuple[str, ...] = (
    "Zu wenig Zeit zum Lesen",
    "Preis",
    "Umzug ins Ausland",
    "Liest nur noch digital",
    "Unzufrieden mit der Zustellung",
    "Altersgründe",
)
DELIVERY_NOTES: tuple[str, ...] = (
    "Zeitungsrolle am Gartentor",
    "Briefkasten im Hof, Tor ist offen",
    "Bitte nicht klingeln",
    "Hintereingang benutzen",
    "Beim Nachbarn (Parterre links) ablegen",
)
BLOCK_REASONS: tuple[str, ...] = (
    "Zahlungsrückstand trotz zweiter Mahnung",
    "Zugangsdaten wurden weitergegeben",
    "Verdacht auf Missbrauch des Kontos, wird geprüft",
)
RETURN_CODES: tuple[tuple[str, str], ...] = (
    ("AM04", "Konto weist keine ausreichende Deckung auf"),
    ("AC04", "Konto erloschen"),
    ("MD06", "Lastschrift vom Zahler zurückgegeben"),
    ("MS03", "Rückgabe ohne Angabe von Gründen"),
    ("AC01", "IBAN fehlerhaft"),
)
USER_AGENTS: tuple[str, ...] = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0",
    "TagblattEPaper/7.2 (Android 15; Tablet)",
)

DECLARATIONS: dict[tuple[str, str], tuple[str, str]] = {
    ("newsletter", "EMAIL"): (
        "2023-04",
        "Ja, ich möchte den Newsletter mit Lesetipps und Angeboten des Verlags zu seinen"
        " Zeitungen und Zeitschriften per E-Mail erhalten. Die Einwilligung kann ich jederzeit"
        " mit Wirkung für die Zukunft widerrufen, zum Beispiel über den Abmeldelink in jeder"
        " E-Mail.",
    ),
    ("advertising", "PHONE"): (
        "2022-01",
        "Ich bin damit einverstanden, dass mich der Verlag telefonisch über eigene Zeitungen,"
        " Zeitschriften und Veranstaltungen informiert. Die Einwilligung kann ich jederzeit mit"
        " Wirkung für die Zukunft widerrufen.",
    ),
    ("advertising", "POST"): (
        "2021-09",
        "Der Verlag darf meine Anschrift nutzen, um mir Angebote zu eigenen Produkten per Post"
        " zu senden. Dem kann ich jederzeit widersprechen.",
    ),
    ("service", "MESSENGER"): (
        "2024-02",
        "Ich möchte Nachrichten zur Zustellung über einen Messenger-Dienst erhalten und bin damit"
        " einverstanden, dass meine Mobilnummer dafür verwendet wird. Ein Widerruf ist jederzeit"
        " möglich.",
    ),
}
HASHES = {key: sha256(text.encode()).hexdigest() for key, (_, text) in DECLARATIONS.items()}


ANONYMOUS = "Anonymisiert"
"""What stands where something has to and the person is forgotten."""
