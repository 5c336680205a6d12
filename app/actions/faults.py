"""Gathering all that stands against an action, so that it is told at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import Refusal, Refused, UserErrorCode


class Faults(list[Refusal]):
    """What stands against an action, in the order in which it was found."""

    def add(self, code: UserErrorCode, message: str, *field: str) -> None:
        """Note one reason."""
        self.append(Refusal(code, message, field))

    @contextmanager
    def noted(self, *field: str) -> Iterator[None]:
        """Note what is refused in the block, below a field, and go on."""
        try:
            yield
        except Refused as refused:
            self += [Refusal(r.code, r.message, (*field, *r.field)) for r in refused.refusals]
