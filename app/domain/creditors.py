"""What says of a creditor, and of a company, who it is: to banks and to tax offices."""

_LENGTHS = {"DE": 18, "AT": 18, "CH": 18, "FR": 13, "NL": 19, "BE": 20, "LU": 26, "IT": 23}
"""How long the identifiers of some countries are, by the EPC's overview (EPC262-08)."""


def creditor_id(text: str) -> str:
    """A SEPA creditor identifier in its compact form (AT-02 of EPC016-06).

    Its check digits are those of ISO 7064 (mod 97-10) over the country and the national part; the
    three signs of the creditor business code between them don't count.

    Raises:
        ValueError: There can be no such identifier.
    """
    from stdnum.eu import at_02

    compact = str(at_02.validate(text))
    length = _LENGTHS.get(compact[:2], len(compact))
    if len(compact) != length:
        raise ValueError(f"Creditor identifiers of {compact[:2]} have {length} signs.")
    return compact


def tax_number(text: str, country: str) -> str:
    """A tax number as its tax office writes it; checked where the country's form is known.

    Raises:
        ValueError: There can be no such number.
    """
    from stdnum.de import stnr

    number = " ".join(text.split())
    if country == "DE":
        stnr.validate(number)
    return number
