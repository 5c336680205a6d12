"""What values of additional data must be: the definitions that tenants make, and their rules."""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

KEY = "^[A-Za-z][0-9A-Za-z_]{0,59}$"
MOST_CHOICES = 200
LONGEST_CHOICE = 200
LONGEST_TEXT = 2000
LARGEST_NUMBER = 10**15
"""Beyond it, the numbers of JavaScript lose digits."""

_PATTERN_BYTES = 1 << 18
"""What a compiled pattern may take. It bounds the time that matching takes as well: RE2 goes
through a text once, and does no more at each character than its program is long."""

_WIDER = {("CHOICE", "TEXT"), ("DATE", "TEXT")}
"""Types whose values are all values of another one."""


@dataclass(frozen=True)
class Definition:
    """What values under a key must be. `type` is TEXT, NUMBER, BOOLEAN, DATE or CHOICE."""

    key: str
    type: str
    required: bool = False
    pattern: str | None = None
    choices: tuple[str, ...] | None = None


class Fault(Exception):  # noqa: N818  It is what is wrong with a client's value.
    """What is wrong, in a sentence; `part` is what of a definition it is wrong with."""

    def __init__(self, message: str, part: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.part = part


def check_definition(definition: Definition) -> None:
    """See that a definition makes sense.

    Raises:
        Fault: when pattern or choices do not fit the type, or are malformed.
    """
    if definition.pattern is not None:
        if definition.type != "TEXT":
            raise Fault("Only texts have a pattern.", "pattern")
        _compiled(definition.pattern)
    if definition.type != "CHOICE":
        if definition.choices is not None:
            raise Fault("Only a choice has choices.", "choices")
        return
    if not definition.choices:
        raise Fault("A choice needs something to choose from.", "choices")
    if len(definition.choices) > MOST_CHOICES:
        raise Fault(f"There are at most {MOST_CHOICES} choices.", "choices")
    if len(set(definition.choices)) < len(definition.choices):
        raise Fault("Each choice stands in the list once.", "choices")


def checked(definition: Definition, value: Any) -> Any:
    """A value as it is kept.

    Raises:
        Fault: when it is not what the definition asks for.
    """
    if definition.type == "BOOLEAN":
        if not isinstance(value, bool):
            raise Fault("This must be true or false.")
        return value
    if definition.type == "NUMBER":
        return _number(value)
    text = _text(value)
    if definition.type == "DATE":
        _check_date(text)
    elif definition.type == "CHOICE" and text not in (definition.choices or ()):
        raise Fault("This is none of the choices.")
    elif definition.pattern is not None and not _compiled(definition.pattern).fullmatch(text):
        raise Fault(f"This does not match {definition.pattern}.")
    return text


def merged(
    definitions: Iterable[Definition], current: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Values with others put over them, and what is wrong with those, by key.

    A key that is left out keeps its value, null removes it. All that is required has to be there
    afterwards. Values that nobody touches are not looked at again.
    """
    known = {definition.key: definition for definition in definitions}
    values, faults = dict(current), {}
    for key, value in given.items():
        if value is None and (key in known or key in current):
            values.pop(key, None)
        elif key not in known:
            faults[key] = "No additional data is defined under this key."
        else:
            try:
                values[key] = checked(known[key], value)
            except Fault as fault:
                faults[key] = fault.message
    for key, definition in known.items():
        if definition.required and key not in values and key not in faults:
            faults[key] = "This is required."
    return values, faults


@dataclass(frozen=True)
class Narrowing:
    """What a change takes away: with `choices`, only these values; else any may be in its way."""

    part: str
    choices: tuple[str, ...] | None = None


def narrowing(old: Definition, new: Definition) -> Narrowing | None:
    """What values could stand in the way of a change; None where all stay what they must be.

    Whether a value is required makes no difference to those that are there.
    """
    if new.type != old.type and (old.type, new.type) not in _WIDER:
        return Narrowing("type")
    if new.pattern is not None and new.pattern != old.pattern:
        return Narrowing("pattern")
    if new.type == "CHOICE":
        gone = tuple(choice for choice in old.choices or () if choice not in (new.choices or ()))
        return Narrowing("choices", gone) if gone else None
    return None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    """A pattern of RE2, whose matching takes time in proportion to the text, whatever it says."""
    import re2

    options = re2.Options()
    options.max_mem = _PATTERN_BYTES
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else b""
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise Fault(f"This is no regular expression of RE2: {said}.", "pattern") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Fault("This must be a text.")
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()
    if not text:
        raise Fault("This must not be blank; null removes it.")
    if len(text) > LONGEST_TEXT:
        raise Fault(f"This takes at most {LONGEST_TEXT:,} characters.")
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t" for c in text):
        raise Fault("Control characters are no text.")
    return text


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Fault("This must be a number.")
    if not math.isfinite(value) or abs(value) > LARGEST_NUMBER:
        raise Fault(f"Numbers go up to {LARGEST_NUMBER:,}.")
    return value


def _check_date(text: str) -> None:
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError as error:
        raise Fault("This must be a day, as 2026-11-22.") from error
