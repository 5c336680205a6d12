"""What can be done as a job: each kind's handler, and what is done at its time.

A handler may be called again for what it has done: when its worker ended before it could say so,
or an operator wants it. So it looks first, or does what can be done twice.
"""

import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from app.encryption import Keyring
from app.mail import Mailer
from app.settings import Settings
from app.storage import Storage
from app.work.jobs import JobKind
from app.work.perform import Performer
from app.work.shelf import Shelf
from app.writing import Writing


class JobError(Exception):
    """A job did not come to its end, and is tried again; the message says nothing personal."""


class JobRefused(JobError):  # noqa: N818  It is an answer, not a fault.
    """A job that would fail again however often it were tried."""


@dataclass(frozen=True)
class JobContext:
    """What handlers have at hand."""

    settings: Settings
    performer: Performer
    writing: Writing
    storage: Storage
    keyring: Keyring
    mailer: Mailer

    @property
    def shelf(self) -> Shelf:
        """Where files are put that a job makes."""
        return Shelf(self.writing, self.storage, self.settings.unclaimed_file_seconds)


Handler = Callable[[JobContext, int, Mapping[str, Any]], Awaitable[None]]
"""Does a job of a tenant, by its payload."""


GivenUp = Callable[[JobContext, int, Mapping[str, Any], str], Awaitable[None]]
"""Is told that a job was given up, and why."""


async def _nothing(
    _context: JobContext, _tenant_id: int, _payload: Mapping[str, Any], _reason: str
) -> None:
    pass


@dataclass(frozen=True)
class Handling:
    """How a kind of job is done."""

    handler: Handler
    attempts: int
    given_up: GivenUp
    possible: Callable[[JobContext], bool]


@dataclass(frozen=True)
class Scheduled:
    """A kind of job that each tenant gets at its times."""

    kind: JobKind
    times: Callable[[Settings], str]


HANDLINGS: dict[JobKind, Handling] = {}
SCHEDULE: list[Scheduled] = []


def handles(
    kind: JobKind,
    *,
    attempts: int = 12,
    given_up: GivenUp = _nothing,
    possible: Callable[[JobContext], bool] = lambda _context: True,
) -> Callable[[Handler], Handler]:
    """Declare the handler of a kind of job.

    - `attempts` is after how many failures it is given up: 12 take about three and a half hours,
      24 half a day.
    - `given_up` is called then, once.
    - `possible` is whether these jobs can be done at all; otherwise they stay in the queue.
    """

    def declare(handler: Handler) -> Handler:
        if kind in HANDLINGS:
            raise TypeError(f"There are two handlers of {kind}.")
        HANDLINGS[kind] = Handling(handler, attempts, given_up, possible)
        return handler

    return declare


def every(kind: JobKind, times: Callable[[Settings], str]) -> None:
    """Let each tenant have a job of a kind, with an empty payload, at the times of a crontab.

    They are told in UTC, as "30 2 * * *". A tenant whose last one still waits gets no second. Times
    that passed while no worker ran are made up for by one job.
    """
    SCHEDULE.append(Scheduled(kind, times))


def all_handlings() -> Mapping[JobKind, Handling]:
    """Every handler; a file in this folder is all it takes to be found."""
    import app.jobs

    for module in pkgutil.iter_modules(app.jobs.__path__):
        import_module(f"{app.jobs.__name__}.{module.name}")
    return HANDLINGS
