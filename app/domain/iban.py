"""IBANs: written in one way, checked, and shown in part."""

from dataclasses import dataclass


class InvalidIban(ValueError):  # noqa: N818  It is said of the IBAN, as domain errors are.
    """The text is no IBAN; the message says why."""


@dataclass(frozen=True)
class Iban:
    """A valid IBAN, and what follows from it where the country's bank codes are known."""

    value: str
    bic: str | None
    bank_name: str | None

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
    from schwifty import IBAN
    from schwifty.exceptions import SchwiftyException

    try:
        iban = IBAN(normalise(text))
    except SchwiftyException as error:
        raise InvalidIban(str(error)) from error
    return Iban(iban.compact, str(iban.bic) if iban.bic else None, iban.bank_name)


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
