"""What operators set, where it is of no use or would let others in."""

from typing import Any

import pytest

from app.settings import Settings


def _given(proxies: Any) -> tuple[str, ...]:
    return Settings(trusted_proxies=proxies).trusted_proxies


@pytest.mark.parametrize("proxies", ["*", "0.0.0.0/0", "::/0", "10.0.0.1, nginx", "10.1.2.3/8"])
def test_not_everybody_is_believed_to_be_a_proxy(proxies: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        _given(proxies)


def test_proxies_are_named_by_address_or_network() -> None:
    assert _given("10.0.0.0/8, 2001:db8::7") == ("10.0.0.0/8", "2001:db8::7")
