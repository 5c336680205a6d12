import pytest

from app.domain.iban import (
    InvalidBic,
    InvalidIban,
    check_bic,
    mask,
    may_be_iban,
    normalise,
    parse,
    parse_bic,
)

VALID = [
    "DE89370400440532013000",
    "AT611904300234573201",
    "BE68539007547034",
    "NO9386011117947",
    "MT84MALT011000012345MTLCAST001S",
    "CH9300762011623852957",
]


@pytest.mark.parametrize("iban", VALID)
def test_a_valid_iban_passes_in_any_spelling(iban: str) -> None:
    spelled = " ".join(iban[start : start + 4] for start in range(0, len(iban), 4)).lower()
    assert parse(f" {spelled}\t").value == iban
    assert may_be_iban(spelled)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DE",
        "DE89370400440532013001",
        "DE8937040044053201300",
        "DE893704004405320130000",
        "XX89370400440532013000",
        "DE89-3704-0044-0532-0130-00",
        "DE8937040044053201300Ä",
        "BE6853900754703",
        "K-2024-0001",
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidIban):
        parse(text)


def test_the_bank_follows_where_it_is_known() -> None:
    iban = parse("DE89370400440532013000")
    assert iban.bic == "COBADEFFXXX"
    assert iban.bank_name == "Commerzbank"
    assert parse("BE68539007547034").bic is None


def test_a_mask_shows_country_check_digits_and_the_last_four() -> None:
    assert mask("DE89370400440532013000") == "DE89 **** **** **** **30 00"
    assert parse("NO9386011117947").masked == "NO93 **** ***7 947"


def test_a_search_box_takes_no_word_for_an_iban() -> None:
    assert not may_be_iban("Donaudampfschifffahrt")
    assert not may_be_iban("DE89370400440532013001")
    assert not may_be_iban("DE8937040044053201\uff13000")
    assert normalise(" de89 3704\n") == "DE893704"


@pytest.mark.parametrize(
    "text", ["DE89370400440532013001", "DE8937040044053201300", "QQ893704", "DE89-3704-0044"]
)
def test_a_refusal_quotes_nothing_of_the_account(text: str) -> None:
    with pytest.raises(InvalidIban) as refused:
        parse(text)
    assert "3704" not in str(refused.value)
    # What raised it might be logged along with it.
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("iban", "in_sepa", "needs_bic"),
    [
        ("DE89370400440532013000", True, False),
        ("NO9386011117947", True, False),
        ("CH9300762011623852957", True, True),
        ("GB29NWBK60161331926819", True, True),
        ("RS35260005601001611379", True, True),
        ("TR330006100519786457841326", False, True),
    ],
)
def test_it_is_known_where_debits_can_be_drawn(iban: str, in_sepa: bool, needs_bic: bool) -> None:
    assert (parse(iban).in_sepa, parse(iban).needs_bic) == (in_sepa, needs_bic)


@pytest.mark.parametrize("text", ["cobadeff", "COBA DE FF XXX", "GKCCBEBB", "\tBYLADEM1001\n"])
def test_a_bic_passes_in_any_spelling(text: str) -> None:
    assert parse_bic(text) == "".join(text.split()).upper()


@pytest.mark.parametrize(
    "text", ["", "COBADEF", "COBADEFFX", "C0BADEFF", "COBADEFFXXXX", "ÄOBADEFF"]
)
def test_what_is_no_bic_is_refused(text: str) -> None:
    with pytest.raises(InvalidBic):
        parse_bic(text)


@pytest.mark.parametrize(
    ("bic", "iban"),
    [
        ("MARKDEFF", "DE89370400440532013000"),
        ("RBOSGGSX", "GB29NWBK60161331926819"),
        ("CEPAFRPP", "FR1420041010050500013M02606"),
        ("BNPAGPGX", "FR1420041010050500013M02606"),
    ],
)
def test_a_bic_of_the_country_or_its_territories_fits(bic: str, iban: str) -> None:
    check_bic(bic, parse(iban))


@pytest.mark.parametrize("bic", ["GKCCBEBB", "RBOSGGSX"])
def test_a_bic_of_another_country_does_not(bic: str) -> None:
    with pytest.raises(InvalidBic):
        check_bic(bic, parse("DE89370400440532013000"))
