"""Definitions of additional data: what a tenant keeps beyond our own fields, and of which form."""

import dataclasses
import re
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, func, select
from strawberry import UNSET

from app.actions.additional_data import definition_of
from app.auth.permissions import Permission
from app.domain import additional_data as rules
from app.errors import Refusal, Refused, UserErrorCode
from app.models import AdditionalDataDefinition, Customer, Order, Subscription
from app.models.additional_data import AdditionalDataTarget, AdditionalDataType
from app.work.action import action
from app.work.inputs import Repeatable, checked_text, given, identifier, set_fields, text
from app.work.unit import Work

MOST_DEFINITIONS = 100
"""How many definitions there can be for each kind of record."""

_HOLDERS: dict[str, Any] = {
    AdditionalDataTarget.CUSTOMER.value: Customer,
    AdditionalDataTarget.ORDER.value: Order,
    AdditionalDataTarget.SUBSCRIPTION.value: Subscription,
}
_CHANGEABLE = ("label", "type", "required", "pattern", "choices")
_NEVER_NULL = ("label", "type", "required")


def _key(value: str) -> str | None:
    kept = checked_text(value, 60)
    if kept is not None and re.fullmatch(rules.KEY, kept) is None:
        raise Refused(
            UserErrorCode.INVALID,
            "A key begins with a letter from a to z, and has letters, digits and _ behind it.",
        )
    return kept


def _choice(value: str) -> str | None:
    return checked_text(value, rules.LONGEST_CHOICE)


_PATTERN = (
    "A regular expression (RE2's) that a whole text has to match, such as `C-[0-9]{5}`; only for "
    "`TEXT`."
)
_CHOICES = f"What to choose from, up to {rules.MOST_CHOICES} texts; only for `CHOICE`."


@strawberry.input(description="A definition of additional data.")
class DefineAdditionalDataInput(Repeatable):
    """What to keep on which kind of record, and of which form."""

    applies_to: AdditionalDataTarget = given("On what it is kept.")
    key: str = given(
        "The key in `additionalData`: a letter, then letters, digits and _; at most 60 characters.",
        check=_key,
    )
    label: str = text("What people call it.", of=AdditionalDataDefinition.label)
    type: AdditionalDataType = given("What values must be.")
    required: bool = given(
        "Whether it has to be there whenever additional data is set. Records that lack it stay "
        "as they are until then.",
        default=False,
    )
    pattern: str | None = text(_PATTERN, of=AdditionalDataDefinition.pattern, default=UNSET)
    choices: list[str] | None = given(_CHOICES, default=UNSET, check=_choice)


@strawberry.input(
    description="What to change of a definition: what is left out stays as it is. While records "
    "hold values that would not be allowed afterwards, it is refused."
)
class UpdateAdditionalDataDefinitionInput:
    """Which definition, and what to change. Its key and what it applies to never change."""

    definition_id: strawberry.ID = identifier("The id of the definition.")
    label: str | None = text(
        "What people call it.", of=AdditionalDataDefinition.label, default=UNSET
    )
    type: AdditionalDataType | None = given(
        "What values must be. Pattern and choices that do not fit it are dropped.", default=UNSET
    )
    required: bool | None = given(
        "Whether it has to be there whenever additional data is set.", default=UNSET
    )
    pattern: str | None = text(
        f"{_PATTERN} Null removes it.", of=AdditionalDataDefinition.pattern, default=UNSET
    )
    choices: list[str] | None = given(_CHOICES, default=UNSET, check=_choice)


@strawberry.input(description="A definition to remove.")
class RemoveAdditionalDataDefinitionInput:
    """Which definition."""

    definition_id: strawberry.ID = identifier("The id of the definition.")


@action(
    history="additional_data.defined",
    needs=Permission.ADDITIONAL_DATA_DEFINE,
    refuses=(UserErrorCode.DEFINITION_INVALID, UserErrorCode.TOO_MANY_DEFINITIONS),
    conflicts={
        "uq_additional_data_definition_tenant_id_applies_to_key": Refusal(
            UserErrorCode.KEY_TAKEN, "There is a definition with this key.", ("key",)
        )
    },
    in_account=False,
    diary=False,
)
async def define_additional_data(
    work: Work, input: DefineAdditionalDataInput
) -> AdditionalDataDefinition:
    """Define a field of your own on customers, orders or subscriptions."""
    definition = AdditionalDataDefinition(
        key=input.key,
        label=input.label,
        type=input.type.value,
        applies_to=input.applies_to.value,
        required=input.required,
        pattern=input.pattern or None,
        choices=list(input.choices) if input.choices else None,
    )
    _check(definition_of(definition))
    same = AdditionalDataDefinition.applies_to == input.applies_to.value
    if len(await work.rows(AdditionalDataDefinition, same)) >= MOST_DEFINITIONS:
        raise Refused(
            UserErrorCode.TOO_MANY_DEFINITIONS, f"There are at most {MOST_DEFINITIONS} of them."
        )
    return work.add(definition)


@action(
    history="additional_data.definition_updated",
    needs=Permission.ADDITIONAL_DATA_DEFINE,
    refuses=(
        UserErrorCode.NOT_FOUND,
        UserErrorCode.DEFINITION_INVALID,
        UserErrorCode.DEFINITION_IN_USE,
    ),
    in_account=False,
    diary=False,
)
async def update_additional_data_definition(
    work: Work, input: UpdateAdditionalDataDefinitionInput
) -> AdditionalDataDefinition:
    """Change a definition of additional data, as long as no record holds what it would forbid."""
    definition = await work.lock(AdditionalDataDefinition, input.definition_id, "definition_id")
    changes = dict(set_fields(input, *_CHANGEABLE))
    missing = [name for name in _NEVER_NULL if name in changes and changes[name] is None]
    if missing:
        raise Refused.because(
            Refusal(UserErrorCode.REQUIRED, "This can't be removed.", (name,)) for name in missing
        )
    old = definition_of(definition)
    new = _changed(old, changes)
    _check(new)
    narrowed = rules.narrowing(old, new)
    if narrowed is not None and await _is_held(work, definition, narrowed.choices):
        raise Refused(
            UserErrorCode.DEFINITION_IN_USE,
            "Records hold values that would not be allowed any more.",
            narrowed.part,
        )
    definition.label = changes.get("label", definition.label)
    definition.type, definition.required = new.type, new.required
    definition.pattern = new.pattern
    definition.choices = None if new.choices is None else list(new.choices)
    return definition


@action(
    history="additional_data.definition_removed",
    needs=Permission.ADDITIONAL_DATA_DEFINE,
    refuses=(UserErrorCode.NOT_FOUND, UserErrorCode.DEFINITION_IN_USE),
    in_account=False,
    diary=False,
)
async def remove_additional_data_definition(
    work: Work, input: RemoveAdditionalDataDefinitionInput
) -> AdditionalDataDefinition:
    """Remove a definition of additional data under which no record holds a value."""
    definition = await work.lock(AdditionalDataDefinition, input.definition_id, "definition_id")
    if await _is_held(work, definition, None):
        raise Refused(
            UserErrorCode.DEFINITION_IN_USE, "Records hold values under its key.", "definition_id"
        )
    await work.remove(definition)
    return definition


def _changed(old: rules.Definition, changes: dict[str, Any]) -> rules.Definition:
    """The definition after a change; what does not fit a new type goes, unless it was given."""
    values: dict[str, Any] = {name: v for name, v in changes.items() if name != "label"}
    if "type" in values:
        values["type"] = values["type"].value
        if values["type"] != "TEXT":
            values.setdefault("pattern", None)
        if values["type"] != "CHOICE":
            values.setdefault("choices", None)
    if values.get("choices") is not None:
        values["choices"] = tuple(values["choices"])
    return dataclasses.replace(old, **values)


def _check(definition: rules.Definition) -> None:
    try:
        rules.check_definition(definition)
    except rules.Fault as fault:
        raise Refused(UserErrorCode.DEFINITION_INVALID, fault.message, fault.part) from fault


async def _is_held(
    work: Work, definition: AdditionalDataDefinition, choices: tuple[str, ...] | None
) -> bool:
    """Whether any record holds a value under the definition's key, or one of some choices."""
    model = _HOLDERS[definition.applies_to]
    data = model.additional_data
    held: ColumnElement[bool] = data.has_key(definition.key)
    if choices is not None:
        held = func.jsonb_extract_path_text(data, definition.key).in_(choices)
    found = select(model.id).where(model.tenant_id == work.tenant_id, held).limit(1)
    return await work.session.scalar(found) is not None
