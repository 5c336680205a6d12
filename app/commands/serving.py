"""Serving: the one command that does everything first, and the one for production."""

import asyncio
import errno
import os
import signal
import socket
import threading
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from app.commands.database import application_role, application_url, owner_url
from app.commands.errors import CommandError
from app.commands.lasting import lasting
from app.commands.progress import Progress
from app.embedded.keys import write_secret
from app.embedded.services import attached, prepare_directory, provided
from app.settings import Settings, settings

if TYPE_CHECKING:
    import uvicorn

_BACKLOG = 2048
_LONGEST_MESSAGE_BYTES = 1_000_000
"""Of a message over WebSocket; how large a request may be, the application decides."""

_SHUTDOWN_SECONDS = 10


def run(configuration: Settings, progress: Progress) -> None:
    """Make everything ready, fill in a demonstration, and serve until told to stop."""
    with (
        _listen(configuration) as listener,
        provided(configuration, progress.step, alone=True) as complete,
    ):
        prepare(complete, progress)
        credentials = _seed(complete, progress)
        _announce(credentials, complete, progress)
        _serve(complete, listener)


def serve(configuration: Settings, progress: Progress) -> None:
    """Serve what is there until told to stop; a database of another version is refused."""
    from app.migrations.current import is_current

    with _listen(configuration) as listener, provided(configuration, progress.step) as complete:
        if not is_current(application_url(complete)):
            raise CommandError("The database is of another version: run `abokonto migrate` first.")
        _serve(complete, listener)


def prepare(complete: Settings, progress: Progress) -> None:
    """Bring the database to this version and create the bucket, where that isn't done."""
    from app.migrations.run import APPLICATION_ROLE, MigrationError, migrate
    from app.storage import Storage

    url = owner_url(complete)
    with progress.step("Migrating the database"):
        try:
            migrate(url, application_role(complete) or APPLICATION_ROLE)
        except MigrationError as error:
            raise CommandError(str(error)) from error
    with progress.step("Preparing the object store"):
        asyncio.run(_ensure_bucket(Storage(complete)))


async def _ensure_bucket(storage: Any) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        await storage.ensure_bucket()
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"The object store can't be used: {error}") from error


def application() -> Starlette:
    """The application of one of several worker processes."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    configuration = attached(settings())
    with lasting():
        from app.logs import configure_logs
        from app.main import create_app

        configure_logs(configuration.log_level)
        return create_app(configuration)


def _stop_with_parent() -> None:
    """A worker whose parent was killed would hold the port and answer without a database."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _listen(configuration: Settings) -> socket.socket:
    """Take the port before anything is started; clients wait until there are answers."""
    host, port = configuration.host, configuration.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"Port {port} is in use"
        else:
            reason = f"{host}:{port} can't be listened on ({error.strerror})"
        raise CommandError(f"{reason}: choose another, like `PORT={port + 1} make run`.") from error


def _seed(complete: Settings, progress: Progress) -> dict[str, object]:
    from app.demo.seed import ensure_demo

    with progress.step("Filling in the demonstration"):
        return ensure_demo(complete, progress.console)


def _announce(credentials: dict[str, object], complete: Settings, progress: Progress) -> None:
    """Print how to try it out and write it to `demo.json`, for programs."""
    host = f"[{complete.host}]" if ":" in complete.host else complete.host
    root = f"http://{host}:{complete.port}"
    demo = {"url": f"{root}/graphql", "graphiql": f"{root}/graphiql", **credentials}
    path = prepare_directory(complete.var_directory) / "demo.json"
    write_secret(path, demo)
    lines = [
        "",
        f"  GraphQL        {demo['url']}",
        f"  GraphiQL       {demo['graphiql']}",
        f"  Staff token    {demo.get('staffToken')}",
        f"  Partner token  {demo.get('partnerToken')}",
        f"  All of it      {path}",
        "",
        "  Stop with ctrl-C.",
        "",
    ]
    progress.console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def _serve(complete: Settings, listener: socket.socket) -> None:
    import uvicorn

    from app.logs import configure_logs

    configure_logs(complete.log_level)
    if complete.workers > 1:
        from uvicorn.supervisors import Multiprocess

        config = server_configuration(
            "app.commands.serving:application", factory=True, workers=complete.workers
        )
        Multiprocess(config, [listener]).run()
        return
    with lasting():
        from app.main import create_app

        server = uvicorn.Server(server_configuration(create_app(complete)))
    server.run([listener])
    if not server.started:
        raise CommandError("The server could not start; the log above says why.")


def server_configuration(
    application: Starlette | str, *, factory: bool = False, workers: int = 1
) -> "uvicorn.Config":
    """How the application is served, whoever serves it; `factory` says that it must be called."""
    import uvicorn

    from app.server.protocol import LimitedHttpProtocol, LimitedWebSocketProtocol

    return uvicorn.Config(
        application,
        factory=factory,
        workers=workers,
        loop="uvloop",
        http=LimitedHttpProtocol,
        ws=LimitedWebSocketProtocol,
        ws_max_size=_LONGEST_MESSAGE_BYTES,
        # It would hold a third of a megabyte for each connection.
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Which proxies are believed is a setting of ours: see `app.main.proxies`.
        proxy_headers=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
