"""What a client filters by, as values that can be compared and hashed, and their SQL."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Numeric,
    Text,
    and_,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from app.resolvers.fields import ReadField
from app.resolvers.reads import Columns
from app.resolvers.sql import tenant, value_of


class Operator(StrEnum):
    """The comparisons that `where` offers."""

    EQ = "eq"
    ONE_OF = "one_of"
    GTE = "gte"
    LTE = "lte"
    CONTAINS = "contains"
    IS_NULL = "is_null"

    # Of JSON objects, whose keys are clients' own; a filter makes these of `eq` and its like.
    HOLDS = "holds"
    HAS_KEY = "has_key"
    LACKS_KEY = "lacks_key"


@dataclass(frozen=True)
class Condition:
    """A field, a comparison and its operand."""

    field: ReadField
    operator: Operator
    operand: Hashable

    @property
    def structure(self) -> Hashable:
        """What the SQL depends on; the operand is a parameter, except where it chooses the SQL."""
        chosen = self.operand if self.operator is Operator.IS_NULL else None
        return (self.field, self.operator, chosen)

    @property
    def value(self) -> Any:
        """The operand as the driver takes it."""
        return list(self.operand) if isinstance(self.operand, tuple) else self.operand

    def sql(self, t: Columns, parameter: str) -> ColumnElement[bool]:
        """The comparison over the columns of a record's table, with its operand as a parameter."""
        value: ColumnElement[Any] = value_of(self.field, t)
        operand: ColumnElement[Any] = bindparam(parameter, type_=operand_type(value))
        match self.operator:
            case Operator.EQ:
                return value == operand
            case Operator.ONE_OF:
                return value == any_(bindparam(parameter, type_=ARRAY(value.type)))
            case Operator.GTE:
                return value >= operand
            case Operator.LTE:
                return value <= operand
            case Operator.CONTAINS:
                return _contains(value, bindparam(parameter, type_=Text))
            case Operator.IS_NULL:
                return value.is_(None) if self.operand else value.is_not(None)
            case _:
                return _of_keys(self.operator, value, t, parameter)


def operand_type(value: ColumnElement[Any]) -> TypeEngine[Any]:
    """The type of what a value is compared with.

    A number keeps all its digits: rounded to the column's scale it would equal what it does not,
    and beyond the column's precision it would be an error instead of merely larger.
    """
    return Numeric() if isinstance(value.type, Numeric) else value.type


def _contains(value: ColumnElement[Any], operand: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a text holds a piece of text, whatever its case, or an array an element."""
    if isinstance(value.type, ARRAY):
        return operand == any_(value)
    return func.strpos(func.lower(value), func.lower(operand)) > 0


def _of_keys(
    operator: Operator, value: ColumnElement[Any], t: Columns, parameter: str
) -> ColumnElement[bool]:
    """Whether a JSON object has a key, or holds one of some others.

    The latter is asked of an index where the model names a function that does.
    """
    if operator is not Operator.HOLDS:
        has = func.jsonb_exists(value, bindparam(parameter, type_=Text), type_=Boolean)
        return has if operator is Operator.HAS_KEY else ~has
    operands = bindparam(parameter, type_=ARRAY(JSONB))
    (column,) = value.base_columns
    if "found_by" not in column.info:
        return value.bool_op("@>")(any_(operands))
    find = getattr(func.abokonto, column.info["found_by"])
    found = find(tenant(), operands, type_=BigInteger)
    return t.id.in_(select(found.column_valued("holding_id")))


def all_of(conditions: tuple[Condition, ...], t: Columns, prefix: str) -> ColumnElement[bool]:
    """All conditions at once; true when there are none."""
    return and_(
        True,
        *(
            condition.sql(t, f"{prefix}where{number}")
            for number, condition in enumerate(conditions)
        ),
    )
