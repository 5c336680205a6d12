"""What a document may ask for, and that finding out is cheap for every document."""

import sys
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, get_introspection_query, parse

from app.server.documents import DocumentCache
from app.server.limits import LimitChecker, Limits

MOST_CALLS = 1_000_000
"""Python calls that reading any document may take: about 0.1 s of an idle processor's core."""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    fields = " ".join(f"field{n}(arg{n}: Int): Query" for n in range(60))
    things = " ".join(
        f"type Thing{n} implements Node {{ id: ID! node: Node f{n}: Query }}" for n in range(150)
    )
    return build_schema(
        f"""
        interface Node {{ id: ID! node: Node }}
        input Input {{ input: Input number: Int list: [Input] }}
        type Query implements Node {{
          id: ID! node: Node leaf(x: Int, o: Input, y: [Int]): String
          a: Query b: Query {fields}
        }}
        {things}
        """
    )


def codes(schema: GraphQLSchema, source: str, **limits: int) -> list[str]:
    document = DocumentCache(schema, Limits(**limits)).prepare(source)
    return [error["extensions"]["code"] for error in document.errors]


def nested(depth: int) -> str:
    return "{" + "a {" * (depth - 1) + "leaf" + "}" * depth


def bomb(fragments: int, selection: str = "...F{next} ...F{next}") -> str:
    """Each fragment spreads the next one twice, so the fields double with each."""
    spreads = " ".join(
        f"fragment F{n} on Query {{ {selection.format(next=n + 1)} }}" for n in range(fragments)
    )
    return f"{{ ...F0 }} {spreads} fragment F{fragments} on Query {{ leaf }}"


AT_THE_LIMIT: dict[str, tuple[str, dict[str, int]]] = {
    "depth": (nested(5), {"depth": 5}),
    "depth through fragments": (
        "{ ...F } fragment F on Query { a { ...G } } fragment G on Query { leaf }",
        {"depth": 2},
    ),
    "aliases": ("{ x: leaf a { y: leaf } }", {"aliases": 2}),
    "aliases in fragments count each time": (
        "{ ...F a { ...F } } fragment F on Query { x: leaf }",
        {"aliases": 2},
    ),
    "fields": ("{ id leaf a { leaf } }", {"fields": 4}),
    "fields in fragments count each time": (
        "{ a { ...F } b { ...F } } fragment F on Query { id leaf }",
        {"fields": 6},
    ),
    "directives on a field": ("{ leaf @skip(if: false) @include(if: true) }", {"directives": 2}),
    "directives on a spread": (
        "{ ...F @skip(if: false) @include(if: true) } fragment F on Query { leaf }",
        {"directives": 2},
    ),
    "tokens": ("{ leaf }", {"tokens": 3}),
}


@pytest.mark.parametrize(("source", "limit"), AT_THE_LIMIT.values(), ids=AT_THE_LIMIT.keys())
def test_a_document_may_reach_a_limit_but_not_pass_it(
    schema: GraphQLSchema, source: str, limit: dict[str, int]
) -> None:
    assert codes(schema, source, **limit) == []
    below = {name: value - 1 for name, value in limit.items()}
    assert codes(schema, source, **below) == ["QUERY_TOO_COMPLEX"]


def test_each_operation_is_limited_for_itself(schema: GraphQLSchema) -> None:
    two = "query One { id leaf } query Two { id leaf }"
    assert codes(schema, two, fields=2) == []
    assert codes(schema, two + " query Three { id leaf a { id } }", fields=2) != []


def test_a_bomb_is_walked_once_per_fragment(schema: GraphQLSchema) -> None:
    """672 bytes of it took Strawberry's limiters 790 ms."""
    source = bomb(18)
    assert len(source.encode()) > 600
    assert codes(schema, source) == ["QUERY_TOO_COMPLEX"]
    checker = LimitChecker(schema, Limits(fields=10**9, depth=10**9, aliases=10**9))
    visits = [checker.check(parse(bomb(n))).visits for n in (20, 40, 80)]
    assert visits == [42, 82, 162]


@pytest.mark.parametrize(
    "source",
    [
        "{ ...F } fragment F on Query { a { ...F } }",
        "{ ...F } fragment F on Query { ...G leaf } fragment G on Query { ...F leaf }",
        "{ leaf } fragment F on Query { ...F }",
        "{ leaf }"
        + " ".join(
            f"fragment F{n} on Query {{ {' '.join(f'a {{ ...F{m} }}' for m in range(28))} }}"
            for n in range(28)
        ),
    ],
)
def test_fragments_that_spread_themselves_are_invalid(schema: GraphQLSchema, source: str) -> None:
    assert set(codes(schema, source)) == {"GRAPHQL_VALIDATION_FAILED"}


def test_the_introspection_of_tools_passes(schema: GraphQLSchema) -> None:
    query = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    assert codes(schema, query) == []
    assert codes(schema, query, depth=3, fields=10) == []


INTROSPECTION_BOMBS = {
    "fields of fields": "{ __schema { types"
    + " { fields { type" * 3
    + " { name }"
    + " } }" * 3
    + " } }",
    "aliased": "{"
    + " ".join(f"x{n}: __schema {{ ...S }}" for n in range(90))
    + "} fragment S on __Schema { types { fields { args { name type { name } } } } }",
    "aliased within": "{ __schema { types {"
    + " ".join(f"x{n}: fields {{ args {{ name type {{ name }} }} }}" for n in range(90))
    + "} } }",
    "endless type": "{ __schema { types " + "{ ofType " * 40 + "{ name }" + "}" * 42,
    "doubling fragments": "{ __schema { types { ...F0 } } }"
    + " ".join(
        f"fragment F{n} on __Type {{ ...F{n + 1} ofType {{ ...F{n + 1} }} }}" for n in range(15)
    )
    + "fragment F15 on __Type { name }",
}


@pytest.mark.parametrize("source", INTROSPECTION_BOMBS.values(), ids=INTROSPECTION_BOMBS.keys())
def test_introspection_can_not_be_multiplied(schema: GraphQLSchema, source: str) -> None:
    assert codes(schema, source) in (["QUERY_TOO_COMPLEX"], ["GRAPHQL_VALIDATION_FAILED"])


def hostile() -> dict[str, str]:
    """Documents within the limit of tokens that make some rule compare as much as it can."""
    mesh = " ".join(
        f"fragment F{n} on Query {{ {' '.join(f'...F{m}' for m in range(n + 1, 60))} leaf }}"
        for n in range(60)
    )
    many = " ".join(f"fragment F{n} on Query {{ leaf a {{ leaf }} }}" for n in range(190))
    return {
        "one leaf, repeated": "{" + "leaf " * 1_990 + "}",
        "one leaf with arguments, repeated": "{" + "leaf(x: 1) " * 800 + "}",
        "one object, repeated": "{" + "a { leaf } " * 950 + "}",
        "fragments that all meet": f"{{ {' '.join(f'...F{n}' for n in range(190))} }} {many}",
        "a mesh of unused fragments": "{ leaf }" + mesh,
        "operations over one chain": " ".join(f"query Q{n} {{ ...F0 }}" for n in range(100))
        + bomb(90, "...F{next}").removeprefix("{ ...F0 }"),
        "unused variables": f"query({' '.join(f'$v{n}: Int' for n in range(1_200))}) {{ leaf }}",
        "undefined variables": f"{{ {' '.join(f'leaf(x: $v{n})' for n in range(600))} }}",
        "misspelt fields": f"{{ {' '.join(f'feild{n}' for n in range(1_900))} }}",
        "misspelt types": f"{{ {' '.join(f'...on Thng{n} {{ id }}' for n in range(800))} }}",
        "inline fragments": "{ node {"
        + " ".join(f"...on Thing{n % 150} {{ id }}" for n in range(700))
        + "} }",
        "conflicting aliases": f"{{ {' '.join(f'x: field{n % 60} {{ id }}' for n in range(99))} }}",
        "a long list": "{ leaf(y: [" + "1 " * 4_900 + "]) }",
        "a deep value": "{ leaf(o: " + "{ input: " * 190 + "{ number: 1 }" + "}" * 190 + ") }",
        "values to compare": "{"
        + ("leaf(o: { list: [" + "{ number: 1 } " * 400 + "] }) ") * 2
        + "}",
    }  # fmt: skip


@pytest.mark.parametrize("source", hostile().values(), ids=hostile().keys())
def test_validation_is_bounded_whatever_the_document(schema: GraphQLSchema, source: str) -> None:
    cache = DocumentCache(schema, Limits())
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        cache.prepare(source)
    finally:
        sys.setprofile(None)
    assert 0 < calls < MOST_CALLS
