"""Exports in tests: ordered as clients do, made as workers do, and opened as people do."""

import io
import json
import zipfile
from hashlib import sha256
from typing import Any

import httpx2

from app import models
from app.jobs.exports import export as make
from app.jobs.registry import JobContext
from app.schema.export import Export
from app.schema.node import encode_id, key_of
from app.storage import Storage
from tests.publisher import Publisher

SHOWN = "export { id status percent step size finishedAt expiresAt error downloadUrl }"
_EXPORT = (
    "query ($id: ID!) { node(id: $id) { ... on Export { id status percent step size finishedAt"
    " expiresAt error downloadUrl file { name size sha256 contentType downloadUrl } } } }"
)


async def order(publisher: Publisher, customer: int) -> int:
    """Have an export made, and give its key."""
    given = {"customerId": encode_id("Customer", customer)}
    payload = await publisher.act("exportCustomerData", given, SHOWN)
    assert payload["userErrors"] == []
    return key_of_export(payload["export"])


def key_of_export(export: dict[str, Any]) -> int:
    """The key of an export that clients see."""
    return key_of(export["id"], Export)


async def made(context: JobContext, publisher: Publisher, customer: int) -> dict[str, Any]:
    """An export, ordered and made, as clients see it."""
    key = await order(publisher, customer)
    await make(context, publisher.tenant_id, {"export": key})
    return await seen(publisher, key)


async def seen(publisher: Publisher, key: int) -> dict[str, Any]:
    """An export as clients see it."""
    node: dict[str, Any] = (await publisher.data(_EXPORT, id=encode_id("Export", key)))["node"]
    return node


async def downloaded(client: httpx2.AsyncClient, export: dict[str, Any]) -> zipfile.ZipFile:
    """The package of an export, by its link."""
    answer = await client.get(export["downloadUrl"])
    assert answer.status_code == 200, answer.text
    assert len(answer.content) == export["size"]
    assert sha256(answer.content).hexdigest() == export["file"]["sha256"]
    return zipfile.ZipFile(io.BytesIO(answer.content))


def verify(package: zipfile.ZipFile) -> list[str]:
    """Check a package against its own manifest; the paths of its files."""
    manifest = json.loads(package.read("manifest.json"))
    told = {file["path"]: (file["size"], file["sha256"]) for file in manifest["files"]}
    assert len(told) == len(manifest["files"])
    assert sorted([*told, "manifest.json"]) == sorted(package.namelist())
    for path, (size, digest) in told.items():
        content = package.read(path)
        assert (len(content), sha256(content).hexdigest()) == (size, digest), path
    return list(told)


def records(package: zipfile.ZipFile, table: str) -> list[dict[str, Any]]:
    """The records of a table in a package."""
    found: list[dict[str, Any]] = json.loads(package.read(f"data/{table}.json"))
    return found


async def stored_file(
    publisher: Publisher, bucket: Storage, customer: int, content: bytes, name: str
) -> int:
    """The key of a file whose content is in the store."""
    key = f"{publisher.tenant_id}/{sha256(content).hexdigest()[:32]}"
    await bucket.put(key, content, "application/pdf")
    return await publisher.make(
        models.File,
        customer_id=customer,
        purpose="ATTACHMENT",
        key=key,
        name=name,
        size_bytes=len(content),
        sha256=sha256(content).hexdigest(),
    )
