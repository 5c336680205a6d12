import pytest

from app.domain.creditors import creditor_id, tax_number


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("DE98ZZZ09999999999", "DE98ZZZ09999999999"),
        ("de98 zzz 0999 9999 999", "DE98ZZZ09999999999"),
        # The business code between the check digits and the rest counts for nothing.
        ("DE98ABC09999999999", "DE98ABC09999999999"),
        ("AT61ZZZ01234567890", "AT61ZZZ01234567890"),
    ],
)
def test_creditor_identifiers_are_brought_into_one_form(text: str, kept: str) -> None:
    assert creditor_id(text) == kept


@pytest.mark.parametrize("text", ["", "DE", "DE97ZZZ09999999999", "DE98ZZZ0999999999", "Ä" * 18])
def test_what_is_no_creditor_identifier_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  The library's own messages.
        creditor_id(text)


def test_german_tax_numbers_are_checked_and_others_kept() -> None:
    assert tax_number(" 181/815/08155 ", "DE") == "181/815/08155"
    assert tax_number("12 345/6789", "AT") == "12 345/6789"
    with pytest.raises(ValueError):  # noqa: PT011  As above.
        tax_number("12", "DE")
