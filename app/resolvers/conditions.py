"""What a client filters by, as values that can be compared and hashed, and their SQL."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, and_, any_, func, literal

from app.resolvers.fields import Columns, ReadField
from app.resolvers.sql import value_of


class Operator(StrEnum):
    """The comparisons that `where` offers."""

    EQ = "eq"
    ONE_OF = "one_of"
    GTE = "gte"
    LTE = "lte"
    CONTAINS = "contains"
    IS_NULL = "is_null"


@dataclass(frozen=True)
class Condition:
    """A field, a comparison and its operand."""

    field: ReadField
    operator: Operator
    operand: Hashable

    def sql(self, t: Columns) -> ColumnElement[bool]:
        """The comparison over the columns of a record's table."""
        value: ColumnElement[Any] = value_of(self.field, t)
        match self.operator:
            case Operator.EQ:
                return value == self.operand
            case Operator.ONE_OF:
                members = list(self.operand) if isinstance(self.operand, tuple) else []
                return value == any_(literal(members, ARRAY(value.type)))
            case Operator.GTE:
                return value >= self.operand
            case Operator.LTE:
                return value <= self.operand
            case Operator.CONTAINS:
                return _contains(value, self.operand)
            case Operator.IS_NULL:
                return value.is_(None) if self.operand else value.is_not(None)


def _contains(value: ColumnElement[Any], operand: Hashable) -> ColumnElement[bool]:
    """Whether a text holds a piece of text, whatever its case, or an array an element."""
    if isinstance(value.type, ARRAY):
        return literal(operand) == any_(value)
    return func.strpos(func.lower(value), func.lower(operand)) > 0


def all_of(conditions: tuple[Condition, ...], t: Columns) -> ColumnElement[bool]:
    """All conditions at once; true when there are none."""
    return and_(True, *(condition.sql(t) for condition in conditions))
