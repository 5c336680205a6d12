"""IBANs and BICs: written in one way, checked, and shown in part."""

import re
from dataclasses import dataclass

_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")

_JOINED = frozenset({"AL", "MD", "ME", "MK", "RS"})
"""Countries that joined SEPA of late, which the registry of IBANs does not say yet."""

_EEA = frozenset(
    (
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI"),
        *("FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU"),
        *("LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
    )
)
"""Where the IBAN alone is enough for a debit, and nobody may ask for the BIC."""

_TERRITORIES = {
    "FI": frozenset({"AX"}),
    "FR": frozenset({"BL", "GF", "GP", "MF", "MQ", "PM", "RE", "YT"}),
    "GB": frozenset({"GG", "IM", "JE"}),
}
"""Whose banks have BICs with letters of their own, and IBANs of the country that they belong to."""


class InvalidIban(ValueError):  # noqa: N818  It is said of the IBAN, as domain errors are.
    """The text is no IBAN; the message says why, and quotes nothing of it."""


class InvalidBic(ValueError):  # noqa: N818  As above.
    """The text is no BIC, or none for this IBAN; the message says why."""


@dataclass(frozen=True)
class Iban:
    """A valid IBAN, and what follows from it where the country's bank codes are known."""

    value: str
    bic: str | None
    bank_name: str | None
    in_sepa: bool
    """Whether direct debits can be drawn there."""

    @property
    def country(self) -> str:
        """The two letters it begins with."""
        return self.value[:2]

    @property
    def needs_bic(self) -> bool:
        """Whether a debit needs the BIC as well."""
        return self.country not in _EEA

    @property
    def masked(self) -> str:
        """What those may see who need not see all: country, check digits and the last four."""
        return mask(self.value)


def parse(text: str) -> Iban:
    """Check an IBAN: its country, the country's length and form, and the check digits.

    National check digits are not looked at: banks have given out accounts that break them.

    Raises:
        InvalidIban: It is not valid.
    """
    # The table of bank codes behind it takes a while to load.
    from schwifty import IBAN, exceptions

    try:
        iban = IBAN(normalise(text))
    except exceptions.InvalidCountryCode:
        raise InvalidIban("No IBAN begins with these two letters.") from None
    except exceptions.InvalidLength:
        raise InvalidIban("IBANs of this country have another length.") from None
    except exceptions.InvalidChecksumDigits:
        raise InvalidIban("The check digits do not fit: something is mistyped.") from None
    except exceptions.SchwiftyException:
        raise InvalidIban("IBANs of this country have another form.") from None
    bic = str(iban.bic) if iban.bic else None
    return Iban(
        value=iban.compact,
        bic=bic if bic and _BIC.fullmatch(bic) else None,
        bank_name=iban.bank_name,
        in_sepa=iban.in_sepa_zone or iban.country_code in _JOINED,
    )


def parse_bic(text: str) -> str:
    """The BIC in a text, in the form of ISO 9362: 8 or 11 letters and digits.

    Raises:
        InvalidBic: It is not of that form.
    """
    bic = normalise(text)
    if not _BIC.fullmatch(bic):
        raise InvalidBic("A BIC has 8 or 11 letters and digits, such as COBADEFF.")
    return bic


def check_bic(bic: str, iban: Iban) -> None:
    """See that a BIC can be the one of an IBAN's bank.

    Only the countries are compared: one bank may have several BICs, and bank codes live on in
    IBANs after their bank was merged into another.

    Raises:
        InvalidBic: It is of another country.
    """
    country = bic[4:6]
    if country != iban.country and country not in _TERRITORIES.get(iban.country, ()):
        raise InvalidBic(f"This BIC is of {country}, and the IBAN of {iban.country}.")


def normalise(text: str) -> str:
    """The electronic form: upper-case, without spaces. It may still not be an IBAN."""
    return "".join(text.split()).upper()


def may_be_iban(text: str) -> bool:
    """Whether a text has the form and the check digits of an IBAN, in whatever spelling.

    This is cheap and needs no tables: it is for a search box, not for accepting an account.
    """
    iban = normalise(text)
    if not (15 <= len(iban) <= 34 and iban.isascii() and iban.isalnum()):
        return False
    if not (iban[:2].isalpha() and iban[2:4].isdigit()):
        return False
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def mask(iban: str) -> str:
    """An IBAN with all but its first and last four signs hidden, in groups of four.

    `DE89370400440532013000` becomes `DE89 **** **** **** **30 00`.
    """
    hidden = iban[:4] + "*" * (len(iban) - 8) + iban[-4:]
    return " ".join(hidden[start : start + 4] for start in range(0, len(hidden), 4))
