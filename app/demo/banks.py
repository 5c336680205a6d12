"""Bank accounts at banks that exist, with account numbers made up."""

import re
from dataclasses import dataclass
from functools import cache
from random import Random

_ACCOUNT_DIGITS = {"DE": 10, "AT": 11}
_COUNTRY_DIGITS = {"DE": "131400", "AT": "102900"}
"""The country's letters as numbers (A is 10) and two zeros, as ISO 7064 appends them."""

_UNUSUAL = re.compile(r"-alt-?$|\(alt\)|Gf |Bundesbank|BBk|Nationalbank|Kontrollbank|intern", re.I)
"""Banks that no household has an account at: central banks, and codes that live on for others."""


@dataclass(frozen=True)
class Bank:
    """A bank with its national code."""

    code: str
    bic: str
    name: str


@cache
def _banks(country: str) -> tuple[Bank, ...]:
    from schwifty.registry import get_banks_by_country

    found = {
        bank.bank_code: Bank(bank.bank_code, bank.bic, bank.short_name or bank.name)
        for bank in get_banks_by_country(country)
        if bank.bic and bank.primary and not _UNUSUAL.search(bank.name)
    }
    return tuple(found[code] for code in sorted(found))


def some_account(rng: Random, country: str) -> tuple[str, Bank]:
    """An IBAN with the right check digits, and its bank."""
    bank = rng.choice(_banks(country))
    digits = _ACCOUNT_DIGITS[country]
    bban = f"{bank.code}{rng.randrange(10 ** (digits - 4), 10**digits):0{digits}}"
    check = 98 - int(bban + _COUNTRY_DIGITS[country]) % 97
    return f"{country}{check:02}{bban}", bank
