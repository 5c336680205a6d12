"""Activities with files: what is kept of them, what is refused, and that nothing is left then."""

import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from PIL import Image

from app.domain.files.kinds import KINDS
from app.main import create_app
from app.schema.node import encode_id
from app.settings import Settings
from app.storage import Storage
from app.work.sweep import Sweep
from app.writing import Writing
from tests.actions.unchanged import Everything
from tests.actions.uploads import MOST_BYTES, add, png, upload
from tests.asgi import client_of, lifespan
from tests.files.disguised import PROGRAM, first
from tests.files.genuine import sample
from tests.files.test_scanner import stand_in
from tests.publisher import Publisher, codes, refusals
from tests.rows import EPOCH

MAIL_PROGRAM = ("mail.exe", PROGRAM)


async def fetched(url: str) -> httpx2.Response:
    async with httpx2.AsyncClient() as client:
        return await client.get(url)


@pytest.fixture
async def sweep(settings: Settings) -> AsyncIterator[Sweep]:
    """What the server does every ten minutes."""
    writing = Writing(settings)
    writing.open()
    sweep = Sweep(writing, Storage(settings))
    # Other tests may have left something to be swept.
    await sweep.expired()
    yield sweep
    await writing.close()


@asynccontextmanager
async def _application(
    settings: Settings, publisher: Publisher, **update: Any
) -> AsyncIterator[None]:
    """Let the publisher be served by another application for a while."""
    usual = publisher.client
    application = create_app(settings.model_copy(update=update))
    async with lifespan(application), client_of(application) as publisher.client:
        yield
    publisher.client = usual


async def test_files_are_kept_as_they_came(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    before = await everything.files()
    sent = [
        ("../Größe <1>.PNG", png()),
        ("letter.docx", sample("letter.docx")),
        ("letter.pdf", sample("letter.pdf")),
    ]
    payload = await add(publisher, customer, *sent)
    assert payload["userErrors"] == []
    attachments = payload["activity"]["attachments"]
    names = ["Größe _1_.PNG", "letter.docx", "letter.pdf"]
    kinds = [KINDS[name].content_type for name in ("png", "docx", "pdf")]
    for (_, content), attachment, name, kind in zip(sent, attachments, names, kinds, strict=True):
        assert attachment["name"] == name
        assert attachment["contentType"] == kind
        assert attachment["size"] == len(content)
        assert attachment["sha256"] == hashlib.sha256(content).hexdigest()
        answer = await fetched(attachment["downloadUrl"])
        assert answer.content == content
        assert answer.headers["content-type"] == kind
        assert answer.headers["content-disposition"].startswith("attachment; ")
    pictures = [attachment["thumbnailUrl"] for attachment in attachments]
    assert pictures[1] is None
    for url in (pictures[0], pictures[2]):
        answer = await fetched(url)
        assert answer.headers["content-disposition"].startswith("attachment; ")
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.format == "WEBP"
            assert max(picture.size) <= 256
    keys = set(await everything.files()) - set(before)
    assert len(keys) == 5
    assert all(key.startswith(f"{publisher.tenant_id}/") for key in keys)
    (entry,) = await publisher.history(customer)
    personal = entry["after"].pop("personal")
    assert sorted(str(value) for value in personal.values()) == sorted(
        ["Siehe Anlage.", *(str({"name": name}) for name in names)]
    )


async def test_five_files_of_the_largest_size_pass(publisher: Publisher, customer: str) -> None:
    files = [(f"{place}.png", png(MOST_BYTES)) for place in range(5)]
    payload = await add(publisher, customer, *files, text="x" * 10_000)
    assert [file["size"] for file in payload["activity"]["attachments"]] == [MOST_BYTES] * 5
    assert [file["name"] for file in payload["activity"]["attachments"]] == [n for n, _ in files]


async def test_each_file_that_is_refused_is_named_and_none_is_kept(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    table = {
        "FILE_TOO_LARGE": ("a.png", png(MOST_BYTES + 1)),
        "FILE_EMPTY": ("a.pdf", b""),
        "FILE_TYPE_NOT_ALLOWED": MAIL_PROGRAM,
        "FILE_DISGUISED": ("a.pdf", first("png")),
    }
    for code, file in table.items():
        async with everything.unchanged():
            payload = await add(publisher, customer, ("good.png", png()), file)
        assert refusals(payload) == [(code, "files.1")]
        assert payload["activity"] is None
    async with everything.unchanged():
        payload = await add(publisher, customer, *table.values(), ("good.png", png()))
    assert refusals(payload) == [(code, f"files.{place}") for place, code in enumerate(table)]


async def test_what_is_wrong_with_the_text_is_told_before_files_are_looked_at(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    async with everything.unchanged():
        payload = await add(publisher, customer, MAIL_PROGRAM, text=" ")
    assert refusals(payload) == [("REQUIRED", "text")]


async def test_a_scanner_that_does_not_answer_lets_nothing_pass(
    publisher: Publisher, customer: str, everything: Everything, settings: Settings
) -> None:
    update = {"clamd_address": str(settings.var_directory / "nobody.sock")}
    async with _application(settings, publisher, **update), everything.unchanged():
        payload = await add(publisher, customer, ("good.png", png()))
    assert refusals(payload) == [("FILE_NOT_SCANNED", "files.0")]


async def test_what_the_scanner_finds_is_refused(
    publisher: Publisher, customer: str, everything: Everything, settings: Settings
) -> None:
    async with stand_in(b"stream: Eicar FOUND\0") as address:
        update = {"clamd_address": address}
        async with _application(settings, publisher, **update), everything.unchanged():
            payload = await add(publisher, customer, ("good.png", png()))
    assert refusals(payload) == [("FILE_INFECTED", "files.0")]


async def test_six_files_are_too_many_however_many_a_request_may_have(
    publisher: Publisher, customer: str, everything: Everything, settings: Settings
) -> None:
    six = [(f"{place}.png", png()) for place in range(6)]
    async with everything.unchanged():
        answer = await upload(publisher, customer, *six)
        assert codes(answer) == ["BAD_REQUEST"]
        async with _application(settings, publisher, max_files=20):
            payload = await add(publisher, customer, *six)
    assert refusals(payload) == [("TOO_MANY_FILES", "files")]


async def test_a_file_can_only_be_sent_as_one(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    async with everything.unchanged():
        values: list[Any] = ["good.png", {"name": "good.png"}, None]
        for value in values:
            asked = {"customerId": customer, "kind": "NOTE", "text": "x", "files": [value]}
            assert codes(await publisher.ask_to("addActivity", asked)) == ["BAD_REQUEST"]


async def test_no_files_are_as_good_as_none(publisher: Publisher, customer: str) -> None:
    none: list[list[Any] | None] = [[], None]
    for value in none:
        asked = {"customerId": customer, "kind": "NOTE", "text": "x", "files": value}
        payload = await publisher.act("addActivity", asked, "activity { attachments { name } }")
        assert payload == {"activity": {"attachments": []}, "userErrors": []}


async def test_what_the_rules_refuse_takes_its_files_along(
    publisher: Publisher,
    competitor: Publisher,
    customer: str,
    everything: Everything,
) -> None:
    elsewhere = encode_id("Customer", await competitor.customer())
    closed = encode_id("Customer", await publisher.customer(anonymized_at=EPOCH, last_name=None))
    for of, expected in (
        (elsewhere, ("NOT_FOUND", "customerId")),
        (closed, ("CUSTOMER_ANONYMIZED", "")),
    ):
        async with everything.unchanged():
            payload = await add(publisher, of, ("good.png", png()))
        assert refusals(payload) == [expected]
    weak = await publisher.issue_token("activity:read")
    async with everything.unchanged():
        answer = await upload(publisher, customer, ("good.png", png()), token=weak)
    assert codes(answer) == ["FORBIDDEN"]


async def test_a_key_stands_for_its_files_too(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    one, other = ("one.png", png()), ("one.png", png())
    asked: dict[str, Any] = {"idempotencyKey": "once", "select": "activity { id }"}
    done = await add(publisher, customer, one, **asked)
    async with everything.unchanged():
        assert await add(publisher, customer, one, **asked) == done
        for files in ((other,), (one, one), (("two.png", one[1]),), ()):
            payload = await add(publisher, customer, *files, **asked)
            assert refusals(payload) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]


async def test_files_of_removed_activities_are_swept(
    publisher: Publisher, customer: str, everything: Everything, sweep: Sweep
) -> None:
    before = await everything.files()
    payload = await add(
        publisher, customer, ("one.png", png()), ("letter.pdf", sample("letter.pdf"))
    )
    assert len(await everything.files()) == len(before) + 4
    removed = await publisher.act("removeActivity", {"activityId": payload["activity"]["id"]})
    assert removed["userErrors"] == []
    entry = (await publisher.history(customer))[-1]
    assert "one.png" in str(entry["before"]["personal"])
    assert await sweep.expired() == 2
    assert await everything.files() == before
    assert await sweep.expired() == 0


async def test_a_file_is_the_same_in_two_places(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    before = await everything.files()
    payload = await add(publisher, customer, ("same.png", png()), twice=True)
    first_one, second = payload["activity"]["attachments"]
    assert first_one["sha256"] == second["sha256"]
    assert len(await everything.files()) == len(before) + 4
