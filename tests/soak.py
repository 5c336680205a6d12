"""Compares both ways of reading on a hundred thousand questions, and lives through a hundred
thousand steps of subscriptions; `make soak` runs it.

Each run has a seed of its own, which it prints; `--seed` asks the same questions again. What the
ways disagree on is made as small as it will go, and printed.
"""

import argparse
import asyncio
import logging
import random
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import structlog

from app.settings import Settings
from app.storage import Storage
from tests.billing.lives import live
from tests.conftest import cloned, settings_of
from tests.killed_checkouts import killed_again_and_again
from tests.schema.comparison import Comparison, DifferenceError, comparing
from tests.schema.documents import schema
from tests.schema.holdings import Holdings, hold
from tests.schema.questions import Question, QuestionMaker
from tests.schema.shrinking import smaller
from tests.services import Owner, Services

COMPARISONS = 100_000
STEPS = 100_000
SECONDS = 60
_STEPS_AT_ONCE = 5_000
_EVERY_SECONDS = 10
_MOST_DIFFERENCES = 10
_RESTART_AFTER = 5_000
"""After so many questions both applications start anew, as deployed ones do now and then."""


def main() -> None:
    """Run until enough was compared; the exit code says whether all of it agreed."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--count", type=int, default=COMPARISONS, help="How many comparisons.")
    parser.add_argument("--steps", type=int, default=STEPS, help="How many steps of lives.")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="For how long orders come in.")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="Which ones.")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    _print(f"{arguments.count:,} comparisons with --seed {arguments.seed}")
    differences = asyncio.run(_run(arguments.count, arguments.seed)) if arguments.count else 0
    _print(f"{arguments.steps:,} steps of subscriptions with --seed {arguments.seed}")
    held = _live(arguments.steps, int(arguments.seed, 16))
    if arguments.seconds:
        _print(f"{arguments.seconds} seconds of killed workers with --seed {arguments.seed}")
        asyncio.run(_kill(arguments.seconds, arguments.seed))
    sys.exit(0 if held and not differences else 1)


async def _kill(seconds: int, seed: str) -> None:
    """Take orders for so long, while a worker is killed every second."""
    async with _settings() as settings:
        assert settings.owner_database_url is not None
        owner = await asyncpg.connect(settings.owner_database_url.get_secret_value())
        moments = random.Random(seed)  # noqa: S311  Nothing is secret about it.
        shop, killed = await killed_again_and_again(settings, owner, moments, seconds=seconds)
        await owner.close()
    ledger = shop.ledger
    _print(
        f"{len(ledger.orders):,} orders and {len(ledger.documents):,} cancellations held,"
        f" {killed} workers were killed, {ledger.lost:,} requests sent again"
    )


def _live(steps: int, seed: int) -> bool:
    """Live through so many steps; whether all of it held."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        settings = runner.run(stack.enter_async_context(_settings()))
        assert settings.owner_database_url is not None
        owner_url, done = settings.owner_database_url.get_secret_value(), 0
        try:
            while done < steps:
                more = min(_STEPS_AT_ONCE, steps - done)
                done += live(runner, settings, owner_url, more, seed + done)
                _print(f"{done:,} steps held")
        except AssertionError as broken:
            _print("\n".join([str(broken), *getattr(broken, "__notes__", [])]))
            return False
        finally:
            runner.run(stack.aclose())
    return True


async def _run(count: int, seed: str) -> int:
    soak = _Soak(count, seed)
    async with _settings() as settings:
        holdings = await hold(settings)
        while soak.asked < count and soak.differences < _MOST_DIFFERENCES:
            await soak.some(settings, holdings)
    return soak.differences


class _Soak:
    """How far a run has come."""

    def __init__(self, count: int, seed: str) -> None:
        self.asked = 0
        self.differences = 0
        self._count = count
        self._seed = seed
        self._number = 0
        self._started = self._said = time.monotonic()

    async def some(self, settings: Settings, holdings: Holdings) -> None:
        """Ask questions of freshly started applications."""
        maker, before = QuestionMaker(schema, holdings), self.asked
        async with comparing(settings, holdings) as comparison:
            for _ in range(_RESTART_AFTER):
                seed, self._number = f"{self._seed}:{self._number}", self._number + 1
                await self._one(comparison, maker.make(seed), seed)
                self.asked = before + comparison.counts.asked
                if self.asked >= self._count or self.differences >= _MOST_DIFFERENCES:
                    break
                self._report(comparison)
            self._report(comparison, now=True)

    async def _one(self, comparison: Comparison, question: Question, seed: str) -> None:
        try:
            await comparison.compare(question, seed)
        except DifferenceError as difference:
            self.differences += 1
            _print(f"{difference}\n")
            small = await smaller(comparison, difference.question)
            _print(f"The same, made smaller:\n{small.text}\n{small.variables}\n")

    def _report(self, comparison: Comparison, *, now: bool = False) -> None:
        if now or time.monotonic() - self._said > _EVERY_SECONDS:
            self._said = time.monotonic()
            rate = self.asked / (self._said - self._started)
            _print(
                f"{self.asked:,} at {rate:.0f}/s, {self.differences} differences; of these, "
                f"since the last start: {comparison.counts}"
            )


@asynccontextmanager
async def _settings() -> AsyncIterator[Settings]:
    """PostgreSQL and S3 as the tests have them, with a database of the run's own."""
    owner = Owner()
    services = Services(owner.address)
    keys = services.store.keys
    storage = {
        "s3_endpoint_url": services.store.url,
        "s3_bucket": "soak",
        "s3_access_key_id": keys.access_key_id,
        "s3_secret_access_key": keys.secret_access_key,
    }
    try:
        with tempfile.TemporaryDirectory() as var:
            async with cloned(services) as database:
                settings = settings_of(database, storage, Path(var))
                await Storage(settings).ensure_bucket()
                yield settings
    finally:
        owner.stop()


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
