"""The object store over its S3 API."""

import uuid
from urllib.parse import unquote

import httpx2
import pytest
from botocore.exceptions import ClientError

from app.embedded.ports import free_ports
from app.settings import Settings
from app.storage import Storage, StorageError, content_disposition


@pytest.fixture
def storage(storage_settings: dict[str, str]) -> Storage:
    return Storage(Settings.model_validate(storage_settings))


async def _get(url: str) -> httpx2.Response:
    async with httpx2.AsyncClient() as client:
        return await client.get(url)


async def test_a_file_comes_back_under_its_own_name(storage: Storage) -> None:
    key = f"tenant/1/{uuid.uuid4()}"
    await storage.put(key, b"%PDF-1.7", "application/pdf")
    answer = await _get(storage.signed_download_url(key, "Größe.pdf", "application/pdf", 60))
    assert answer.status_code == 200
    assert answer.content == b"%PDF-1.7"
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Gr__e.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf"
    )


async def test_a_deleted_file_is_gone_and_deleting_it_again_is_no_error(storage: Storage) -> None:
    key = str(uuid.uuid4())
    await storage.put(key, b"text", "text/plain")
    await storage.delete(key)
    await storage.delete(key)
    answer = await _get(storage.signed_download_url(key, "a.txt", "text/plain", 60))
    assert answer.status_code == 404


async def test_a_store_that_cannot_be_reached_is_an_error_of_its_own(
    storage_settings: dict[str, str],
) -> None:
    (port,) = free_ports(1)
    update = {"s3_endpoint_url": f"http://127.0.0.1:{port}"}
    storage = Storage(Settings.model_validate({**storage_settings, **update}))
    with pytest.raises(StorageError):
        await storage.put("key", b"text", "text/plain")
    with pytest.raises(StorageError):
        await storage.delete("key")


async def test_a_bucket_is_listed_page_by_page(storage_settings: dict[str, str]) -> None:
    update = {"s3_bucket": f"pages-{uuid.uuid4()}"}
    storage = Storage(Settings.model_validate({**storage_settings, **update}))
    await storage.ensure_bucket()
    assert [page async for page in storage.pages(2)] == [[]]
    keys = [f"{place}/{uuid.uuid4()}" for place in range(5)]
    for key in keys:
        await storage.put(key, b"text", "text/plain")
    pages = [[found.key for found in page] async for page in storage.pages(2)]
    assert pages == [keys[:2], keys[2:4], keys[4:]]


async def test_nobody_reads_without_a_signature_or_with_a_changed_one(storage: Storage) -> None:
    key = str(uuid.uuid4())
    await storage.put(key, b"text", "text/plain")
    url = storage.signed_download_url(key, "a.txt", "text/plain", 60)
    assert (await _get(url.partition("?")[0])).status_code == 403
    assert (await _get(url.replace(key, str(uuid.uuid4())))).status_code == 403
    assert (await _get(url.replace("attachment", "inline"))).status_code == 403


@pytest.mark.parametrize("endpoint", ["https://s3.example.org", None], ids=["own", "aws"])
@pytest.mark.parametrize("key", ["a/b.pdf", "a b/ä+%~*.png", "1/..;=&?#"])
def test_addresses_are_those_that_boto3_signs(
    storage_settings: dict[str, str], endpoint: str | None, key: str
) -> None:
    update = {"s3_endpoint_url": endpoint, "s3_region": "eu-central-1"}
    storage = Storage(Settings.model_validate({**storage_settings, **update}))
    client = storage._client
    params = {
        "Bucket": storage._bucket,
        "Key": key,
        "ResponseContentDisposition": content_disposition("ä b.pdf"),
        "ResponseContentType": "application/pdf",
    }
    # The second in which an address is signed stands in it, and may have just ended.
    for _attempt in range(10):
        ours = storage.signed_download_url(key, "ä b.pdf", "application/pdf", 60)
        theirs = client.generate_presigned_url("get_object", Params=params, ExpiresIn=60)
        if ours.partition("X-Amz-Date")[2][:17] == theirs.partition("X-Amz-Date")[2][:17]:
            break
    assert ours == theirs


async def test_a_bucket_that_is_missing_fails_the_check(
    storage_settings: dict[str, str],
) -> None:
    other = Storage(Settings.model_validate({**storage_settings, "s3_bucket": "not-there"}))
    with pytest.raises(ClientError):
        await other.check()


async def test_wrong_keys_are_no_reason_to_create_a_bucket(
    storage_settings: dict[str, str],
) -> None:
    wrong = Storage(Settings.model_validate({**storage_settings, "s3_secret_access_key": "wrong"}))
    with pytest.raises(ClientError):
        await wrong.ensure_bucket()


@pytest.mark.parametrize(
    ("name", "plain", "full"),
    [
        ("invoice.pdf", "invoice.pdf", "invoice.pdf"),
        ('a"; filename="b.exe', "a_; filename=_b.exe", 'a"; filename="b.exe'),
        ("a\r\nSet-Cookie: b", "aSet-Cookie: b", "aSet-Cookie: b"),
        ("../../etc/passwd", "passwd", "passwd"),
        ("C:\\Users\\me\\note.txt", "note.txt", "note.txt"),
        ("100%.txt", "100_.txt", "100%.txt"),
        ("日本.png", "__.png", "日本.png"),
        ("\u202egpj.exe", "gpj.exe", "gpj.exe"),
        ("..", "download", "download"),
        ("", "download", "download"),
    ],
)
def test_a_name_adds_nothing_to_the_header(name: str, plain: str, full: str) -> None:
    value = content_disposition(name)
    assert value.startswith(f'attachment; filename="{plain}"; ')
    assert unquote(value.partition("filename*=UTF-8''")[2]) == full
    assert value.isascii()
    assert value.isprintable()
