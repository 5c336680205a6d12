import pytest

from app.domain.search import MOST_TERMS, query_terms


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("", []),
        (" - ", []),
        ("Müller", ["mueller"]),
        ("anna  Anna", ["anna"]),
        ("Meier-Schulze", ["meier", "schulze"]),
        ("O'Brien", ["brien"]),
        ("Li-An", ["li-an"]),
        ("K-2024-0001", ["k-2024-0001"]),
        ("Anna.Meier@Example.org", ["anna.meier@example.org"]),
        ("Hauptstr. 12a, 10115 Berlin", ["hauptstr", "12a", "10115", "berlin"]),
        ("x" * 70, ["x" * 64]),
    ],
)
def test_a_text_becomes_beginnings_of_terms(typed: str, terms: list[str]) -> None:
    assert query_terms(typed) == terms


def test_the_number_of_terms_is_bounded() -> None:
    assert len(query_terms(" ".join(map(str, range(100, 200))))) == MOST_TERMS


def test_an_iban_is_searched_by_its_hash_where_that_is_known() -> None:
    iban = "de89 3704 0044 0532 0130 00"
    assert query_terms(iban, lambda value: value[:4].encode()) == ["#44453839"]
    assert query_terms(iban) == ["de89", "3704", "0044", "0532", "0130", "00"]


def test_no_typed_text_reaches_the_terms_of_ibans() -> None:
    assert query_terms("#44453839", lambda _: b"") == ["44453839"]
