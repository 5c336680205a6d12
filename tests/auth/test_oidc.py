"""Signing in at a real OpenID Connect provider, which runs beside the tests."""

import base64
import json
import re
import secrets
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from app.auth.oidc import OidcError, OidcProvider, Question
from app.settings import Settings
from tests.asgi import client_of, lifespan
from tests.auth.people import Person, ask
from tests.processes import eventually

VIEWER = "{ viewer { name } }"
CLIENT_ID, SECRET = "abokonto", "s3cret"


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    """The provider's address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    assert eventually(lambda: _answers(url))
    yield url
    process.terminate()
    process.wait(10)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/.well-known/openid-configuration", timeout=1):  # noqa: S310  It is ours.
            return True
    except OSError:
        return False


@pytest.fixture
def settings(settings: Settings, provider: str) -> Settings:
    """A configuration with a provider of identities."""
    return Settings.model_validate(
        settings.model_dump()
        | {
            "oidc_issuer": provider,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": SECRET,
            "public_url": "https://testserver/",
            "oidc_return_path": "/account",
        }
    )


@pytest.fixture
async def visitor(app: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser."""
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://testserver") as client:
        yield client


async def know(provider: str, subject: str, **claims: Any) -> None:
    """Tell the provider of somebody."""
    async with httpx2.AsyncClient() as client:
        answer = await client.put(f"{provider}/users/{subject}", json=claims)
        assert answer.status_code < 300


async def go(visitor: httpx2.AsyncClient, subject: str) -> httpx2.Response:
    """Sign in at the provider, and come back."""
    back = await asked(visitor, subject)
    return await visitor.get(back)


async def asked(visitor: httpx2.AsyncClient, subject: str) -> str:
    """The address at which the provider sends a browser back."""
    begun = await visitor.get("/auth/oidc/login")
    assert begun.status_code == 303
    async with httpx2.AsyncClient() as client:
        answer = await client.post(begun.headers["location"], data={"sub": subject})
    assert answer.status_code in {302, 303}, answer.text
    return str(answer.headers["location"])


async def test_staff_are_known_by_their_verified_address_and_then_by_their_subject(
    provider: str, visitor: httpx2.AsyncClient, erika: Person
) -> None:
    subject = secrets.token_hex(6)
    await know(provider, subject, email=erika.email.upper(), email_verified=True)
    answer = await go(visitor, subject)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert (await ask(visitor, VIEWER))["data"]["viewer"]["name"] == "Erika"
    # The address may change at the provider; the subject does not.
    await know(provider, subject, email="other@example.org", email_verified=False)
    assert (await go(visitor, subject)).status_code == 303
    assert await erika.history() == ["staff.signed_in", "staff.signed_in"]
    query = "SELECT DISTINCT signed_in_by FROM access_token WHERE staff_id = $1"
    ways = await erika.owner.fetch(query, erika.id)
    assert [row["signed_in_by"] for row in ways] == ["OIDC"]


async def test_nobody_unknown_unverified_or_let_go_comes_in(
    provider: str, visitor: httpx2.AsyncClient, owner: asyncpg.Connection, erika: Person
) -> None:
    for claims in (
        {"email": "nobody@example.org", "email_verified": True},
        {"email": erika.email, "email_verified": False},
        {"email": erika.email},
    ):
        subject = secrets.token_hex(6)
        await know(provider, subject, **claims)
        answer = await go(visitor, subject)
        assert answer.status_code == 403
        assert "abokonto_session" not in str(answer.headers.get_list("set-cookie"))
    await owner.execute("UPDATE staff SET deactivated_at = now() WHERE id = $1", erika.id)
    subject = secrets.token_hex(6)
    await know(provider, subject, email=erika.email, email_verified=True)
    assert (await go(visitor, subject)).status_code == 403
    assert await erika.history() == []


async def test_a_second_subject_does_not_take_somebodys_place(
    provider: str, visitor: httpx2.AsyncClient, erika: Person
) -> None:
    first, second = secrets.token_hex(6), secrets.token_hex(6)
    for subject, status in ((first, 303), (second, 403)):
        await know(provider, subject, email=erika.email, email_verified=True)
        assert (await go(visitor, subject)).status_code == status


async def test_an_answer_counts_once_and_for_the_browser_that_asked(
    provider: str, visitor: httpx2.AsyncClient, app: Any, erika: Person
) -> None:
    subject = secrets.token_hex(6)
    await know(provider, subject, email=erika.email, email_verified=True)
    back = await asked(visitor, subject)
    async with client_of(app) as other:
        assert (await other.get(back)).status_code == 403
    forged = re.sub("state=[^&]*", "state=guessed", back)
    kept = dict(visitor.cookies)
    assert (await visitor.get(forged)).status_code == 403
    assert "__Host-abokonto_oidc" not in visitor.cookies
    for name, value in kept.items():
        visitor.cookies.set(name, value)
    assert (await visitor.get(back)).status_code == 303
    assert (await visitor.get(back)).status_code == 403
    assert await erika.history() == ["staff.signed_in"]


async def test_the_question_has_a_challenge_and_is_kept_where_scripts_cannot_read_it(
    visitor: httpx2.AsyncClient,
) -> None:
    begun = await visitor.get("/auth/oidc/login")
    query = parse_qs(urlsplit(begun.headers["location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len(base64.urlsafe_b64decode(query["code_challenge"][0] + "=")) == 32
    assert query["redirect_uri"] == ["https://testserver/auth/oidc/callback"]
    (line,) = begun.headers.get_list("set-cookie")
    assert line.endswith("; HttpOnly; SameSite=Lax; Secure")
    for secret in (*query["state"], *query["nonce"]):
        assert secret not in line


KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": "a", "use": "sig"}) for _ in range(2))
QUESTION = Question("state", "nonce", "verifier")


def claims(**changes: Any) -> dict[str, Any]:
    import time

    now = int(time.time())
    given = {
        "iss": "https://idp.example.org",
        "aud": CLIENT_ID,
        "sub": "7",
        "iat": now,
        "exp": now + 60,
        "nonce": "nonce",
        "email": "a@example.org",
        "email_verified": True,
    }
    return {name: value for name, value in {**given, **changes}.items() if value is not None}


def unsigned(content: dict[str, Any]) -> str:
    parts = [{"alg": "none"}, content]
    written = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts]
    return ".".join([*(part.rstrip(b"=").decode() for part in written), ""])


FORGED: dict[str, dict[str, Any]] = {
    "issuer": {"iss": "https://evil.example.org"},
    "audience": {"aud": "somebody else"},
    "party": {"aud": [CLIENT_ID, "x"], "azp": "x"},
    "expired": {"exp": 1},
    "no end": {"exp": None},
    "nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "no subject": {"sub": None},
}


async def identity(monkeypatch: pytest.MonkeyPatch, token: str, state: str = "state") -> Any:
    """What is made of a token that a provider gave."""
    issuer = "https://idp.example.org"

    async def answer(_self: OidcProvider, method: str, address: str, form: Any = None) -> Any:
        if method == "POST":
            assert form["code_verifier"] == "verifier"
            return {"id_token": token}
        if address.endswith("/jwks"):
            return {"keys": [KEY.as_dict(private=False)]}
        return {"issuer": issuer, "jwks_uri": f"{issuer}/jwks", "token_endpoint": f"{issuer}/t"}

    monkeypatch.setattr(OidcProvider, "_ask", answer)
    configured = Settings(oidc_issuer=issuer, oidc_client_id=CLIENT_ID, public_url="https://a")
    return await OidcProvider(configured).identity(QUESTION, state=state, code="c")


async def test_what_is_signed_for_us_in_time_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    token = jwt.encode({"alg": "RS256", "kid": "a"}, claims(), KEY)
    found = await identity(monkeypatch, token)
    assert (found.subject, found.verified_email) == ("7", "a@example.org")
    with pytest.raises(OidcError):
        await identity(monkeypatch, token, state="another")


@pytest.mark.parametrize("case", FORGED)
async def test_what_is_said_to_others_or_too_late_does_not(
    monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    token = jwt.encode({"alg": "RS256", "kid": "a"}, claims(**FORGED[case]), KEY)
    with pytest.raises(OidcError):
        await identity(monkeypatch, token)


async def test_what_somebody_else_has_signed_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from joserfc.jwk import OctKey

    shared = OctKey.import_key(b"a secret that both sides may know")
    for token in (
        jwt.encode({"alg": "RS256", "kid": "a"}, claims(), OTHER_KEY),
        jwt.encode({"alg": "HS256", "kid": "a"}, claims(), shared),
        unsigned(claims()),
        "nonsense",
    ):
        with pytest.raises(OidcError):
            await identity(monkeypatch, token)


async def test_without_a_provider_there_are_no_such_pages(settings: Settings) -> None:
    from app.main import create_app

    app = create_app(settings.model_copy(update={"oidc_issuer": None}))
    async with lifespan(app), client_of(app) as client:
        assert (await client.get("/auth/oidc/login")).status_code == 404
        assert (await client.get("/auth/oidc/callback")).status_code == 404


@pytest.mark.parametrize("path", ["https://evil.example.org", "//evil.example.org", "/\\evil", ""])
def test_a_browser_is_sent_to_no_other_host_afterwards(path: str) -> None:
    with pytest.raises(ValidationError):
        Settings(oidc_return_path=path)
