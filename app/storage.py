"""The object store: files of the account, in one S3 bucket, reached through the S3 API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from urllib.parse import quote

from pydantic import SecretStr

from app.settings import Settings

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.credentials import Credentials
    from mypy_boto3_s3 import S3Client

_FALLBACK_NAME = "download"
_PIECE_BYTES = 256 * 1024
_PART_BYTES = 8 * 1024 * 1024
"""S3 takes up to 10,000 parts, of at least 5 MiB but for the last."""


class StorageError(Exception):
    """The object store can't be reached, or did not do what it was asked for."""


class StoredObject(NamedTuple):
    """What the store says of an object."""

    key: str
    stored_at: datetime


class Storage:
    """The bucket that the settings name.

    The client is made at the first use, since importing it takes a while. It is safe to share
    between threads and tasks.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bucket = settings.s3_bucket

    @cached_property
    def _session(self) -> "Session":
        import boto3

        return boto3.session.Session(
            aws_access_key_id=_revealed(self._settings.s3_access_key_id),
            aws_secret_access_key=_revealed(self._settings.s3_secret_access_key),
            region_name=self._settings.s3_region,
        )

    @property
    def _credentials(self) -> "Credentials":
        """Those of the settings, or of the machine's role, which are renewed from time to time."""
        credentials = self._session.get_credentials()
        if credentials is None:
            raise ValueError("The object store's credentials are not configured.")
        return credentials

    @cached_property
    def _client(self) -> "S3Client":
        from botocore.config import Config

        client: S3Client = self._session.client(
            "s3",
            endpoint_url=self._settings.s3_endpoint_url,
            config=Config(
                signature_version="s3v4",
                # The bucket in the path works with every server, also without wildcard names.
                s3={"addressing_style": "path"},
                connect_timeout=3,
                read_timeout=30,
                retries={"mode": "standard", "total_max_attempts": 3},
                # Not every server knows the newer checksums; the content's length and signature
                # are checked anyway.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        return client

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store a file, replacing one that has the same key.

        Raises:
            StorageError: whether it is stored now, nobody knows.
        """
        await asyncio.to_thread(
            self._ask, "put_object", Key=key, Body=data, ContentType=content_type
        )

    async def put_parts(self, key: str, file: BinaryIO, content_type: str) -> None:
        """Store a file part by part, of which one is held in memory.

        An upload that a process left unfinished is the store's to forget, by a rule of the bucket.

        Raises:
            StorageError: it isn't stored.
        """
        named = {"Key": key}
        begun = await asyncio.to_thread(
            self._ask, "create_multipart_upload", ContentType=content_type, **named
        )
        upload = {**named, "UploadId": begun["UploadId"]}
        try:
            parts = await self._put_parts(upload, file)
            await asyncio.to_thread(
                self._ask, "complete_multipart_upload", MultipartUpload={"Parts": parts}, **upload
            )
        except BaseException:
            with suppress(StorageError):
                await asyncio.to_thread(self._ask, "abort_multipart_upload", **upload)
            raise

    async def _put_parts(self, upload: dict[str, Any], file: BinaryIO) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        while data := await asyncio.to_thread(file.read, _PART_BYTES):
            number = len(parts) + 1
            part = await asyncio.to_thread(
                self._ask, "upload_part", PartNumber=number, Body=data, **upload
            )
            parts.append({"ETag": part["ETag"], "PartNumber": number})
        return parts

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """A file's content, piece by piece.

        Raises:
            StorageError: it isn't there, the store can't be reached, or it ends too early.
        """
        body = (await asyncio.to_thread(self._ask, "get_object", Key=key))["Body"]
        try:
            while data := await asyncio.to_thread(_piece, body):
                yield data
        finally:
            body.close()

    async def get(self, key: str) -> bytes:
        """A file's content.

        Raises:
            StorageError: it isn't there, or the store can't be reached.
        """
        return await asyncio.to_thread(self._get, key)

    def _get(self, key: str) -> bytes:
        from botocore.exceptions import BotoCoreError, HTTPClientError

        try:
            return bytes(self._ask("get_object", Key=key)["Body"].read())
        except (BotoCoreError, HTTPClientError) as error:
            raise StorageError("get_object") from error

    async def delete(self, *keys: str) -> None:
        """Remove files; one that isn't there is no error.

        Raises:
            StorageError: some of them may be there still.
        """
        await asyncio.to_thread(self._delete, keys)

    def _delete(self, keys: tuple[str, ...]) -> None:
        # One by one: deleting many at once needs checksums that not every server knows.
        for key in keys:
            self._ask("delete_object", Key=key)

    async def pages(self, most: int = 1000) -> AsyncIterator[list[StoredObject]]:
        """What the bucket holds, up to `most` objects at a time.

        Raises:
            StorageError: there may be more.
        """
        more: dict[str, str] = {}
        while True:
            page = await asyncio.to_thread(self._ask, "list_objects_v2", MaxKeys=most, **more)
            yield [
                StoredObject(found["Key"], found["LastModified"])
                for found in page.get("Contents", [])
            ]
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _ask(self, operation: str, **values: Any) -> Any:
        """Have the store do something, in whatever thread this is."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(Bucket=self._bucket, **values)
        except (BotoCoreError, ClientError) as error:
            raise StorageError(operation) from error

    async def check(self) -> None:
        """Raise unless the bucket can be reached."""
        await asyncio.to_thread(lambda: self._client.head_bucket(Bucket=self._bucket))

    async def ensure_bucket(self) -> None:
        """Create the bucket if it isn't there."""
        await asyncio.to_thread(self._ensure_bucket)

    def _ensure_bucket(self) -> None:
        from botocore.exceptions import ClientError

        try:
            self._client.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
                raise
            self._client.create_bucket(Bucket=self._bucket)

    def signed_download_url(self, key: str, file_name: str, content_type: str, seconds: int) -> str:
        """An address from which anyone can load the file for `seconds`, under its own name.

        It is computed here, without asking the store. A browser saves the file instead of
        showing it, whatever it contains.
        """
        from botocore.auth import S3SigV4QueryAuth
        from botocore.awsrequest import AWSRequest

        request = AWSRequest(
            method="GET",
            url=f"{self._client.meta.endpoint_url}/{self._bucket}/{quote(key, safe='/~')}",
            params={
                "response-content-disposition": content_disposition(file_name),
                "response-content-type": content_type,
            },
        )
        # The client's own `generate_presigned_url` ends here too, but on its way works out the
        # endpoint and the parameters anew for each address, which takes three times as long.
        signer = S3SigV4QueryAuth(
            self._credentials, "s3", self._client.meta.region_name, expires=seconds
        )
        signer.add_auth(request)
        assert request.url is not None  # noqa: S101  It was made with one.
        return request.url


def _piece(body: Any) -> bytes:
    from botocore.exceptions import BotoCoreError, HTTPClientError

    try:
        return bytes(body.read(_PIECE_BYTES))
    except (BotoCoreError, HTTPClientError) as error:
        raise StorageError("get_object") from error


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def content_disposition(file_name: str) -> str:
    """The header value of a download (RFC 6266): plain ASCII, then the very name as RFC 5987.

    Folders, control characters and what would end the quoted string are taken out of the first;
    the second is percent-encoded, so nothing in a name can add to the header.
    """
    name = file_name.replace("\\", "/").rpartition("/")[2]
    name = "".join(character for character in name if character.isprintable()).strip(" .")
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    return (
        f'attachment; filename="{plain.replace("%", "_") or _FALLBACK_NAME}"; '
        f"filename*=UTF-8''{quote(name or _FALLBACK_NAME, safe='')}"
    )
