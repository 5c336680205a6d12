"""Files in requests: the GraphQL multipart request specification, read while it comes in.

A body has the parts `operations`, `map` and then the files. Of a file no more is kept than a file
may have; one that is larger is counted to its end, so that the action it belongs to can refuse it
by name. Anything larger than all files together may be ends the connection.
"""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, NamedTuple

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.types import Receive, Scope

from app.auth.cookies import PREFLIGHT_HEADERS
from app.domain.files.checks import MOST_FILE_BYTES
from app.errors import ErrorCode
from app.scalars import UploadedFile
from app.server.clients import has_preflight
from app.server.http import ClientDisconnected, HttpError, header, too_large
from app.server.requests import GraphQLRequest, parameters, read_json, refuse_compression
from app.settings import Settings

_FORM = "multipart/form-data"
_MOST_PART_HEADER_BYTES = 2_048
_MOST_PART_HEADERS = 8
_OVERHEAD_BYTES = 65_536
_LONGEST_BOUNDARY = 70
_PLAIN_ENCODINGS = frozenset({"7bit", "8bit", "binary"})
_BAD = HTTPStatus.BAD_REQUEST

Place = tuple[dict[str, Any] | list[Any], str | int]
"""Where a file belongs in the operations: a container and the key or index in it."""


def is_upload(scope: Scope) -> bool:
    """Whether a request says that it brings files."""
    content_type = header(scope, b"content-type") or ""
    return scope["method"] == "POST" and content_type.partition(";")[0].strip().lower() == _FORM


def check_upload(scope: Scope) -> None:
    """Check what the headers tell of an upload, before anything of its body is read.

    Raises:
        HttpError: when the preflight header is missing, or the body can't be read.
    """
    if not has_preflight(scope):
        raise HttpError(_BAD, f"Requests with files need the header {PREFLIGHT_HEADERS[0]}: 1.")
    refuse_compression(scope)
    _boundary(scope)


async def read_upload(scope: Scope, receive: Receive, settings: Settings) -> GraphQLRequest:
    """Read a request with files; each stands in its variables as an `UploadedFile`.

    Raises:
        HttpError: when the body isn't what the specification describes, is too large or too slow.
    """
    form = _Form(settings)
    parser = PushMultipartParser(
        _boundary(scope),
        max_header_size=_MOST_PART_HEADER_BYTES,
        max_header_count=_MOST_PART_HEADERS,
        max_segment_count=2 + settings.max_files,
    )
    try:
        async with asyncio.timeout(settings.upload_timeout_seconds):
            async for chunk in _chunks(scope, receive, most_bytes(settings)):
                for event in parser.parse(chunk):
                    form.take(event)
        parser.close()
    except MultipartError as error:
        reason = error.args[0]
        raise HttpError(
            _BAD, f"The body isn't a form that can be read: {reason}.", unread(scope, settings)
        ) from None
    except TimeoutError:
        raise HttpError(
            HTTPStatus.REQUEST_TIMEOUT,
            "The body took too long to arrive.",
            {"Connection": "close"},
            ErrorCode.TIMEOUT,
        ) from None
    except HttpError as error:
        error.headers.update(unread(scope, settings))
        raise
    return parameters(form.finished())


def most_bytes(settings: Settings) -> int:
    """The largest body with files: all of them, the operations, and what stands between."""
    return settings.max_files * MOST_FILE_BYTES + settings.max_body_bytes + _OVERHEAD_BYTES


def unread(scope: Scope, settings: Settings) -> dict[str, str]:
    """The header of an answer to a body that wasn't read to its end.

    A short rest is let in and thrown away, so that the client is still there to read the answer;
    for a long one, or one that may have no end, the connection is closed.
    """
    length = header(scope, b"content-length") or ""
    if length.isdecimal() and int(length) <= most_bytes(settings):
        return {}
    return {"Connection": "close"}


def _boundary(scope: Scope) -> str:
    _, options = parse_options_header(header(scope, b"content-type"))
    boundary: str = options.get("boundary", "")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY or not boundary.isascii():
        raise HttpError(_BAD, "The Content-Type needs a `boundary` of 1 to 70 characters.")
    return boundary


async def _chunks(scope: Scope, receive: Receive, most: int) -> AsyncIterator[bytes]:
    """The body as it comes in, until it is more than `most` bytes."""
    length = header(scope, b"content-length") or ""
    if length.isdecimal() and int(length) > most:
        raise too_large(most)
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size > most:
            raise too_large(most)
        if chunk:
            yield chunk


class _Part(NamedTuple):
    """A part that is coming in."""

    segment: MultipartSegment
    most_bytes: int
    chunks: list[bytes]


class _Form:
    """The parts of one body, in the order that the specification demands."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._part: _Part | None = None
        self._operations: dict[str, Any] | None = None
        self._places: dict[str, list[Place]] | None = None
        self._files: dict[str, UploadedFile] = {}

    def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        """Take what the parser found: a part's beginning, some of its content, or its end."""
        if isinstance(event, MultipartSegment):
            self._part = self._begin(event)
            return
        assert self._part is not None  # noqa: S101  The parser begins each part.
        if event is None:
            self._end(self._part)
        else:
            self._add(self._part, event)

    def finished(self) -> dict[str, Any]:
        """The operations, with the files in their places."""
        if self._operations is None or self._places is None:
            raise HttpError(_BAD, "The body must have the parts `operations` and `map`.")
        for key, places in self._places.items():
            if key not in self._files:
                raise HttpError(_BAD, f"The map names the part `{_shown(key)}`, which is missing.")
            for container, at in places:
                container[at] = self._files[key]  # type: ignore[index]  # They fit; see `_place`.
        return self._operations

    def _begin(self, segment: MultipartSegment) -> _Part:
        encoding = segment.header("Content-Transfer-Encoding", "binary").strip().lower()
        if encoding not in _PLAIN_ENCODINGS:
            raise HttpError(_BAD, "Parts must not be encoded.")
        expected = None
        if self._operations is None:
            expected = "operations"
        elif self._places is None:
            expected = "map"
        if expected is None:
            self._check_file(segment)
            return _Part(segment, MOST_FILE_BYTES, [])
        if segment.name != expected:
            raise HttpError(
                _BAD, "The parts must be `operations`, `map` and then the files, in this order."
            )
        return _Part(segment, self._settings.max_body_bytes, [])

    def _check_file(self, segment: MultipartSegment) -> None:
        key = segment.name or ""
        if key not in (self._places or {}):
            raise HttpError(_BAD, f"The map doesn't name the part `{_shown(key)}`.")
        if key in self._files:
            raise HttpError(_BAD, f"The part `{_shown(key)}` is there twice.")
        if not segment.filename:
            raise HttpError(_BAD, f"The part `{_shown(key)}` has no `filename`, so it is no file.")

    def _add(self, part: _Part, content: bytes | bytearray) -> None:
        if part.segment.bytes_received <= part.most_bytes:
            part.chunks.append(bytes(content))
            return
        part.chunks.clear()
        if self._places is None:
            raise too_large(part.most_bytes)

    def _end(self, part: _Part) -> None:
        content = b"".join(part.chunks)
        part.chunks.clear()
        if self._operations is None:
            self._operations = _object(content, "operations")
            # What is wrong with it is told before the files come.
            parameters(self._operations)
        elif self._places is None:
            found = _object(content, "map")
            self._places = _places(found, self._operations, self._settings.max_files)
        else:
            segment = part.segment
            self._files[segment.name or ""] = UploadedFile(
                name=segment.filename or "",
                content_type=segment.content_type or "",
                content=content,
                size_bytes=segment.bytes_received,
            )


def _object(content: bytes, name: str) -> dict[str, Any]:
    found = read_json(content, f"The part `{name}`")
    if isinstance(found, list):
        raise HttpError(_BAD, "Batches aren't answered: send one operation in a request.")
    if not isinstance(found, dict):
        raise HttpError(_BAD, f"The part `{name}` must be a JSON object.")
    return found


def _places(found: dict[str, Any], operations: dict[str, Any], most: int) -> dict[str, list[Place]]:
    """Where each part belongs; a file that stands in two places counts as two."""
    known: set[str] = set()
    places: dict[str, list[Place]] = {}
    for key, paths in found.items():
        if not isinstance(paths, list) or not paths:
            raise HttpError(_BAD, "Each value of the map must be a list of paths.")
        for path in paths:
            if not isinstance(path, str):
                raise HttpError(_BAD, "Each value of the map must be a list of paths.")
            if path in known:
                raise HttpError(_BAD, f"The map names `{_shown(path)}` twice.")
            known.add(path)
            if len(known) > most:
                raise HttpError(_BAD, f"A request has at most {most} files.")
            places.setdefault(key, []).append(_place(operations, path))
    return places


def _place(operations: dict[str, Any], path: str) -> Place:
    """The place that a path like `variables.input.files.0` names, where null must stand."""
    first, *inner = path.split(".")
    wrong = HttpError(_BAD, f"`{_shown(path)}` in the map is no place in the variables.")
    if first != "variables" or not inner:
        raise wrong
    container: Any = operations
    key: str | int = first
    for step in inner:
        container = _at(container, key, wrong)
        key = _index(step, wrong) if isinstance(container, list) else step
    if _at(container, key, wrong) is not None:
        raise HttpError(_BAD, f"`{_shown(path)}` must be null, for a file to stand there.")
    return container, key


def _at(container: Any, key: str | int, wrong: HttpError) -> Any:
    try:
        return container[key]
    except (KeyError, IndexError, TypeError):
        raise wrong from None


def _index(step: str, wrong: HttpError) -> int:
    if not (step.isascii() and step.isdecimal() and len(step) <= len(str(MOST_FILE_BYTES))):
        raise wrong
    if step != str(int(step)):
        raise wrong
    return int(step)


def _shown(text: str) -> str:
    """A name of the client's as messages quote it."""
    return text[:100]
