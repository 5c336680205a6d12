"""Values that Python computes, in whichever way the rest of the answer is made."""

import asyncio
from typing import Any

import pytest

from app.errors import ApiError, ErrorCode
from app.schema.node import encode_id
from app.storage import Storage
from tests.publisher import Publisher, codes

QUERY = """query($id: ID!) { customer(by: {id: $id}) {
    number activities { nodes { files: attachments { name downloadUrl } } } } }"""

FILE = ("customer", "activities", "nodes", 0, "files", 0, "downloadUrl")


async def test_a_value_that_cannot_be_computed_leaves_the_others(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> str:
        raise ApiError(ErrorCode.RATE_LIMITED, "No more addresses today.")

    monkeypatch.setattr(Storage, "signed_download_url", refuse)
    customer = encode_id("Customer", await publisher.full_account())
    answer = await publisher.ask(QUERY, id=customer)
    (activity,) = answer["data"]["customer"]["activities"]["nodes"]
    assert activity["files"] == [{"name": "Brief.pdf", "downloadUrl": None}]
    assert [tuple(error["path"]) for error in answer["errors"]] == [FILE]
    assert codes(answer) == ["RATE_LIMITED"]
    assert answer["errors"][0]["locations"]


async def test_a_fault_while_computing_is_masked(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> str:
        raise ValueError("secret")

    monkeypatch.setattr(Storage, "signed_download_url", fail)
    customer = encode_id("Customer", await publisher.full_account())
    # Each way gives its fault an id of its own, so only one of them is asked.
    answer = await Publisher.ask(publisher, QUERY, id=customer)
    assert codes(answer) == ["INTERNAL"]
    assert tuple(answer["errors"][0]["path"]) == FILE
    assert "secret" not in str(answer)
    assert answer["data"]["customer"]["number"]


@pytest.mark.parametrize("fails", [False, True])
async def test_values_may_have_to_be_waited_for(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    async def wait(*_: Any) -> str:
        await asyncio.sleep(0)
        if fails:
            raise ApiError(ErrorCode.RATE_LIMITED, "No more addresses today.")
        return "https://example.org/late"

    monkeypatch.setattr(Storage, "signed_download_url", wait)
    customer = encode_id("Customer", await publisher.full_account())
    answer = await publisher.ask(QUERY, id=customer)
    (file,) = answer["data"]["customer"]["activities"]["nodes"][0]["files"]
    assert file["downloadUrl"] == (None if fails else "https://example.org/late")
    assert [tuple(error["path"]) for error in answer.get("errors", [])] == [FILE] * fails
