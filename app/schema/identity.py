"""Mutations about who somebody is: signing in, and what people do about their own signing in.

They are no actions on a tenant's data, so they ask for no permission: some are for anybody, the
others for whoever holds a session. Their payloads are no records, and read nothing.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import strawberry
from strawberry.types.base import get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info

from app.auth.permissions import Permission
from app.errors import Refused, UserErrorCode
from app.resolvers.fields import ReadField
from app.resolvers.reads import Row
from app.schema.mutations import told
from app.work.inputs import checked

Rule = Callable[..., Awaitable[Row]]

IDENTITY_MUTATIONS: list[StrawberryField] = []
"""Those that were declared, in the order of their declaration."""


def identity(
    payload: type,
    *,
    refuses: tuple[UserErrorCode, ...],
    public: bool = False,
    needs: Permission | None = None,
) -> Callable[[Rule], Rule]:
    """Declare such a mutation; the function gets the context, and the input where it has one, and
    gives the payload.

    Its name is the mutation's, and its docstring what clients read of it. All of the payload's
    fields are null where it was refused. `public` lets anybody ask for it, in a request of its own;
    `needs` lets those who may, for somebody who is about to sign in.
    """

    def declare(rule: Rule) -> Rule:
        nothing = {field.python_name: None for field in _definition(payload).fields}

        async def answered(work: Awaitable[Row]) -> Row:
            try:
                return {**nothing, "user_errors": [], **await work}
            except Refused as refused:
                return {**nothing, "user_errors": told(refused)}

        async def with_input(info: Info, input: Any) -> Any:
            async def work() -> Row:
                return await rule(info.context, checked(input))

            return await answered(work())

        async def without_input(info: Info) -> Any:
            return await answered(rule(info.context))

        given = rule.__annotations__.get("input")
        resolver: Any = without_input
        annotations: dict[str, Any] = {"info": Info, "return": payload | None}
        if given is not None:
            resolver = with_input
            described = f"What to do; see `{given.__name__}`."
            annotations["input"] = Annotated[given, strawberry.argument(description=described)]
        resolver.__annotations__ = annotations
        codes = {*refuses, *(_WITH_INPUT if given is not None else ())}
        described_as = _description(rule, codes, public=public, needs=needs)
        field = ReadField.declare(None, described_as, needs=needs)(resolver)
        field.python_name, field.public = rule.__name__, public
        IDENTITY_MUTATIONS.append(field)
        return rule

    return declare


def _description(
    rule: Rule, codes: set[UserErrorCode], *, public: bool, needs: Permission | None
) -> str:
    """What clients read of a mutation."""
    said = " ".join((rule.__doc__ or "").split())
    who = " It needs no token." if public else " It needs no permission, but a session."
    told_codes = ", ".join(f"`{code}`" for code in UserErrorCode if code in codes)
    return said + ("" if needs else who) + (f" May be refused with {told_codes}." if codes else "")


_WITH_INPUT = (UserErrorCode.REQUIRED, UserErrorCode.INVALID, UserErrorCode.TOO_LONG)


def _definition(payload: type) -> Any:
    definition = get_object_definition(payload)
    if definition is None:
        raise TypeError(f"{payload} is no type of the schema.")
    return definition
