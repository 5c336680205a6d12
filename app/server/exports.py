"""Downloads of exports: packages are decrypted on their way to whoever has a link."""

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from app.encryption import EncryptionError
from app.errors import UNAVAILABLE, ApiError
from app.exports.downloads import Downloads
from app.exports.links import PATH
from app.storage import StorageError, content_disposition

log = structlog.get_logger("abokonto.exports")

_KEPT_NOWHERE = {"Cache-Control": "no-store"}


def export_routes(downloads: Downloads) -> list[BaseRoute]:
    """The address of packages."""

    async def download(request: Request) -> Response:
        # Asking for the headers alone takes nothing away, so it is not answered.
        if request.method == "HEAD":
            return Response(status_code=405, headers={"Allow": "GET"})
        try:
            package = await downloads.begin(request.path_params["token"])
        except (StorageError, EncryptionError, ApiError) as error:
            log.warning("export_not_given", kind=type(error).__name__)
            return JSONResponse({"error": UNAVAILABLE}, 503, _KEPT_NOWHERE)
        if package is None:
            return JSONResponse({"error": "Nothing is here."}, 404, _KEPT_NOWHERE)
        headers = {
            **_KEPT_NOWHERE,
            "Content-Length": str(package.size),
            "Content-Disposition": content_disposition(package.name),
        }
        return StreamingResponse(package.content, 200, headers, package.content_type)

    return [Route(f"{PATH}{{token}}", download, methods=["GET"])]
