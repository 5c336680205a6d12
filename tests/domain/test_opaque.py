"""Opaque texts: ids and cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import opaque


@given(st.text())
def test_what_is_encoded_is_decoded(text: str) -> None:
    assert opaque.decode(opaque.encode(text)) == text
    assert set(opaque.encode(text)).isdisjoint("+/=\n")


@pytest.mark.parametrize("text", ["!", "YQ==a", "/+==", "_w", "ä", "A" * 5])
def test_what_was_never_encoded_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  Callers look at nothing but the type.
        opaque.decode(text)


@pytest.mark.parametrize("text", ["0", "-1", "1_0", " 1", "٣", "x", "", "1.0", str(2**63)])
def test_no_row_has_such_a_key(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  As above.
        opaque.key(text)


def test_the_largest_key_is_one() -> None:
    assert opaque.key(str(2**63 - 1)) == opaque.LARGEST_KEY
