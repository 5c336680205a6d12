"""What a user types into the search box, made into the beginnings of stored terms.

The database makes the terms (`abokonto.search_terms`); this must fold letters as it does. A test
holds the two to each other.
"""

import re
import unicodedata
from collections.abc import Callable

from app.domain.iban import may_be_iban, normalise

MOST_TERMS = 8
_LONGEST_TERM = 64
_SHORTEST_PART = 3
_MARKS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue"})
_LETTERS = str.maketrans(
    {
        **dict.fromkeys("ßẞ", "ss"),
        **dict.fromkeys("æÆ", "ae"),
        **dict.fromkeys("œŒ", "oe"),
        **dict.fromkeys("þÞ", "th"),
        **dict.fromkeys("øØ", "o"),
        **dict.fromkeys("łŁ", "l"),
        **dict.fromkeys("đĐðÐ", "d"),
        "\u0131": "i",
        # Dashes and apostrophes are the plain ones, quotation marks and ellipses are spaces.
        **dict.fromkeys("\u2013\u2014", "-"),
        **dict.fromkeys("\u2018\u2019", "'"),
        **dict.fromkeys("\u201e\u201c\u201d\u00ab\u00bb\u2039\u203a\u2026", " "),
    }
)
_ACCENTS = re.compile("[\u0300-\u036f]")
_BREAKS = re.compile("[ \t\n\r\v\f]+")
_PARTS = re.compile(f"[{re.escape(_MARKS)}]+")


def query_terms(text: str, hash_iban: Callable[[str], bytes] | None = None) -> list[str]:
    """The beginnings of terms that a customer must have all of, to be found by a text.

    A word that holds a digit, a dot or an @ is searched as a whole, as a number or an e-mail
    address; others are taken apart at hyphens and apostrophes, so that half a double name is
    enough. A whole IBAN is searched by its keyed hash, where `hash_iban` is given.
    """
    if hash_iban is not None and may_be_iban(text):
        return [iban_term(hash_iban(normalise(text)))]
    terms: list[str] = []
    for token in _BREAKS.split(fold(text, german=True)):
        for term in _split(token.strip(_MARKS)):
            if term[:_LONGEST_TERM] not in terms:
                terms.append(term[:_LONGEST_TERM])
    return terms[:MOST_TERMS]


def iban_term(iban_hash: bytes) -> str:
    """The term of an IBAN. It begins with a mark, so that nobody can type it."""
    return "#" + iban_hash.hex()


def fold(text: str, *, german: bool) -> str:
    """A text in lower case and without accents; umlauts are ae, oe and ue if `german`."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text)
    if german:
        folded = folded.translate(_GERMAN)
    folded = unicodedata.normalize("NFD", folded.translate(_LETTERS))
    return unicodedata.normalize("NFC", _ACCENTS.sub("", folded).lower())


def _split(token: str) -> list[str]:
    if not token:
        return []
    if any(sign.isdigit() or sign in ".@" for sign in token):
        return [token]
    parts = [part for part in _PARTS.split(token) if len(part) >= _SHORTEST_PART]
    return parts or [token]
