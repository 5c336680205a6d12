"""What must hold of a customer's account before an action, said once in SQL.

An action asks its preconditions of the customer it has locked, and `Customer.availableActions`
asks all actions' preconditions of whatever customers are read; both send the same expressions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.sql import visitors
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.selectable import SelectBase

from app.errors import Refusal, UserErrorCode

Columns = ReadOnlyColumnCollection[str, ColumnElement[Any]]


@dataclass(frozen=True, eq=False)
class Precondition:
    """A condition over the customer's columns, and what is answered where it does not hold.

    `holds` is never null. It may look into other tables by a subquery that names the tenant and
    the customer: `t.tenant_id` and `t.id`.
    """

    code: UserErrorCode
    message: str
    holds: Callable[[Columns], ColumnElement[bool]]
    count: Callable[[Columns], ColumnElement[int]] | None = None
    """How many records stand against it, which whoever is refused is told."""

    @property
    def refusal(self) -> Refusal:
        """The answer where it does not hold."""
        return Refusal(self.code, self.message)

    def refused(self, count: int | None) -> Refusal:
        """The same, to somebody who wants to act."""
        told = "" if count is None else f" {count} of them." if count > 1 else " One of them."
        return Refusal(self.code, self.message + told)

    def looks_elsewhere(self, t: Columns) -> bool:
        """Whether it reads more than the customer's own row."""
        return any(isinstance(part, SelectBase) for part in visitors.iterate(self.holds(t)))


NOT_ANONYMIZED = Precondition(
    UserErrorCode.CUSTOMER_ANONYMIZED,
    "This account is anonymised and closed to editing.",
    lambda t: t.anonymized_at.is_(None),
)
"""Every action on an account asks this unless it says otherwise."""
