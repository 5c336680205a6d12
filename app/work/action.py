"""What an action says of itself, once, where its rule stands."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from app.auth.permissions import Permission
from app.errors import Refusal, UserErrorCode
from app.models.base import TenantRow
from app.work.inputs import OfCustomer, Repeatable, Versioned
from app.work.preconditions import NOT_ANONYMIZED, Precondition
from app.work.unit import Work

Rule = Callable[[Work, Any], Awaitable[TenantRow]]
RoutineRule = Callable[[Work, Any], Awaitable[TenantRow | None]]
R = TypeVar("R", bound=Callable[..., Awaitable[TenantRow]])

ACTIONS: dict[str, "Action"] = {}
"""Every action that was declared, by its name; `app.actions.all_actions` loads them all."""

_HISTORY = re.compile(r"[a-z_]+[.][a-z_]+")


@dataclass(frozen=True, eq=False)
class Action:
    """An action: its names, who may do it, what must hold, and its rule."""

    name: str
    """In Python, as `add_tag`; GraphQL calls it `addTag`."""

    history: str
    description: str
    needs: Permission
    input: type
    returns: type[TenantRow]
    rule: Rule
    refuses: frozenset[UserErrorCode]
    preconditions: tuple[Precondition, ...]
    conflicts: Mapping[str, Refusal]
    in_account: bool
    diary: bool
    shows: Mapping[str, str]
    """What the payload shows once besides the record, by its name, with a description."""

    @property
    def creates(self) -> bool:
        """Whether a client may name its request, so that repeating it has no second effect."""
        return issubclass(self.input, Repeatable)

    @property
    def codes(self) -> tuple[UserErrorCode, ...]:
        """Every code that it can be refused with, in the order of the enum."""
        codes = {UserErrorCode.INVALID, UserErrorCode.REQUIRED, UserErrorCode.TOO_LONG}
        codes |= self.refuses
        codes |= {precondition.code for precondition in self.preconditions}
        codes |= {refusal.code for refusal in self.conflicts.values()}
        if self.in_account:
            codes.add(UserErrorCode.NOT_FOUND)
        if self.creates:
            codes |= {UserErrorCode.IDEMPOTENCY_KEY_REUSED, UserErrorCode.IDEMPOTENCY_IN_PROGRESS}
        if issubclass(self.input, Versioned):
            codes.add(UserErrorCode.STALE_VERSION)
        return tuple(code for code in UserErrorCode if code in codes)


@dataclass(frozen=True, eq=False)
class Routine:
    """What the system does by itself, at its time or after somebody's action."""

    name: str
    history: str
    rule: RoutineRule
    in_account: bool
    diary: bool
    returns: type[TenantRow] = TenantRow
    preconditions: tuple[Precondition, ...] = ()
    """None: a routine sees to it itself whether there is something to do."""


def action(
    *,
    history: str,
    needs: Permission,
    refuses: tuple[UserErrorCode, ...] = (),
    requires: tuple[Precondition, ...] = (),
    conflicts: Mapping[str, Refusal] | None = None,
    in_account: bool = True,
    open_when_anonymized: bool = False,
    diary: bool = True,
    shows: Mapping[str, str] | None = None,
) -> Callable[[R], R]:
    """Declare an action; the function is its rule, and its docstring what clients read of it.

    - `history` is what the history calls it, as `customer.tag_added`.
    - `refuses` are the codes that the rule itself raises.
    - `requires` are the account's preconditions beside `NOT_ANONYMIZED`.
    - `conflicts` says what it means when the database finds a unique constraint broken.
    - `in_account` is for what is done to an account that is there; the rule has to lock it.
    - `open_when_anonymized` lets it work on accounts that are closed to editing.
    - `diary` is whether it writes a SYSTEM activity; the rule has to say what in `work.note`.
    - `shows` describes what `work.show` puts into the payload, which a repeated request lacks.

    Raises:
        TypeError: when the declaration contradicts itself.
    """
    if _HISTORY.fullmatch(history) is None:
        raise TypeError(f"{history} is no name for the history.")

    def declare(rule: R) -> R:
        hints = get_type_hints(rule)
        if in_account and not open_when_anonymized:
            preconditions: tuple[Precondition, ...] = (NOT_ANONYMIZED, *requires)
        else:
            preconditions = requires
        declared = Action(
            name=rule.__name__,
            history=history,
            description=" ".join(inspect.cleandoc(rule.__doc__ or "").split("\n\n")[0].split()),
            needs=needs,
            input=hints["input"],
            returns=hints["return"],
            rule=rule,
            refuses=frozenset(refuses),
            preconditions=preconditions,
            conflicts=conflicts or {},
            in_account=in_account,
            diary=diary,
            shows=shows or {},
        )
        _check(declared)
        ACTIONS[declared.name] = declared
        return rule

    return declare


def routine(
    *, history: str, in_account: bool = True, diary: bool = False
) -> Callable[[RoutineRule], Routine]:
    """Declare a routine; the function is its rule, and gives the record that it was about.

    It gives None where nothing is to do, because it was done before or is not wanted any more:
    routines are done again after a crash, and by two workers at once. `history`, `in_account` and
    `diary` are those of `action`.

    Raises:
        TypeError: `history` is no name for the history.
    """
    if _HISTORY.fullmatch(history) is None:
        raise TypeError(f"{history} is no name for the history.")

    def declare(rule: RoutineRule) -> Routine:
        name = getattr(rule, "__name__", history)
        return Routine(name, history, rule, in_account=in_account, diary=diary)

    return declare


def _check(declared: Action) -> None:
    """Refuse a declaration that contradicts itself."""
    if not declared.description.endswith("."):
        raise TypeError(f"{declared.name}: the docstring begins with a sentence for clients.")
    if declared.name in ACTIONS:
        raise TypeError(f"There are two actions {declared.name}.")
    if issubclass(declared.input, OfCustomer) and not declared.in_account:
        raise TypeError(f"{declared.name} names a customer, so it is done in an account.")
    if declared.preconditions and not declared.in_account:
        raise TypeError(f"{declared.name} has preconditions and no account to ask them of.")
