"""The cache of statements, which all documents of a worker share."""

from sqlalchemy import literal_column, select

from app.resolvers.statements import StatementCache


def test_a_statement_is_built_once() -> None:
    cache = StatementCache()
    first = cache.get("a", lambda: select(literal_column("1")))
    assert cache.get("a", lambda: select(literal_column("2"))) is first


def test_the_oldest_statement_makes_room() -> None:
    cache = StatementCache(most_bytes=700)
    for number in range(50):
        cache.get(number, lambda: select(literal_column("1234567890")))
        cache.get("kept", lambda: select(literal_column("0")))
        assert cache.size <= 700
    kept = cache.get("kept", lambda: select(literal_column("forgotten")))
    assert "forgotten" not in kept.sql
    assert "forgotten" in cache.get(0, lambda: select(literal_column("forgotten"))).sql


def test_a_statement_larger_than_all_room_is_used_all_the_same() -> None:
    cache = StatementCache(most_bytes=1)
    assert cache.get("a", lambda: select(literal_column("1"))).sql == "SELECT 1"


def test_equal_structures_are_one_key_as_long_as_somebody_holds_it() -> None:
    cache = StatementCache()
    key = cache.shared(("Customer", ("id", "number")))
    assert cache.shared(("Customer", ("id", "number"))) is key
    assert cache.shared(("Customer", ("id", "email"))) != key
    first = cache.get(key, lambda: select(literal_column("1")))
    again = cache.shared(("Customer", ("id", "number")))
    assert cache.get(again, lambda: select(literal_column("2"))) is first
