"""Codes of authenticator apps, by the vectors of RFC 6238, and how far clocks may differ."""

import base64
from datetime import UTC, datetime

import pytest

from app.auth import recovery_codes, totp
from tests.rows import KEYRING

SECRET = base64.b32encode(b"12345678901234567890").decode()

VECTORS = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
"""Of appendix B, for SHA-1; they have eight digits, of which six-digit codes are the last."""


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize("seconds", VECTORS)
def test_the_vectors_of_rfc_6238(seconds: int) -> None:
    code = VECTORS[seconds][2:]
    assert totp.step_of(SECRET, code, at(seconds)) == seconds // 30
    assert totp.step_of(SECRET, f" {code[:3]} {code[3:]} ", at(seconds)) == seconds // 30


def test_a_code_is_good_for_its_step_and_the_one_after() -> None:
    code, step = VECTORS[1234567890][2:], 1234567890 // 30
    for later, known in ((-1, None), (0, step), (1, step), (2, None)):
        assert totp.step_of(SECRET, code, at((step + later) * 30)) == known
        assert totp.step_of(SECRET, code, at((step + later) * 30 + 29)) == known


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "٤٥٦٧٨٩", "-12345"])
def test_what_is_no_code_belongs_to_no_step(code: str) -> None:
    assert totp.step_of(SECRET, code, at(59)) is None


def test_secrets_have_160_bits_and_differ() -> None:
    secrets = {totp.new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(base64.b32decode(secret)) for secret in secrets} == {20}


def test_an_app_is_set_up_by_an_address_and_its_picture() -> None:
    uri = totp.provisioning_uri(SECRET, account="a@example.org", issuer="Abokonto")
    assert uri.startswith("otpauth://totp/Abokonto:a%40example.org?secret=")
    picture = totp.qr_code(uri)
    assert picture.startswith("<svg")
    assert 'xmlns="http://www.w3.org/2000/svg"' in picture


def test_recovery_codes_are_ten_long_and_kept_as_keyed_hashes() -> None:
    codes = recovery_codes.new_codes()
    assert len(set(codes)) == 10
    assert all(len(code.replace("-", "")) == 16 for code in codes)
    kept = recovery_codes.hash_code(KEYRING, "staff:1", codes[0])
    assert kept == recovery_codes.hash_code(KEYRING, "staff:1", codes[0].lower().replace("-", " "))
    assert kept != recovery_codes.hash_code(KEYRING, "staff:2", codes[0])
    assert recovery_codes.hash_code(KEYRING, "staff:1", "x") is None
