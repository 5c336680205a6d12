"""A server in a process of its own, as it runs in production."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.error import URLError
from urllib.request import urlopen

from app.settings import Settings


def _serve(settings: Settings) -> None:
    import uvicorn

    from app.logs import configure_logs
    from app.main import create_app

    configure_logs(settings.log_level)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
    )


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """One worker with a configuration, and its address."""
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(settings,))
    process.start()
    url = f"http://{settings.host}:{settings.port}"
    try:
        for _ in range(300):
            with suppress(URLError):
                urlopen(f"{url}/readyz").close()  # noqa: S310  Our own address.
                break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.join()
