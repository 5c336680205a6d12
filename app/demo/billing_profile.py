"""The publishers' letterheads, with numbers that are of the right form and nobody's."""

from dataclasses import asdict, dataclass

import asyncpg

CREDITOR_ID = "DE98ZZZ09999999999"
"""The creditor identifier that the Bundesbank gives out for tests."""


@dataclass(frozen=True)
class Letterhead:
    """What a publisher's documents say of it."""

    country: str
    street: str
    house_number: str
    postal_code: str
    city: str
    vat_number: str
    register_court: str
    register_number: str
    managing_directors: str
    email: str
    phone: str
    website: str
    bank_name: str
    iban: str
    bic: str
    footer: str
    tax_number: str | None = None
    creditor_id: str = CREDITOR_ID


FOEHRENBACH = Letterhead(
    country="DE",
    street="Marktgasse",
    house_number="7",
    postal_code="83646",
    city="Bad Tölz",
    vat_number="DE136695976",
    tax_number="181/815/08155",
    register_court="Amtsgericht München",
    register_number="HRB 99999",
    managing_directors="Johanna Breitner, Lukas Ferstl",
    email="kundenservice@foehrenbach.example.com",
    phone="+498041555010",
    website="https://foehrenbach.example.com",
    bank_name="Commerzbank",
    iban="DE89370400440532013000",
    bic="COBADEFFXXX",
    footer="Fragen zu Ihrem Abonnement beantwortet der Leserservice werktags von 8 bis 18 Uhr.",
)
DONAUTALER = Letterhead(
    country="AT",
    street="Donaulände",
    house_number="12",
    postal_code="3500",
    city="Krems an der Donau",
    vat_number="ATU12345675",
    register_court="Landesgericht Krems an der Donau",
    register_number="FN 99999 d",
    managing_directors="Katharina Pichler",
    email="abo@donautaler.example.com",
    phone="+432732555010",
    website="https://donautaler.example.com",
    bank_name="Erste Bank",
    iban="AT611904300234573201",
    bic="GIBAATWWXXX",
    footer="Fragen zu Ihrem Abonnement beantwortet unser Leserservice.",
)


async def set_up_billing(
    connection: asyncpg.Connection, tenant_id: int, letterhead: Letterhead
) -> None:
    """Fill in a tenant's billing profile."""
    values = asdict(letterhead)
    named = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, start=2))
    await connection.execute(
        f"UPDATE billing_profile SET {named} WHERE tenant_id = $1",  # noqa: S608  Our own names.
        tenant_id,
        *values.values(),
    )
