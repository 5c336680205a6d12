"""The terms that find customers, made by triggers, and asked for from Python."""

import asyncpg

from app.domain.search import iban_term, query_terms
from tests.rows import insert


async def found(owner: asyncpg.Connection, *terms: str) -> set[int]:
    """The customers of the only tenant that have terms with all of these beginnings."""
    rows = await owner.fetch(
        "SELECT abokonto.find_customers((SELECT id FROM tenant), $1, ARRAY[1, 2, 3, 4]) AS id",
        list(terms),
    )
    assert len(rows) == len({row["id"] for row in rows})
    return {row["id"] for row in rows}


STORED_AND_TYPED = [
    ("Müller", "Müller"),
    ("Müller", "mueller"),
    ("Müller", "MULLER"),
    ("Mueller", "Müller"),
    ("Mu\u0308ller", "Müller"),
    ("Müller-Lüdenscheidt", "Müller-Lüd"),
    ("Müller Lüdenscheidt", "Müller-Lüd"),
    ("Müller-Lüdenscheidt", "lüdenscheidt müller"),
    ("Straße", "strasse"),
    ("STRASSE", "Straße"),
    ("STRAẞE", "straße"),
    ("Đorđević", "dordevic"),
    ("Łukasz", "lukasz"),
    ("Søren", "soren"),
    ("Æther", "aether"),
    ("Œuvre", "oeuvre"),
    ("Þór", "thor"),
    ("İzmir", "izmir"),
    ("I\u015f\u0131k", "isik"),
    ("Nguyễn", "nguyen"),
    ("O\u2019Brien", "O'Brien"),
    ("O'Brien", "o\u2019brien"),
    ("O'Brien", "Brien"),
    ("Li-An", "Li-An"),
    ("Li-An", "li"),
    ("\u201eDer Verlag\u201c GmbH", "verlag gmbh"),
    ("K-2024-0001", "K-2024-0001"),
    ("K-2024-0001", "k-2024"),
    ("K-2024-0001", "0001"),
    ("anna.meier@example.org", "anna.meier@example.org"),
    ("anna.meier@example.org", "ANNA.MEIER@"),
    ("anna.meier@example.org", "meier"),
    ("12a", "12A"),
    ("10115", "101"),
    ("(Firma)", "firma"),
    ("C&A", "c&a"),
    ("e\tf", "E F"),
    ("ﬁnanz", "finanz"),
    ("\uff21\uff4e\uff4e\uff41", "anna"),
    ("a" * 100, "a" * 100),
    ("Straße" + "ß" * 60, "strasse" + "ß" * 60),
]


async def test_what_python_asks_for_is_what_the_database_stores(owner: asyncpg.Connection) -> None:
    for stored, typed in STORED_AND_TYPED:
        terms = await owner.fetchval("SELECT abokonto.search_terms($1)", stored)
        wanted = query_terms(typed)
        assert wanted
        for beginning in wanted:
            assert any(term.startswith(beginning) for term in terms), (beginning, terms)


async def test_nothing_gives_no_terms(owner: asyncpg.Connection) -> None:
    assert await owner.fetchval("SELECT abokonto.search_terms(NULL)") == []
    assert await owner.fetchval("SELECT abokonto.search_terms(' - . ')") == []


async def test_a_customer_is_found_by_each_of_its_own_data(owner: asyncpg.Connection) -> None:
    tenant = await insert(owner, "tenant")
    customer = await insert(
        owner,
        "customer",
        tenant_id=tenant,
        number="K-2024-0001",
        external_id="crm/77",
        email="Jörg.Meier@Example.org",
        first_name="Jörg",
        last_name="Meier",
        company="Bäckerei Krause",
    )
    await insert(owner, "customer", tenant_id=tenant, number="K-2024-0002", last_name="Mai")
    for typed in ("K-2024-0001", "crm/77", "jörg.meier@ex", "example.org", "joerg", "Krause bäck"):
        assert await found(owner, *query_terms(typed)) == {customer}, typed
    assert len(await found(owner, "k-2024")) == 2


async def test_a_customer_is_found_by_address_invoice_and_iban(owner: asyncpg.Connection) -> None:
    tenant = await insert(owner, "tenant")
    customer = await insert(owner, "customer", tenant_id=tenant)
    other = await insert(owner, "customer", tenant_id=tenant)
    of = {"tenant_id": tenant, "customer_id": customer}
    await insert(owner, "address", **of, street="Hauptstraße", house_number="12a", city="Köln")
    await insert(owner, "invoice", **of, number="RE-2026-000042")
    await insert(owner, "bank_account", **of, iban_hash=b"x" * 32)
    await insert(owner, "bank_account", tenant_id=tenant, customer_id=other, iban_hash=b"y" * 32)
    for typed in ("hauptstrasse 12a koeln", "RE-2026-000042", "000042"):
        assert await found(owner, *query_terms(typed)) == {customer}, typed
    iban = "DE89 3704 0044 0532 0130 00"
    assert await found(owner, *query_terms(iban, lambda _: b"x" * 32)) == {customer}
    assert query_terms(iban, lambda value: value.encode())[0] == iban_term(
        b"DE89370400440532013000"
    )


async def test_terms_follow_changes_and_leave_no_trace(owner: asyncpg.Connection) -> None:
    tenant = await insert(owner, "tenant")
    customer = await insert(owner, "customer", tenant_id=tenant, last_name="Meier Alt")
    address = await insert(
        owner, "address", tenant_id=tenant, customer_id=customer, last_name="Meier", city="Bonn"
    )
    await owner.execute("UPDATE customer SET last_name = 'Meier Neu'")
    assert await found(owner, "alt") == set()
    assert await found(owner, "neu") == {customer}
    await owner.execute("UPDATE address SET city = 'Trier', preferred = true")
    assert await found(owner, "bonn") == set()
    assert await found(owner, "trier") == {customer}
    await owner.execute("DELETE FROM address WHERE id = $1", address)
    assert await found(owner, "trier") == set()
    assert await found(owner, "meier") == {customer}
    await owner.execute("DELETE FROM customer")
    assert await owner.fetchval("SELECT count(*) FROM customer_term") == 0


async def test_the_application_keeps_terms_without_having_the_right_to(
    owner: asyncpg.Connection, application: asyncpg.Connection
) -> None:
    tenant = await insert(owner, "tenant")
    await application.execute("SELECT set_config('abokonto.tenant_id', $1, false)", str(tenant))
    customer = await insert(application, "customer", tenant_id=tenant, last_name="Meier")
    assert await found(application, "meier") == {customer}


async def test_copy_fills_terms_of_many_rows_at_once(owner: asyncpg.Connection) -> None:
    tenant = await insert(owner, "tenant")
    await owner.copy_records_to_table(
        "customer",
        columns=["tenant_id", "number", "last_name"],
        records=[(tenant, f"N{number:05}", "Meier") for number in range(1000)],
    )
    assert len(await found(owner, "meier")) == 1000
    assert len(await found(owner, "n00042")) == 1


async def test_customers_sort_as_people_expect(owner: asyncpg.Connection) -> None:
    tenant = await insert(owner, "tenant")
    for last_name, first_name, company in (
        ("Zimmer", "Anna", None),
        ("Öztürk", "Ali", None),
        ("Özdemir", None, "Bäckerei"),
        ("", "", "Österreich GmbH"),
        ("Ofen", "Zoe", None),
        ("Ofen", "Adam", None),
        (None, None, None),
    ):
        await insert(
            owner,
            "customer",
            tenant_id=tenant,
            last_name=last_name,
            first_name=first_name,
            company=company,
        )
    names = await owner.fetch("SELECT sort_name FROM customer ORDER BY sort_name")
    assert [row["sort_name"] for row in names] == [
        "",
        "ofen adam",
        "ofen zoe",
        "osterreich gmbh",
        "ozdemir",
        "ozturk ali",
        "zimmer anna",
    ]


async def test_words_that_many_have_are_found_as_those_that_few_have(
    owner: asyncpg.Connection,
) -> None:
    """The rarest word leads only where it is rare, and either way the same are found."""
    tenant = await insert(owner, "tenant")
    await owner.execute(
        "INSERT INTO customer (tenant_id, number, first_name, last_name)"
        " SELECT $1, 'n' || i, CASE i % 2 WHEN 0 THEN 'Anna' ELSE 'Otto' END, 'Müller'"
        " FROM generate_series(1, 3000) AS i",
        tenant,
    )
    assert len(await found(owner, "anna")) == 1500
    assert len(await found(owner, "anna", "mueller")) == 1500
    assert await found(owner, "anna", "otto") == set()
    assert len(await found(owner, "anna", "mueller", "n1234")) == 1
    assert await found(owner, "otto", "mueller", "n1234") == set()
    assert await found(owner, "anna", "nobody") == set()
