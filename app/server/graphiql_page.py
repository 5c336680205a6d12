"""GraphiQL, served from files of our own: the page needs no other host.

The files are built by `make graphiql` from the sources in `graphiql/` and committed, compressed,
in `graphiql/dist/`.
"""

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.settings import Settings

DIST = Path(__file__).parent / "graphiql" / "dist"

# Monaco and Radix write style elements and attributes, which only 'unsafe-inline' lets through;
# GraphiQL's style sheet holds its fonts and small images as data.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "font-src data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_COMMON_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}


def graphiql_routes(settings: Settings) -> list[BaseRoute]:
    """The page at /graphiql and its assets below; nothing where GraphiQL is switched off."""
    if not settings.graphiql:
        return []
    page = (DIST / "index.html").read_bytes()
    # Only names found here are answered, so that a path never leads out of the folder.
    assets = {path.stem: path for path in (DIST / "assets").glob("*.gz")}
    page_tag = f'"{hashlib.sha256(page).hexdigest()[:16]}"'

    async def show_page(request: Request) -> Response:
        headers = {**_COMMON_HEADERS, "Cache-Control": "no-cache", "ETag": page_tag}
        if _is_current(request.headers, page_tag):
            return Response(status_code=304, headers=headers)
        return Response(page, headers=headers, media_type="text/html")

    async def show_asset(request: Request) -> Response:
        path = assets.get(request.path_params["name"])
        if path is None:
            raise HTTPException(404)
        return await _asset_response(request, path)

    return [
        Route("/graphiql", show_page, methods=["GET"]),
        Route("/graphiql/assets/{name}", show_asset, methods=["GET"]),
    ]


async def _asset_response(request: Request, path: Path) -> Response:
    """The compressed file as it lies there, or unpacked for a client that can't unpack it."""
    compressed = _accepts_gzip(request.headers.get("Accept-Encoding", ""))
    # The name holds the hash of the contents, so it identifies them.
    tag = f'"{path.name if compressed else path.stem}"'
    headers = {
        **_COMMON_HEADERS,
        "Cache-Control": "public, max-age=31536000, immutable",
        "ETag": tag,
        "Vary": "Accept-Encoding",
    }
    if _is_current(request.headers, tag):
        return Response(status_code=304, headers=headers)
    body = await to_thread.run_sync(path.read_bytes)
    if compressed:
        headers["Content-Encoding"] = "gzip"
    else:
        body = await to_thread.run_sync(gzip.decompress, body)
    media_type = _MEDIA_TYPES[Path(path.stem).suffix]
    return Response(body, headers=headers, media_type=media_type)


def _is_current(headers: Mapping[str, str], tag: str) -> bool:
    """Whether the client's `If-None-Match` names `tag`."""
    known = headers.get("If-None-Match", "")
    return any(candidate.strip().removeprefix("W/") in (tag, "*") for candidate in known.split(","))


def _accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header allows gzip (RFC 9110, 12.5.3)."""
    weights = {}
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        weights[coding.strip()] = weight.replace(" ", "")
    weight = weights.get("gzip", weights.get("*", "q=0"))
    return weight.rstrip("0.") != "q="
