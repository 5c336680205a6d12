"""Whatever bytes arrive, the answer is well-formed and blames the client."""

import json
from typing import Any

import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.asgi import client_of
from tests.server.endpoint import TOKEN, endpoint

APPLICATION = endpoint(max_body_bytes=5_000)
CODES = {
    "BAD_REQUEST",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "QUERY_TOO_COMPLEX",
    "FORBIDDEN",
}

names = st.sampled_from(["query", "variables", "operationName", "extensions", "other"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
punctuation = st.sampled_from([*"{}()[]:$!=@#&|\n\ufeff", "...", '"x"', '"""x"""'])
names_and_values = st.sampled_from(
    ["hello", "nested", "double", "number", "choose", "by", "name", "query", "fragment", "on"],
) | st.sampled_from(
    ["Query", "F", "mutation", "__typename", "__schema", "types", "1", "-1", "1e9", "null", "$n"]
)
words = punctuation | names_and_values
documents = st.lists(words, max_size=30).map(" ".join)
bodies = (
    st.binary(max_size=300)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(names, json_values, max_size=5).map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {"query": documents},
        optional={
            "variables": st.dictionaries(st.just("n"), json_values),
            "operationName": st.text(),
        },
    ).map(lambda value: json.dumps(value).encode())
)
repeatable = settings(derandomize=True, deadline=None)


def check(answer: httpx2.Response) -> None:
    content: dict[str, Any] = answer.json()
    if answer.status_code == 200:
        assert "data" in content
    else:
        assert answer.status_code in {400, 405, 406, 413, 415}
        assert set(content) == {"errors"}
        assert content["errors"]
    for error in content.get("errors", []):
        assert error["extensions"]["code"] in CODES
        assert isinstance(error["message"], str)


async def send(
    method: str, headers: dict[str, str], query: str = "", **parts: Any
) -> httpx2.Response:
    headers = {
        "Accept": "application/graphql-response+json",
        "Authorization": f"Bearer {TOKEN}",
        **headers,
    }
    async with client_of(APPLICATION) as client:
        return await client.request(method, f"/graphql{query}", headers=headers, **parts)


@repeatable
@given(body=bodies)
async def test_any_body(body: bytes) -> None:
    check(await send("POST", {"Content-Type": "application/json"}, content=body))


@repeatable
@given(
    pairs=st.lists(st.tuples(names, st.text() | documents | st.just("{hello}")), max_size=5),
    raw=st.binary(max_size=50),
)
async def test_any_address(pairs: list[tuple[str, str]], raw: bytes) -> None:
    check(await send("GET", {}, params=pairs))
    address = "".join(f"%{byte:02x}" for byte in raw)
    check(await send("GET", {}, query=f"?query={address}"))


header_text = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)


@repeatable
@given(content_type=header_text, accept=header_text, encoding=header_text)
async def test_any_headers(content_type: str, accept: str, encoding: str) -> None:
    headers = {"Content-Type": content_type, "Accept": accept, "Content-Encoding": encoding}
    check(await send("POST", headers, content=b'{"query": "{ hello }"}'))
