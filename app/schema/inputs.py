"""`where` and `orderBy` of every list, made from what the fields say of themselves.

A column declared with `where=True` can be filtered by, with the comparisons that suit its type;
one declared with `order=True` can be sorted by. Nothing is written down twice.
"""

import json
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

from strawberry import UNSET
from strawberry.annotation import StrawberryAnnotation
from strawberry.tools import create_type
from strawberry.types.base import StrawberryList, StrawberryOptional, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

from app.context import Caller
from app.domain.additional_data import LARGEST_NUMBER
from app.errors import ApiError, ErrorCode
from app.resolvers.conditions import Condition, Operator
from app.resolvers.fields import ReadField
from app.resolvers.pages import Order
from app.resolvers.reads import Embedded, RecordType
from app.scalars import JSON, CountryCode, CurrencyCode, EmailAddress, PhoneNumber
from app.schema.enums import OrderDirection, described

MOST_MEMBERS = 100
LONGEST_TEXT = 500

_DESCRIPTIONS = {
    Operator.EQ: "The value is this one.",
    Operator.ONE_OF: f"The value is one of these, at most {MOST_MEMBERS}.",
    Operator.GTE: "The value is this or a larger or later one.",
    Operator.LTE: "The value is this or a smaller or earlier one.",
    Operator.CONTAINS: "The text holds this piece of text, whatever its case.",
    Operator.IS_NULL: "Whether there is no value.",
}


def _filter_field(operator: Operator, annotation: Any) -> StrawberryField:
    return StrawberryField(
        python_name=operator.value,
        type_annotation=StrawberryAnnotation(annotation),
        description=_DESCRIPTIONS[operator],
        default=UNSET,
    )


def _filter(name: str, operand: Any, operators: tuple[Operator, ...], of: str) -> type:
    fields = []
    for operator in operators:
        annotation: Any = operand
        if operator is Operator.ONE_OF:
            annotation = list[operand]
        elif operator is Operator.IS_NULL:
            annotation = bool
        fields.append(_filter_field(operator, annotation | None))
    return create_type(
        name,
        fields,
        is_input=True,
        description=f"What {of} must be. All comparisons given must hold.",
    )


_EQUAL = (Operator.EQ, Operator.ONE_OF)
_RANGE = (Operator.EQ, Operator.GTE, Operator.LTE, Operator.IS_NULL)
_TEXT = (*_EQUAL, Operator.CONTAINS, Operator.IS_NULL)

StringFilter = _filter("StringFilter", str, _TEXT, "a text")
BooleanFilter = _filter("BooleanFilter", bool, (Operator.EQ,), "a yes or no")
IntFilter = _filter("IntFilter", int, (*_EQUAL, *_RANGE[1:]), "a whole number")
DecimalFilter = _filter("DecimalFilter", Decimal, _RANGE, "a decimal number")
DateFilter = _filter("DateFilter", date, _RANGE, "a day")
DateTimeFilter = _filter("DateTimeFilter", datetime, _RANGE, "a point in time")
StringListFilter = _filter("StringListFilter", str, (Operator.CONTAINS,), "a list of texts")

KeyFilter = create_type(
    "KeyFilter",
    [
        StrawberryField(
            python_name="key",
            type_annotation=StrawberryAnnotation(str),
            description="The key whose value is compared.",
        ),
        _filter_field(Operator.EQ, JSON | None),
        _filter_field(Operator.ONE_OF, list[JSON] | None),
        _filter_field(Operator.IS_NULL, bool | None),
    ],
    is_input=True,
    description="What an object of values by keys must hold: texts, numbers, true or false. All "
    "comparisons given must hold.",
)
_FILTERS: dict[object, Any] = {
    JSON: list[KeyFilter],  # type: ignore[valid-type]  # It is made above.
    str: StringFilter,
    EmailAddress: StringFilter,
    CountryCode: StringFilter,
    CurrencyCode: StringFilter,
    PhoneNumber: StringFilter,
    bool: BooleanFilter,
    int: IntFilter,
    Decimal: DecimalFilter,
    date: DateFilter,
    datetime: DateTimeFilter,
}


@cache
def _enum_filter(definition: StrawberryEnumDefinition) -> type:
    name = f"{definition.name}Filter"
    return _filter(name, definition.wrapped_cls, _EQUAL, f"a `{definition.name}`")


def _filter_of(field: ReadField) -> Any:
    """The filter input that suits a field's type."""
    type_: Any = field.type
    if isinstance(type_, StrawberryOptional):
        type_ = type_.of_type
    if isinstance(type_, StrawberryList):
        return StringListFilter
    if isinstance(type_, StrawberryEnumDefinition):
        return _enum_filter(type_)
    if isinstance(field.read, Embedded):
        type_ = Decimal
    if type_ not in _FILTERS:
        raise TypeError(f"{field.python_name}: nothing filters by {type_}.")
    return _FILTERS[type_]


@dataclass(frozen=True)
class ListInputs:
    """What a list of one type of record takes: its fields by name, and the input types."""

    filterable: dict[str, ReadField]
    sortable: dict[str, ReadField]
    where: type
    order: type


@cache
def list_inputs(record: type) -> ListInputs:
    """The `where` and `orderBy` inputs of a type of record."""
    definition = get_object_definition(record, strict=True)
    fields = [field for field in definition.fields if isinstance(field, ReadField)]
    filterable = {field.python_name: field for field in fields if field.filterable}
    sortable = {field.python_name: field for field in fields if field.sortable}
    where = create_type(
        f"{definition.name}Where",
        [
            StrawberryField(
                python_name=name,
                type_annotation=StrawberryAnnotation(_filter_of(field) | None),
                description=field.description,
                default=UNSET,
            )
            for name, field in filterable.items()
        ],
        is_input=True,
        description=f"Which records of type `{definition.name}` a list holds. "
        "All conditions given must hold.",
    )
    return ListInputs(filterable, sortable, where, _order_input(definition.name, sortable))


def _order_input(name: str, sortable: dict[str, ReadField]) -> type:
    fields = Enum(  # type: ignore[misc]  # The members are known only here.
        f"{name}OrderField", {field.upper(): field for field in sortable}
    )
    described(
        fields,
        f"What a list of records of type `{name}` can be sorted by.",
        {field.upper(): known.description or "" for field, known in sortable.items()},
    )

    def part(python_name: str, annotation: Any, description: str, default: Any) -> StrawberryField:
        return StrawberryField(
            python_name=python_name,
            type_annotation=StrawberryAnnotation(annotation),
            description=description,
            default=default,
        )

    return create_type(
        f"{name}Order",
        [
            part("field", fields, "What to sort by; the id breaks ties.", UNSET),
            part("direction", OrderDirection, "Which way.", OrderDirection.ASC),
        ],
        is_input=True,
        description=f"How a list of records of type `{name}` is sorted. Where a record has no "
        "value, dates and numbers count as the largest and texts as empty.",
    )


def conditions_of(inputs: ListInputs, where: Any, caller: Caller) -> tuple[Condition, ...]:
    """The conditions that a `where` argument states.

    Raises:
        ApiError: BAD_REQUEST for an operand that cannot be compared with, FORBIDDEN for a field
            that the caller may not see.
    """
    if where is None or where is UNSET:
        return ()
    conditions: list[Condition] = []
    for name, field in inputs.filterable.items():
        wanted = getattr(where, name)
        if wanted is None or wanted is UNSET:
            continue
        if field.needs is not None:
            caller.require(field.needs)
        if isinstance(wanted, list):
            conditions += _key_conditions(name, field, wanted)
            continue
        for operator in Operator:
            operand = getattr(wanted, operator.value, UNSET)
            if operand is not UNSET and operand is not None:
                conditions.append(Condition(field, operator, _operand(name, operand)))
    return tuple(conditions)


def _key_conditions(name: str, field: ReadField, filters: list[Any]) -> Iterator[Condition]:
    """What a list of `KeyFilter` says, in terms of objects that the value must hold.

    What different keys equal becomes one object, for which an index is asked once.
    """
    together: dict[str, Any] = {}
    for wanted in _few(name, filters):
        key = checked_text(f"{name}.key", wanted.key)
        if wanted.eq is not UNSET and wanted.eq is not None:
            entry = _entry(name, key, wanted.eq)
            if key in together:
                yield Condition(field, Operator.HOLDS, (entry,))
            together.setdefault(key, wanted.eq)
        if wanted.one_of is not UNSET and wanted.one_of is not None:
            entries = (_entry(name, key, value) for value in _few(f"{name}.oneOf", wanted.one_of))
            yield Condition(field, Operator.HOLDS, tuple(dict.fromkeys(entries)))
        if wanted.is_null is not UNSET and wanted.is_null is not None:
            operator = Operator.LACKS_KEY if wanted.is_null else Operator.HAS_KEY
            yield Condition(field, operator, key)
    if together:
        yield Condition(field, Operator.HOLDS, (json.dumps(together, ensure_ascii=False),))


def _entry(name: str, key: str, value: Any) -> str:
    """A key and its value as the JSON object that holds nothing else."""
    if isinstance(value, str):
        checked_text(name, value)
    number = isinstance(value, int | float)
    if not (isinstance(value, str) or (number and abs(value) <= LARGEST_NUMBER)):
        raise ApiError(
            ErrorCode.BAD_REQUEST,
            f"`{name}` is compared with a text, a number up to {LARGEST_NUMBER:,}, true or false.",
        )
    return json.dumps({key: value}, ensure_ascii=False)


def _few(name: str, members: list[Any]) -> list[Any]:
    if len(members) > MOST_MEMBERS:
        raise ApiError(ErrorCode.BAD_REQUEST, f"`{name}` takes at most {MOST_MEMBERS} values.")
    return members


def _operand(name: str, operand: Any) -> Hashable:
    """An operand as the database compares it."""
    if isinstance(operand, list):
        return tuple(_operand(name, member) for member in _few(f"{name}.oneOf", operand))
    if isinstance(operand, Enum):
        return str(operand.value)
    if isinstance(operand, str):
        return checked_text(name, operand)
    if not isinstance(operand, Hashable):
        raise TypeError(f"{name} is compared with {operand!r}.")
    return operand


def checked_text(name: str, text: str) -> str:
    """A client's text, fit for the database.

    Raises:
        ApiError: BAD_REQUEST when it is too long or holds the character NUL.
    """
    if len(text) > LONGEST_TEXT or "\0" in text:
        raise ApiError(
            ErrorCode.BAD_REQUEST,
            f"`{name}` takes a text of at most {LONGEST_TEXT} characters, without NUL.",
        )
    return text


def order_of(inputs: ListInputs, order: Any, record: RecordType, caller: Caller) -> Order:
    """The order that an `orderBy` argument states, or the record's own."""
    if order is None or order is UNSET:
        name = record.default_order.removeprefix("-")
        return Order(record.model, inputs.sortable[name], record.default_order.startswith("-"))
    field = inputs.sortable[order.field.value]
    if field.needs is not None:
        caller.require(field.needs)
    return Order(record.model, field, order.direction is OrderDirection.DESC)
