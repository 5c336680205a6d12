import pytest

from app.auth.passwords import PasswordError, hash_password, needs_rehash, verify_password


async def test_a_password_is_hashed_with_argon2id_and_its_own_salt() -> None:
    first, second = [await hash_password("correct horse battery") for _ in range(2)]
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert await verify_password(first, "correct horse battery")
    assert not await verify_password(first, "correct horse batterY")
    assert not needs_rehash(first)


async def test_a_password_too_short_or_too_long_is_refused() -> None:
    for password in ("x" * 11, "x" * 1025):
        with pytest.raises(PasswordError):
            await hash_password(password)


async def test_what_is_no_hash_matches_nothing() -> None:
    assert not await verify_password("!", "correct horse battery")
    assert not await verify_password(await hash_password("y" * 1024), "y" * 1025)
