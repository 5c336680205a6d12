"""Lives of subscriptions made up step by step, which hypothesis makes as short as they will go."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
from hypothesis import HealthCheck, Phase, seed
from hypothesis import settings as configured
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from app.models.goodwill import GoodwillReason
from app.models.subscription import CancellationMode, ChangeTime
from app.settings import Settings
from tests.billing.life import FIRST, Life
from tests.billing.publishing import Works, opened_works

STEPS = 50
"""So many steps a life has."""

_ANY = st.integers(0, 999)
_SOON = st.sampled_from((0, 1, 5, 20, 40))


class Lives(RuleBasedStateMachine):
    """The steps of a life, one chosen after the other."""

    runner: asyncio.Runner
    works: Works
    owner: asyncpg.Connection
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.life = Life(self._run(self.works.house(self.owner)))

    def _run(self, awaitable: Any) -> Any:
        type(self).steps += 1
        return self.runner.run(awaitable)

    @initialize(offer=_ANY, debit=st.booleans())
    def begin(self, offer: int, debit: bool) -> None:
        """A life begins with an order."""
        self._run(self.life.begin())
        self._run(self.life.place(offer, debit=debit, ahead=0))

    @rule(offer=_ANY, debit=st.booleans(), ahead=_SOON)
    def place(self, offer: int, debit: bool, ahead: int) -> None:
        """Order something."""
        self._run(self.life.place(offer, debit=debit, ahead=ahead))

    @rule(days=st.sampled_from((1, 3, 10, 40)))
    def pass_days(self, days: int) -> None:
        """Let days pass."""
        self._run(self.life.pass_days(days))

    @rule(weeks=st.sampled_from((1, 2, 4)))
    def pass_weeks(self, weeks: int) -> None:
        """Let weeks pass."""
        self._run(self.life.pass_days(7 * weeks))

    @rule(days=st.sampled_from((1, 2, 31)))
    def pass_more_days(self, days: int) -> None:
        """Let more days pass: time passes more often than anything else happens."""
        self._run(self.life.pass_days(days))

    @rule(which=_ANY, mode=st.sampled_from(CancellationMode), ahead=_SOON)
    def cancel(self, which: int, mode: CancellationMode, ahead: int) -> None:
        """Cancel a subscription."""
        day = self.life.house.calendar.today + timedelta(days=ahead)
        self._run(self.life.act("cancel_subscription", which, mode=mode, ends_on=day))

    @rule(which=_ANY)
    def undo(self, which: int) -> None:
        """Withdraw a cancellation."""
        self._run(self.life.act("undo_cancellation", which))

    @rule(which=_ANY, ahead=_SOON, length=st.none() | st.integers(1, 60))
    def pause(self, which: int, ahead: int, length: int | None) -> None:
        """Let a subscription rest."""
        first = self.life.house.calendar.today + timedelta(days=ahead)
        until = None if length is None else first + timedelta(days=length)
        self._run(self.life.act("pause_subscription", which, paused_from=first, resumes_on=until))

    @rule(which=_ANY, ahead=_SOON)
    def resume(self, which: int, ahead: int) -> None:
        """Let a subscription run again."""
        day = self.life.house.calendar.today + timedelta(days=ahead)
        self._run(self.life.act("resume_subscription", which, resumes_on=day))

    @rule(which=_ANY, offer=_ANY, at=st.sampled_from(ChangeTime))
    def change(self, which: int, offer: int, at: ChangeTime) -> None:
        """Change a subscription's offer."""
        self._run(self.life.act("change_subscription_offer", which, offer=offer, at=at))

    @rule(which=_ANY)
    def give(self, which: int) -> None:
        """Give a period away."""
        kind = next(iter(GoodwillReason))
        self._run(self.life.act("add_free_period", which, reason_kind=kind, reason="Test"))

    @rule(which=_ANY, count=st.integers(1, 3))
    def give_issues(self, which: int, count: int) -> None:
        """Give issues away."""
        kind = next(iter(GoodwillReason))
        self._run(
            self.life.act("add_free_issues", which, reason_kind=kind, reason="Test", count=count)
        )

    @rule(which=_ANY)
    def pay(self, which: int) -> None:
        """Pay an invoice."""
        self._run(self.life.pay(which))

    @rule(which=_ANY, cents=st.integers(0, 20_000))
    def correct(self, which: int, cents: int) -> None:
        """Correct an invoice by hand."""
        self._run(self.life.correct(which, Decimal(cents).scaleb(-2)))

    @invariant()
    def holds(self) -> None:
        """All of it agrees."""
        self.runner.run(self.life.check())

    def teardown(self) -> None:
        """A life ends."""
        self.runner.run(self.life.end())


def live(
    runner: asyncio.Runner, settings: Settings, owner_url: str, steps: int, number: int | None
) -> int:
    """Live through so many steps; the number of those that were done.

    With a `number` they are others than ever before, and the same ones with the same number.

    Raises:
        AssertionError: something does not hold; its notes have the life, made short.
    """
    stack = AsyncExitStack()
    works = runner.run(stack.enter_async_context(opened_works(settings, FIRST)))
    owner = runner.run(asyncpg.connect(owner_url))

    class Once(Lives):
        """Those of this call."""

    # Lives follow each other at the same works, which know their statements from the second on.
    Once.runner, Once.works, Once.owner = runner, works, owner
    machine = Once
    if number is not None:
        machine = seed(number)(machine)
    try:
        run_state_machine_as_test(
            machine,
            settings=configured(
                max_examples=steps // STEPS,
                stateful_step_count=STEPS,
                derandomize=number is None,
                database=None,
                deadline=None,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        runner.run(owner.close())
        runner.run(stack.aclose())
    return Once.steps
