from random import Random

import pytest
from schwifty import IBAN

from app.demo.banks import some_account


@pytest.mark.parametrize("country", ["DE", "AT"])
def test_ibans_pass_the_check_of_another_library_and_belong_to_a_bank(country: str) -> None:
    rng = Random(7)  # noqa: S311  Nothing is to be kept secret here.
    for _ in range(500):
        iban, bank = some_account(rng, country)
        assert IBAN(iban).bank_code == bank.code
        assert len(bank.bic) in (8, 11)
