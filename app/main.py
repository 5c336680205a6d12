"""The application: what is answered at which path.

`uvicorn --factory app.main:application` serves it with the configuration of the environment.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.auth.cookies import PREFLIGHT_HEADERS
from app.auth.customer_account import CustomerAccount
from app.auth.customer_login import CustomerLogin
from app.auth.staff_account import StaffAccount
from app.auth.staff_login import StaffLogin
from app.auth.uses import Uses
from app.context import Services
from app.database import Credentials, Database, Principal
from app.encryption import Keyring
from app.exports.downloads import Downloads
from app.files.inspection import FileInspector
from app.jobs.registry import JobContext
from app.jobs.worker import Worker
from app.logs import configure_logs
from app.mail import Mailer
from app.resolvers.statements import StatementCache
from app.schema.root import schema
from app.server.access_log import AccessLog
from app.server.changes import Changes
from app.server.contexts import Contexts
from app.server.exports import export_routes
from app.server.finished import FinishedReads
from app.server.graphiql_page import graphiql_routes
from app.server.graphql_http import GraphQLEndpoint
from app.server.health import Check, Liveness, Readiness
from app.server.oidc import oidc_routes
from app.server.operations import Operations
from app.server.protocol import END_STREAMS
from app.server.proxies import ByHttps, UntrustedProxies
from app.server.streams import Streams
from app.server.websocket import WebSocketEndpoint
from app.settings import Settings, settings
from app.storage import Storage
from app.work.disclosure import Disclosing
from app.work.files import Staging
from app.work.perform import Performer
from app.work.sweep import Sweep
from app.work.unit import Clock, the_databases
from app.writing import Writing

GRAPHQL_PATH = "/graphql"

CORS_SECONDS = 7200
"""How long browsers keep the answer to a preflight request; Chromium keeps none longer."""


class NotMigratedError(Exception):
    """The database has the tables of another version."""


class Application(Starlette):
    """Starlette, with a way past it for GraphQL.

    Finding a route and catching what an endpoint raises is a tenth of a small read, and the
    endpoint has one path and answers each exception itself. The middleware is the same.
    """

    def __init__(
        self,
        endpoint: ASGIApp,
        websocket: ASGIApp,
        middleware: Sequence[Middleware],
        **options: Any,
    ) -> None:
        super().__init__(middleware=middleware, **options)
        self._graphql = {"http": endpoint, "websocket": websocket}
        for outer in reversed(middleware):
            for kind, inner in self._graphql.items():
                self._graphql[kind] = outer.cls(inner, *outer.args, **outer.kwargs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or serve a WebSocket."""
        if scope["type"] in self._graphql and scope["path"] == GRAPHQL_PATH:
            await self._graphql[scope["type"]](scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class Parts:
    """What the application is made of. None of it connects to anything before it runs."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.database, self.storage = Database(settings), Storage(settings)
        self.writing, self.keyring = Writing(settings), Keyring.from_settings(settings)
        self.services = _services(settings, self.storage, self.writing, self.keyring)
        self.inspector = FileInspector(settings)
        staging = Staging(
            self.writing, self.storage, self.inspector, settings.unclaimed_file_seconds
        )
        performer = Performer(self.writing, self.keyring, self.storage, staging, clock)
        self.worker = Worker(
            JobContext(
                settings, performer, self.writing, self.storage, self.keyring, Mailer(settings)
            )
        )
        self.uses = Uses(self.writing)
        statements = StatementCache()
        self.finished: FinishedReads | None = None
        if settings.compiled_reads:
            self.finished = FinishedReads(
                self.services, schema, self.database, statements, self._authenticated
            )
        core = schema._schema  # noqa: SLF001  Strawberry has no other way to graphql-core's.
        self.contexts = Contexts(
            self.services, core, self.database, statements, performer, self._authenticated
        )
        self.operations = Operations(schema, settings, self.contexts, self.finished)
        self.changes = Changes(settings)
        self.streams = Streams(self.operations, self.database, self.changes, settings)

    def _authenticated(self, credentials: Credentials, principal: Principal) -> None:
        """Take down that somebody was there, and what they could see."""
        self.uses.note(credentials)
        if self.finished is not None:
            self.finished.remember(credentials, principal)

    @asynccontextmanager
    async def running(self, _app: Starlette) -> AsyncIterator[dict[str, Any]]:
        """Connect to the outside world, and let go of it once the last request is answered."""
        self.database.open()
        self.writing.open()
        upkeep = [
            asyncio.create_task(Sweep(self.writing, self.storage).again_and_again()),
            asyncio.create_task(self.uses.again_and_again()),
        ]
        working = asyncio.create_task(self.worker.run()) if self.settings.jobs else None
        yield {END_STREAMS: self.streams.end}
        # uvicorn has let the requests finish by now.
        self.streams.end()
        await self.changes.close()
        if working is not None:
            self.worker.stop()
            await working
        for task in upkeep:
            task.cancel()
        await asyncio.wait(upkeep)
        await self.uses.write_down()
        await self.inspector.close()
        await self.writing.close()
        await self.database.close()

    def routes(self, endpoint: ASGIApp) -> list[BaseRoute]:
        """What is answered at which path."""
        settings = self.settings
        ready = Readiness(readiness_checks(settings, self.database, self.storage))
        return [
            Route(GRAPHQL_PATH, endpoint),
            Route("/healthz", Liveness(), methods=["GET"]),
            Route("/readyz", ready, methods=["GET"]),
            *oidc_routes(settings, self.services.staff_login, self.keyring),
            *export_routes(Downloads(self.writing, self.storage, self.keyring)),
            *([Route("/", _to_graphiql)] if settings.graphiql else []),
            *graphiql_routes(settings),
        ]


def _services(settings: Settings, storage: Storage, writing: Writing, keyring: Keyring) -> Services:
    """What resolvers have at hand besides the database."""
    return Services(
        settings,
        storage,
        keyring,
        Disclosing(writing, keyring),
        StaffLogin(writing, keyring, settings),
        StaffAccount(writing, keyring, settings),
        CustomerLogin(writing, keyring, settings),
        CustomerAccount(writing, keyring, settings),
    )


def create_app(settings: Settings, clock: Clock = the_databases) -> Starlette:
    """The application with one configuration. It connects to nothing before it is started.

    `clock` gives the time of actions from the database's, which it is unless a test says else.
    """
    parts = Parts(settings, clock)
    endpoint = GraphQLEndpoint(parts.operations, settings, parts.contexts.public, parts.streams)
    return Application(
        endpoint,
        WebSocketEndpoint(parts.operations, parts.streams, settings),
        routes=parts.routes(endpoint),
        middleware=[*proxies(settings), Middleware(AccessLog), *cors(settings)],
        exception_handlers={404: _not_found, 405: _wrong_method},
        lifespan=parts.running,
    )


def application() -> Starlette:
    """The application with the configuration of the environment."""
    configuration = settings()
    configure_logs(configuration.log_level)
    return create_app(configuration)


def proxies(settings: Settings) -> list[Middleware]:
    """What believes the proxies that are trusted of whom a request is, or tells that none are."""
    trusted = list(settings.trusted_proxies)
    believing = Middleware(ProxyHeadersMiddleware, trusted_hosts=trusted)
    found = [believing if trusted else Middleware(UntrustedProxies)]
    if (settings.public_url or "").startswith("https://"):
        found.append(Middleware(ByHttps))
    return found


def cors(settings: Settings) -> list[Middleware]:
    """What lets front ends of other origins in, when there are any.

    Tokens travel in a header that scripts set themselves, so browsers need send no cookies. Those
    of a session are for the front end that stands on this origin.
    """
    if not settings.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", *PREFLIGHT_HEADERS],
            allow_credentials=False,
            max_age=CORS_SECONDS,
        )
    ]


def readiness_checks(settings: Settings, database: Database, storage: Storage) -> dict[str, Check]:
    """What must work before requests are sent here."""

    async def answers() -> None:
        async with database.connection() as connection:
            await connection.fetchval("SELECT 1")

    async def is_migrated() -> None:
        from app.migrations.current import is_current

        assert settings.database_url is not None  # noqa: S101  Database() has refused that.
        url = settings.database_url.get_secret_value()
        if not await asyncio.to_thread(is_current, url):
            raise NotMigratedError

    return {"database": answers, "migrations": is_migrated, "objectStore": storage.check}


async def _to_graphiql(_request: Request) -> Response:
    return RedirectResponse("/graphiql", status_code=303)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "Nothing is here."}, status_code=404)


async def _wrong_method(_request: Request, error: Exception) -> Response:
    headers = getattr(error, "headers", None)
    return JSONResponse({"error": "Use another method."}, status_code=405, headers=headers)
