"""What can be done: each action's input, its preconditions and its rule, and nothing else."""

import pkgutil
from importlib import import_module

from app.work.action import ACTIONS, Action


def all_actions() -> tuple[Action, ...]:
    """Every action, by name; a file in this folder is all it takes to be one of them."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return tuple(ACTIONS[name] for name in sorted(ACTIONS))
