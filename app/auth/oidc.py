"""OpenID Connect: signing in at a provider of identities, by the authorization code flow.

The code is bound to the browser that asked for it (state, and PKCE with S256), and the answer to
the question (nonce). What the provider says of somebody counts only with its signature, for us, in
time.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any
from urllib.parse import urlencode

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.settings import Settings

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures that need the provider's private key; none of a shared secret, and no `none`."""

CALLBACK = "/auth/oidc/callback"
_SCOPES = "openid email"
_KEPT_SECONDS = 3600
_CLOCKS_DIFFER_SECONDS = 30
_TIMEOUT_SECONDS = 10


class OidcError(Exception):
    """The provider did not vouch for anybody; the message is for the log."""


@dataclass(frozen=True)
class Question:
    """What a browser was sent to the provider with."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Question":
        """One that nobody can guess."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass(frozen=True)
class Identity:
    """Whom the provider vouches for."""

    issuer: str
    subject: str
    verified_email: str | None


class OidcProvider:
    """The provider of identities that is configured."""

    def __init__(self, settings: Settings) -> None:
        if settings.oidc_issuer is None or settings.oidc_client_id is None:
            raise ValueError("No provider of identities is configured.")
        if settings.public_url is None:
            raise ValueError("ABOKONTO_PUBLIC_URL is needed for OpenID Connect.")
        self._issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._client_secret = settings.oidc_client_secret
        self._redirect_uri = settings.public_url.rstrip("/") + CALLBACK
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    async def address(self, question: Question) -> str:
        """Where a browser is sent to.

        Raises:
            OidcError: The provider does not say.
        """
        configuration = await self._configuration()
        challenge = hashlib.sha256(question.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": _SCOPES,
            "state": question.state,
            "nonce": question.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        endpoint = str(configuration["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def identity(self, question: Question, *, state: str, code: str) -> Identity:
        """Whom the provider means by a code, in answer to a question.

        Raises:
            OidcError: It is no answer to it, or nobody is vouched for.
        """
        if not compare_digest(state.encode(), question.state.encode()):
            raise OidcError("The state is another one.")
        configuration = await self._configuration()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "client_id": self._client_id,
            "code_verifier": question.verifier,
        }
        if self._client_secret is not None:
            form["client_secret"] = self._client_secret.get_secret_value()
        answer = await self._ask("POST", configuration["token_endpoint"], form)
        claims = await self._claims(str(answer.get("id_token")), question.nonce)
        verified = claims.get("email_verified") is True and claims.get("email")
        return Identity(self._issuer, str(claims["sub"]), str(verified) if verified else None)

    async def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """What a signed token says, to us, in time and in answer to the nonce."""
        registry = jwt.JWTClaimsRegistry(
            leeway=_CLOCKS_DIFFER_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = (await self._decoded(token)).claims
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            raise OidcError(f"The token is refused: {type(error).__name__}.") from error
        if claims.get("azp", self._client_id) != self._client_id:
            raise OidcError("The token was issued to somebody else.")
        return claims

    async def _decoded(self, token: str) -> jwt.Token:
        address = str((await self._configuration())["jwks_uri"])
        for last in (False, True):
            keys = KeySet.import_key_set(await self._known(address))  # type: ignore[arg-type]  # It is checked there.
            try:
                return jwt.decode(token, keys, algorithms=list(ALGORITHMS))
            except (JoseError, ValueError):
                # The provider may have changed its keys since we asked for them.
                if last or self._kept.pop(address, None) is None:
                    raise
        raise AssertionError

    async def _configuration(self) -> dict[str, Any]:
        address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await self._known(address)
        if found.get("issuer") != self._issuer:
            raise OidcError("The provider calls itself by another name.")
        return found

    async def _known(self, address: str) -> dict[str, Any]:
        """What stands at an address, asked for once an hour."""
        since, content = self._kept.get(address, (0.0, {}))
        if not content or time.monotonic() - since > _KEPT_SECONDS:
            content = await self._ask("GET", address)
            self._kept[address] = (time.monotonic(), content)
        return content

    async def _ask(
        self, method: str, address: str, form: dict[str, str] | None = None
    ) -> dict[str, Any]:
        try:
            async with httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
                answer = await client.request(method, address, data=form)
                answer.raise_for_status()
                content = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise OidcError(f"The provider does not answer: {type(error).__name__}.") from error
        if not isinstance(content, dict):
            raise OidcError("The provider answers something else than an object.")
        return content
