import base64

import pytest

from app.encryption import EncryptionError, Keyring
from app.models import BankAccount
from app.settings import Settings

OLD, NEW, LOOKUP = b"o" * 32, b"n" * 32, b"l" * 32
IBAN = "DE89370400440532013000"


def test_what_is_encrypted_comes_back_for_its_column_only() -> None:
    keyring = Keyring({"1": OLD}, LOOKUP)
    stored = keyring.encrypt(IBAN, BankAccount.iban)
    assert IBAN.encode() not in stored
    assert keyring.decrypt(stored, "bank_account.iban") == IBAN
    with pytest.raises(EncryptionError, match="for this column"):
        keyring.decrypt(stored, "customer.totp_secret")


def test_the_same_value_never_looks_the_same() -> None:
    keyring = Keyring({"1": OLD}, LOOKUP)
    assert keyring.encrypt(IBAN, "a.b") != keyring.encrypt(IBAN, "a.b")


def test_rotation_reads_old_values_and_writes_new_ones() -> None:
    before = Keyring({"1": OLD}, LOOKUP)
    during = Keyring({"2": NEW, "1": OLD}, LOOKUP)
    after = Keyring({"2": NEW}, LOOKUP)
    stored = before.encrypt(IBAN, "a.b")
    assert not during.is_current(stored)
    rotated = during.encrypt(during.decrypt(stored, "a.b"), "a.b")
    assert during.is_current(rotated)
    assert after.decrypt(rotated, "a.b") == IBAN
    with pytest.raises(EncryptionError, match="not configured"):
        after.decrypt(stored, "a.b")
    assert before.lookup_hash(IBAN) == after.lookup_hash(IBAN)


def test_the_id_of_a_key_does_not_make_another_key_fit() -> None:
    stored = Keyring({"1": OLD}, LOOKUP).encrypt(IBAN, "a.b")
    with pytest.raises(EncryptionError):
        Keyring({"1": NEW}, LOOKUP).decrypt(stored, "a.b")


def test_every_changed_byte_is_noticed() -> None:
    keyring = Keyring({"1": OLD}, LOOKUP)
    stored = keyring.encrypt(IBAN, "a.b")
    for position in range(len(stored)):
        changed = bytearray(stored)
        changed[position] ^= 1
        with pytest.raises(EncryptionError):
            keyring.decrypt(bytes(changed), "a.b")
    for length in range(len(stored)):
        with pytest.raises(EncryptionError):
            keyring.decrypt(stored[:length], "a.b")


def test_a_lookup_hash_needs_its_key() -> None:
    assert Keyring({"1": OLD}, LOOKUP).lookup_hash(IBAN) != Keyring({"1": OLD}, NEW).lookup_hash(
        IBAN
    )


def configured(encryption_keys: str | None, lookup_key: str | None) -> Settings:
    return Settings.model_validate({"encryption_keys": encryption_keys, "lookup_key": lookup_key})


def test_keys_are_read_from_the_settings() -> None:
    old, new, lookup = (base64.b64encode(key).decode() for key in (OLD, NEW, LOOKUP))
    keyring = Keyring.from_settings(configured(f"new:{new}, old:{old}", lookup))
    stored = Keyring({"old": OLD}, LOOKUP).encrypt(IBAN, "a.b")
    assert keyring.decrypt(stored, "a.b") == IBAN
    assert keyring.encrypt(IBAN, "a.b")[2:5] == b"new"


@pytest.mark.parametrize(
    ("encryption_keys", "lookup_key", "message"),
    [
        (None, "bGw=", "not configured"),
        ("1:bGw=", None, "not configured"),
        ("1:bGw=", "bGw=", "32 bytes"),
        ("1:!", "bGw=", "base64"),
        ("1:bGw=,1:bGw=", "bGw=", "two encryption keys"),
        (":" + base64.b64encode(OLD).decode(), base64.b64encode(LOOKUP).decode(), "id of a key"),
    ],
)
def test_keys_that_do_not_work_are_refused(
    encryption_keys: str | None, lookup_key: str | None, message: str
) -> None:
    with pytest.raises(EncryptionError, match=message):
        Keyring.from_settings(configured(encryption_keys, lookup_key))
