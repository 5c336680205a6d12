"""The root of all mutations: a field and a payload for each action, made from what it declares."""

import re
from collections.abc import Iterable
from typing import Annotated, Any

import strawberry
from strawberry.tools import create_type
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info
from strawberry.utils.str_converters import to_camel_case

from app.context import RequestContext
from app.errors import Refusal, Refused, Verbatim
from app.resolvers.fields import ReadField, part
from app.resolvers.reads import RecordType, Row, record_of
from app.resolvers.subtrees import read_record
from app.schema.node import type_of
from app.schema.user_error import UserError
from app.work.action import Action

_KEY = "_key"
"""Where a payload's source has the key of its record; None where the action was refused."""


_PARENT: Any = strawberry.Parent
"""What marks the argument that gets the source; its type says nothing here."""


class RecordField(ReadField):
    """The record in a payload, read after the action was committed.

    Its permission is asked for only where there is a record: whoever may act and not look is
    told so, and whoever was refused is told that alone.
    """

    def get_result(
        self, source: Any, info: Info | None, args: list[Any], kwargs: dict[str, Any]
    ) -> Any:
        """Give the record, or null where the action was refused."""
        if source[_KEY] is None:
            return None
        return super().get_result(source, info, args, kwargs)


def mutations(actions: Iterable[Action], others: Iterable[StrawberryField] = ()) -> type:
    """The type that holds a field for each action, and others that are none."""
    fields: list[StrawberryField] = [*map(_mutation, actions), *others]
    fields.sort(key=lambda field: field.python_name)
    return create_type(
        "Mutation",
        fields,
        description="Everything that can be done. The fields of one request are done one after "
        "the other, each in a transaction of its own.",
    )


def _mutation(action: Action) -> ReadField:
    """The field of an action.

    It can be null, because a permission that is missing is an error of this field alone: what
    the request's other mutations did must be told in any case.
    """

    nothing_shown = dict.fromkeys(action.shows)

    async def resolver(info: Info, input: Any) -> Any:
        context: RequestContext = info.context
        try:
            done = await context.act(action, input)
        except Refused as refused:
            return {**nothing_shown, _KEY: None, "user_errors": told(refused)}
        return {**nothing_shown, **done.shown, _KEY: done.key, "user_errors": []}

    described = f"What to do; see `{_pascal(action.name)}Input`."
    returns: Any = _payload(action) | None
    resolver.__annotations__ = {
        "info": Info,
        "input": Annotated[action.input, strawberry.argument(description=described)],
        "return": returns,
    }
    codes = ", ".join(f"`{code}`" for code in action.codes)
    description = f"{action.description} May be refused with {codes}."
    field: ReadField = ReadField.declare(None, description, needs=action.needs)(resolver)
    field.python_name = action.name
    return field


def _payload(action: Action) -> Any:
    shown = type_of(action.returns)
    record = record_of(shown)
    if record is None:
        raise TypeError(f"{action.name} returns something that has no type.")
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", record.name).lower()
    field = RecordField.declare(
        None,
        "The record as it is now; null where the action was refused.",
        needs=record.needs,
    )(_record_resolver(record, shown))
    field.python_name = name
    errors = part("Why it was refused; empty where it was done.")
    errors.python_name = "user_errors"
    errors.type_annotation = strawberry.annotation.StrawberryAnnotation(list[UserError])
    once = []
    for shown_name, description in action.shows.items():
        told_once = part(description)
        told_once.python_name = shown_name
        told_once.type_annotation = strawberry.annotation.StrawberryAnnotation(str | None)
        once.append(told_once)
    return create_type(
        f"{_pascal(action.name)}Payload",
        [field, *once, errors],
        description=f"What came of `{to_camel_case(action.name)}`.",
    )


def _record_resolver(record: RecordType, shown: type) -> Any:
    async def resolver(root: Any, info: Info) -> Any:
        return await read_record(info, record, root[_KEY])

    returns: Any = shown | None
    resolver.__annotations__ = {"root": _PARENT[Any], "info": Info, "return": returns}
    return resolver


def told(refused: Refused) -> list[Row]:
    """The reasons of a refusal, as the sources of `UserError`."""
    return [_told(refusal) for refusal in refused.refusals]


def _told(refusal: Refusal) -> Row:
    path = [
        str(part) if isinstance(part, Verbatim) else to_camel_case(part) for part in refusal.field
    ]
    return {"code": refusal.code, "message": refusal.message, "field": path}


def _pascal(name: str) -> str:
    return name.title().replace("_", "")
