"""Documents are read once, and what is kept of them is bounded."""

import time

import pytest
from graphql import OperationType, Source

import app.server.documents
from app.errors import ApiError
from app.server.documents import DocumentCache, IndexedSource
from app.server.limits import Limits
from tests.server.endpoint import SCHEMA


def cache(count: int = 10, *, introspection: bool = True) -> DocumentCache:
    return DocumentCache(SCHEMA._schema, Limits(), count=count, introspection=introspection)


def test_a_document_is_read_once() -> None:
    documents = cache()
    first = documents.prepare("{ hello }")
    first.facts["kept"] = True
    assert documents.prepare("{ hello }") is first
    assert documents.find("{ hello }") is first
    assert documents.find("{  hello }") is None


def test_invalid_documents_are_kept_without_their_tree() -> None:
    documents = cache()
    first = documents.prepare("{ nothing }")
    assert first.errors
    assert first.ast is None
    assert documents.prepare("{ nothing }") is first


def test_the_document_used_longest_ago_goes_first() -> None:
    documents = cache(count=2)
    documents.prepare("{ a: hello }")
    documents.prepare("{ b: hello }")
    documents.prepare("{ a: hello }")
    documents.prepare("{ c: hello }")
    assert len(documents) == 2
    assert documents.find("{ a: hello }") is not None
    assert documents.find("{ b: hello }") is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.server.documents, "MOST_CACHED_BYTES", 100_000)
    documents = cache(count=1_000)
    for n in range(100):
        documents.prepare(f'{{ hello(name: "{n}{"x" * 5_000}") }}')
        assert documents.size <= 100_000
    assert 5 < len(documents) < 20
    assert documents.size == sum(document.size for document in documents._documents.values())


def test_a_document_too_long_to_read_is_not_kept() -> None:
    documents = cache()
    assert documents.prepare("#" + "x" * 200_000).errors[0]["extensions"] == {
        "code": "QUERY_TOO_COMPLEX"
    }
    assert len(documents) == 0


def test_the_operation_is_chosen_by_name() -> None:
    document = cache().prepare("query One { hello } mutation Two { change }")
    assert document.operation("One").kind is OperationType.QUERY
    assert document.operation("Two").kind is OperationType.MUTATION
    assert document.operation("Two").name == "Two"
    for name in (None, "Three"):
        with pytest.raises(ApiError, match="operation"):
            document.operation(name)
    with pytest.raises(ApiError, match="no operation"):
        cache().prepare("{ hello }").operation("One")


def test_equal_errors_are_told_once_with_all_places() -> None:
    (error,) = cache().prepare("{ __typename @no @no @no }").errors
    assert [place["column"] for place in error["locations"]] == [14, 18, 22]


def test_without_introspection_nothing_of_the_schema_is_told() -> None:
    closed = cache(introspection=False)
    for source in ("{ __schema { types { name } } }", '{ __type(name: "Query") { name } }'):
        assert closed.prepare(source).errors
        assert not cache().prepare(source).errors
    assert not closed.prepare("{ __typename }").errors
    assert "Did you mean" in str(cache().prepare("{ helo }").errors)
    assert "Did you mean" not in str(closed.prepare("{ helo }").errors)
    assert "hello" not in str(closed.prepare("{ helo }").errors)


def test_messages_do_not_quote_at_length() -> None:
    (error,) = cache().prepare("{ " + "x" * 100_000 + " }").errors
    assert len(error["message"]) == 500


def test_lines_are_found_as_the_library_finds_them() -> None:
    body = "\n{ hello\r\n\r  nested {\n\n hello } # ü\r }"
    for position, character in enumerate(body):
        if character not in "\r\n":
            expected = Source(body).get_location(position)
            assert IndexedSource(body).get_location(position) == expected


def test_finding_many_lines_is_cheap() -> None:
    document = cache().prepare("\n" * 190_000 + "{ hello }")
    assert document.ast is not None
    (location,) = [node.loc for node in document.ast.definitions]
    assert location is not None
    started = time.process_time()
    for _ in range(10_000):
        assert location.source.get_location(location.start) == (190_001, 1)
    assert time.process_time() - started < 2
