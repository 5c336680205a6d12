"""What answers of different make say: the same records, in one form.

Opaque ids are read, times and decimals are compared as such and not as text, edges give their
nodes, and small objects of a record (an actor, money) are columns beside the others. Cursors and
signatures are each server's own.
"""

import base64
import binascii
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?([+-]\d{2}:\d{2}|Z)")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
_OWN = frozenset({"__typename", "endCursor"})
_INSIDE = {"kind": "actorKind", "name": "actorName"}


def records(data: Any) -> Any:
    """The records in an answer's data."""
    if isinstance(data, list):
        return [records(item) for item in data]
    if isinstance(data, dict):
        return _record(data)
    if isinstance(data, str):
        return _value(data)
    return data


def difference_of(first: object, other: object, path: str = "data") -> str:
    """The first place where two answers differ, and what they say there."""
    if isinstance(first, dict) and isinstance(other, dict):
        for name in [*first, *(set(other) - set(first))]:
            if first.get(name) != other.get(name) or (name in first) != (name in other):
                return difference_of(first.get(name), other.get(name), f"{path}.{name}")
    if isinstance(first, list) and isinstance(other, list):
        if len(first) != len(other):
            return f"{path}: {len(first)} and {len(other)} items"
        for number, (one, two) in enumerate(zip(first, other, strict=True)):
            if one != two:
                return difference_of(one, two, f"{path}[{number}]")
    return f"{path}: {first!r} and {other!r}"


def _record(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in data.items():
        if name in _OWN:
            continue
        if name == "id":
            found["id"] = _key(str(value))
        elif name == "edges":
            found["nodes"] = [records(edge["node"]) for edge in value]
        elif name == "actor":
            found |= {_INSIDE[inner]: records(part) for inner, part in value.items()}
        elif name == "attachments":
            found[name] = _files(value)
        elif isinstance(value, dict) and set(value) == {"amount", "currency"}:
            found |= {name: records(value["amount"]), "currency": value["currency"]}
        else:
            found[name] = records(value)
    return found


def _files(value: Any) -> list[Any]:
    """Files, whether listed as such or by the rows that attach them; addresses unsigned."""
    listed = [row["file"] for row in value["nodes"]] if isinstance(value, dict) else value
    return [
        {"name": file["name"], "downloadUrl": file["downloadUrl"].partition("?")[0]}
        for file in listed
    ]


def _key(id: str) -> int:
    """The key of a row in an id, opaque or not."""
    if id.isdecimal():
        return int(id)
    try:
        decoded = base64.b64decode(id + "=" * (-len(id) % 4), altchars=b"-_").decode()
        return int(decoded.rpartition(":")[2])
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{id} is no id.") from error


def _value(text: str) -> Any:
    if _TIME.fullmatch(text):
        return datetime.fromisoformat(text).astimezone(UTC)
    return Decimal(text) if _DECIMAL.fullmatch(text) else text
