"""Gaps in finished JSON: what only Python can answer, filled in after PostgreSQL did the rest.

A gap is a field that Python computes, whose place holds what it is computed from, or one that the
caller may not see, whose place is null and which leaves an error. Only root fields that have gaps
are read at all; they are walked along the gaps and nowhere else.
"""

import asyncio
from collections.abc import Awaitable
from inspect import isawaitable
from typing import Any

from graphql import FieldNode, GraphQLError, located_error

from app.context import CallerContext, forbidden
from app.resolvers.reads import Python
from app.resolvers.selection import Selected, Shape

Path = tuple[str | int, ...]


class Gaps:
    """Fills the gaps of one response, and gathers the errors that they leave."""

    def __init__(self, context: CallerContext) -> None:
        self.context = context
        self._awaited: list[Awaitable[None]] = []
        self.errors: list[GraphQLError] = []

    def fill(self, shape: Shape, value: Any, path: Path) -> None:
        """Fill the gaps of an object, or of each in a list, in place."""
        if isinstance(value, list):
            for number, item in enumerate(value):
                self.fill(shape, item, (*path, number))
        elif value is not None:
            for selected in shape.with_gaps:
                self._field(selected, value, (*path, selected.key))

    async def finish(self) -> None:
        """Wait for the values that had to be waited for, all at once."""
        if self._awaited:
            await asyncio.gather(*self._awaited)

    def fail(self, error: Exception, nodes: tuple[FieldNode, ...], path: Path) -> None:
        """Note the error of a field, as graphql-core would."""
        self.errors.append(located_error(error, list(nodes), list(path)))

    def _field(self, selected: Selected, row: dict[str, Any], path: Path) -> None:
        if selected.refused is not None:
            self.fail(forbidden(selected.refused), selected.nodes, path)
        elif selected.field is not None and isinstance(selected.field.read, Python):
            self._compute(selected.field.read, selected, row, path)
        elif selected.below is not None:
            self.fill(selected.below, row[selected.key], path)

    def _compute(self, read: Python, selected: Selected, row: dict[str, Any], path: Path) -> None:
        required, row[selected.key] = row[selected.key], None
        try:
            value = read.compute(self.context, required)
        except Exception as error:  # noqa: BLE001  Whatever it is, it is this field's error.
            self.fail(error, selected.nodes, path)
            return
        if isawaitable(value):
            self._awaited.append(self._await(value, selected, row, path))
        else:
            row[selected.key] = chosen(value, selected.below)

    async def _await(
        self, value: Awaitable[Any], selected: Selected, row: dict[str, Any], path: Path
    ) -> None:
        try:
            row[selected.key] = chosen(await value, selected.below)
        except Exception as error:  # noqa: BLE001  As in _compute.
            self.fail(error, selected.nodes, path)


def chosen(value: Any, shape: Shape | None) -> Any:
    """Of a value that Python made, what the client asked for, under the client's keys."""
    if shape is None or value is None:
        return value
    if isinstance(value, list):
        return [chosen(item, shape) for item in value]
    return {
        part.key: chosen(value[part.field.python_name], part.below)
        if part.field is not None
        else shape.type_name
        for part in shape.fields
    }
