"""Signing in with OpenID Connect: a browser goes to the provider and comes back with a code."""

import base64
import binascii
import json
import time

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from app.auth.cookies import DEVICE, DEVICE_SECONDS, SESSION, cookie, cookie_name
from app.auth.oidc import CALLBACK, OidcError, OidcProvider, Question
from app.auth.staff_login import SignedIn, StaffLogin
from app.context import Client
from app.encryption import EncryptionError, Keyring
from app.errors import Refused
from app.server.clients import client_of
from app.settings import Settings

log = structlog.get_logger("abokonto.oidc")

LOGIN = "/auth/oidc/login"
QUESTION_SECONDS = 600

_QUESTION = "abokonto_oidc"
_PLACE = "oidc.question"


def oidc_routes(settings: Settings, login: StaffLogin, keyring: Keyring) -> list[BaseRoute]:
    """The two addresses; nothing where no provider is configured."""
    if settings.oidc_issuer is None:
        return []
    pages = _Pages(settings, login, keyring)
    return [
        Route(LOGIN, pages.begin, methods=["GET"]),
        Route(CALLBACK, pages.come_back, methods=["GET"]),
    ]


class _Pages:
    """Sends browsers to the provider, and takes them back."""

    def __init__(self, settings: Settings, login: StaffLogin, keyring: Keyring) -> None:
        self._settings = settings
        self._login = login
        self._keyring = keyring
        self._provider = OidcProvider(settings)

    async def begin(self, request: Request) -> Response:
        """Send a browser to the provider."""
        question = Question.new()
        try:
            answer = RedirectResponse(await self._provider.address(question), status_code=303)
        except OidcError as error:
            return _failed(error)
        sealed, secure = _sealed(question, self._keyring), client_of(request.scope).secure
        kept = cookie(_QUESTION, sealed, QUESTION_SECONDS, secure=secure)
        answer.headers.append("Set-Cookie", kept)
        return answer

    async def come_back(self, request: Request) -> Response:
        """Open a session for whom the provider vouches for."""
        client = client_of(request.scope)
        sealed = request.cookies.get(cookie_name(_QUESTION, secure=client.secure))
        try:
            signed_in = await self._signed_in(request, sealed, client)
            answer: Response = self._let_in(signed_in, client)
        except OidcError as error:
            answer = _failed(error)
        except Refused:
            answer = JSONResponse({"error": "Nobody works here by this identity."}, 403)
        # A question is answered once.
        answer.headers.append("Set-Cookie", cookie(_QUESTION, "", 0, secure=client.secure))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def _signed_in(self, request: Request, sealed: str | None, client: Client) -> SignedIn:
        question, query = _opened(sealed, self._keyring), request.query_params
        identity = await self._provider.identity(
            question, state=query.get("state", ""), code=query.get("code", "")
        )
        return await self._login.login_as(
            identity.issuer, identity.subject, identity.verified_email, client
        )

    def _let_in(self, signed_in: SignedIn, client: Client) -> Response:
        answer = RedirectResponse(self._settings.oidc_return_path, status_code=303)
        for name, token, seconds in (
            (SESSION, signed_in.token, self._settings.session_seconds),
            (DEVICE, signed_in.device_token, DEVICE_SECONDS),
        ):
            kept = cookie(name, token, seconds, secure=client.secure)
            answer.headers.append("Set-Cookie", kept)
        return answer


def _sealed(question: Question, keyring: Keyring) -> str:
    """A question as the browser keeps it, which can neither read nor change it."""
    content = json.dumps([question.state, question.nonce, question.verifier, time.time()])
    return base64.urlsafe_b64encode(keyring.encrypt(content, _PLACE)).decode()


def _opened(sealed: str | None, keyring: Keyring) -> Question:
    """The question that a browser was sent away with.

    Raises:
        OidcError: There is none, or it was long ago.
    """
    try:
        text = keyring.decrypt(base64.urlsafe_b64decode(sealed or ""), _PLACE)
    except (EncryptionError, binascii.Error, ValueError) as error:
        raise OidcError("The browser was asked nothing.") from error
    state, nonce, verifier, asked_at = json.loads(text)
    if time.time() - asked_at > QUESTION_SECONDS:
        raise OidcError("The browser was asked too long ago.")
    return Question(state, nonce, verifier)


def _failed(error: OidcError) -> Response:
    log.warning("oidc_failed", reason=str(error))
    return JSONResponse({"error": "Signing in did not succeed. Begin again."}, 403)
