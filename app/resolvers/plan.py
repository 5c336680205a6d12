"""A whole operation as one SQL statement, whose answer is sent as it is.

One statement authenticates the caller, sets the tenant, and builds the response. What PostgreSQL
can't answer is a gap in it that is filled afterwards. Where an operation has something else in
it, as introspection or a wrong argument, graphql-core answers; which of the two is decided before
anything is read, and never again after.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import asyncpg
import orjson
import strawberry
from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode
from graphql.execution.values import VariableValues
from graphql.language import DocumentNode
from sqlalchemy import ColumnElement, Executable, select

from app.context import Caller, CallerContext
from app.database import Statement
from app.resolvers.finished import FinishedJson, page_parameters
from app.resolvers.gaps import Gaps
from app.resolvers.outline import NotCompiled, Outliner, Root, truth_names, variable_names
from app.resolvers.pages import Page
from app.resolvers.reads import Inquired, Inquiry, Key, Lookup, Lookups, OfCaller
from app.resolvers.roots import (
    CallerAnswer,
    InquiryAnswer,
    ListAnswer,
    RecordAnswer,
    RecordsAnswer,
    RefusedAnswer,
    RootAnswer,
    Target,
)
from app.resolvers.selection import Fragments, Place, arguments_of
from app.resolvers.sql import authenticated_caller
from app.resolvers.statements import Kept

MOST_ASKED = 16
"""For how many sets of pages an outline keeps what follows from them."""

MOST_OUTLINES = 16
"""How many outlines an operation keeps: one for each set of permissions and of conditions."""


@dataclass(frozen=True, eq=False)
class Outline:
    """All of an operation, for some permissions, conditions and types of records looked up."""

    answers: tuple[RootAnswer, ...]
    places: tuple[tuple[Place, tuple[str, ...]], ...]
    refused: tuple[Place, ...]
    structure: Hashable
    """What the statement depends on besides pages and targets; the same for equal operations."""

    asked: "dict[Hashable, Asked]" = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Asked:
    """What an outline was asked with, which is mostly the same again and again.

    It holds the pages, so that no others can have their identities.
    """

    pages: dict[Place, Page]
    structure: Hashable
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """A statement, its parameters, and what becomes of its answer."""

    statement: Statement
    parameters: dict[str, Any]
    answers: tuple[tuple[RootAnswer, Target], ...]

    async def answer(self, row: asyncpg.Record, context: CallerContext) -> "Finished":
        """Put the response together from the columns of the statement's row."""
        gaps = Gaps(context)
        data = {answer.root.key: answer.value(row, target, gaps) for answer, target in self.answers}
        await gaps.finish()
        return Finished(data, gaps.errors)


class Finished(NamedTuple):
    """The data of a response, for orjson to write, and the errors beside it."""

    data: dict[str, Any]
    errors: list[GraphQLError]


class Plans:
    """Makes the plans of one operation, and keeps what does not depend on values."""

    def __init__(
        self,
        schema: strawberry.Schema,
        document: DocumentNode,
        fragments: Fragments,
        operation: OperationDefinitionNode,
        kept: Kept,
    ) -> None:
        self._schema = schema
        self._statements = kept.statements
        self._pages = kept.pages
        self._core: GraphQLSchema = schema._schema  # noqa: SLF001  Strawberry has no public name.
        self._operation = operation
        self._fragments = fragments
        self._truths = truth_names(document)
        self._roots: dict[Any, list[Root] | None] = {}
        self._outlines: dict[Any, Outline | None] = {}

    def plan(
        self, variables: VariableValues, raw: Mapping[str, Any], caller: Caller
    ) -> Plan | None:
        """The plan for a request, or None when graphql-core has to answer it.

        `raw` are the variables as the client sent them, by which pages are kept.
        """
        try:
            return self.made(variables, raw, caller)
        except (NotCompiled, GraphQLError):
            # Wrong arguments are reported by graphql-core, at the field they were given to.
            return None

    def made(self, variables: VariableValues, raw: Mapping[str, Any], caller: Caller) -> Plan:
        """The plan for a request.

        Raises:
            NotCompiled: graphql-core has to answer it; the message says for what field.
            GraphQLError: An argument is wrong.
        """
        truths = tuple(variables.coerced.get(name) for name in self._truths)
        roots = self._known_roots(truths, caller)
        targets = [self._target(root, variables, caller) for root in roots]
        outline = self._outline(truths, caller, roots, tuple(map(_types, targets)))
        pages = {
            place: self._page(place, names, variables, raw, caller)
            for place, names in outline.places
        }
        for place in outline.refused:
            arguments_of(self._schema, place, variables)
        asked = self._asked(outline, pages, targets)
        answers = tuple(zip(outline.answers, targets, strict=True))
        statement = self._statements.get(
            asked.structure, lambda: _statement(FinishedJson(pages), answers)
        )
        parameters = dict(asked.parameters)
        for answer, target in answers:
            parameters |= answer.parameters(target)
        return Plan(statement, parameters, answers)

    def _asked(self, outline: Outline, pages: dict[Place, Page], targets: list[Target]) -> Asked:
        """What follows from pages and targets, worked out once for the same ones."""
        keys = [target.key if isinstance(target, Inquired) else target for target in targets]
        columns = tuple((key.record, key.column) for key in keys if isinstance(key, Key))
        known = (columns, *map(id, pages.values()))
        asked = outline.asked.get(known)
        if asked is None:
            structure = self._statements.shared(
                (outline.structure, columns, *(page.structure for page in pages.values()))
            )
            _make_room(outline.asked, MOST_ASKED)
            asked = Asked(pages, structure, page_parameters(pages))
            outline.asked[known] = asked
        return asked

    def _known_roots(self, truths: tuple[Any, ...], caller: Caller) -> list[Root]:
        known = (truths, caller.permissions)
        if known not in self._roots:
            _make_room(self._roots, MOST_OUTLINES)
            self._roots[known] = None
            root = self._core.get_root_type(self._operation.operation)
            if root is not None:
                outliner = self._outliner(truths, caller)
                self._roots[known] = outliner.roots(root, self._operation.selection_set)
        roots = self._roots[known]
        if roots is None:
            raise NotCompiled("A root field is not compiled.")
        return roots

    def _outliner(self, truths: tuple[Any, ...], caller: Caller) -> Outliner:
        values = dict(zip(self._truths, truths, strict=True))
        return Outliner(self._core, self._fragments, values, caller.permissions)

    def _outline(
        self,
        truths: tuple[Any, ...],
        caller: Caller,
        roots: list[Root],
        types: tuple[tuple[str, ...], ...],
    ) -> Outline:
        known = (truths, caller.permissions, types)
        if known not in self._outlines:
            _make_room(self._outlines, MOST_OUTLINES)
            self._outlines[known] = None
            outliner = self._outliner(truths, caller)
            answers = tuple(
                _answer(outliner, number, root, types[number]) for number, root in enumerate(roots)
            )
            places = tuple((place, variable_names(place.node)) for place in outliner.places)
            structure = self._statements.shared(tuple(answer.structure for answer in answers))
            self._outlines[known] = Outline(answers, places, tuple(outliner.refused), structure)
        outline = self._outlines[known]
        if outline is None:
            raise NotCompiled("A field is not compiled.")
        return outline

    def _target(self, root: Root, variables: VariableValues, caller: Caller) -> Target:
        """The record or records that the arguments of a root field name."""
        if root.field is None or root.definition is None:
            return None
        read, needs = root.field.read, root.field.needs
        if not isinstance(read, Lookup | Lookups | Inquiry):
            return None
        if needs is not None and needs not in caller.permissions:
            return None
        place = Place(0, root.nodes[0], root.field, root.definition)
        return read.find(arguments_of(self._schema, place, variables))

    def _page(
        self,
        place: Place,
        names: tuple[str, ...],
        variables: VariableValues,
        raw: Mapping[str, Any],
        caller: Caller,
    ) -> Page:
        values = tuple(orjson.dumps(raw[name]) if name in raw else None for name in names)
        return self._pages.get(
            place,
            values,
            lambda: place.field.page(caller, arguments_of(self._schema, place, variables)),
        )


def _make_room(cache: dict[Any, Any], most: int) -> None:
    """Forget the oldest entry of a full cache."""
    if len(cache) >= most:
        del cache[next(iter(cache))]


def _types(target: Target) -> tuple[str, ...]:
    """The types of the records that are looked up, on which the selection depends."""
    if isinstance(target, Key):
        return (target.record.name,)
    if target is None or isinstance(target, Inquired):
        return ()
    keys = (key for key in target if isinstance(key, Key))
    return tuple(sorted({key.record.name for key in keys}))


def _answer(outliner: Outliner, number: int, root: Root, types: tuple[str, ...]) -> RootAnswer:
    """How a root field is answered; `types` are those of the records that it looks up."""
    read = root.field.read if root.field is not None else None
    if isinstance(read, Lookups) and not outliner.lacks(root.field):
        records = {name: outliner.looked_up(root, name) for name in types}
        return RecordsAnswer(number, root, records, read.missing)
    selected = outliner.looked_up(root, types[0]) if types else outliner.selected(root)
    if selected.refused is not None:
        return RefusedAnswer(number, root, selected.refused)
    if selected.below is None:
        return RootAnswer(number, root)
    if isinstance(read, Lookup):
        return RecordAnswer(number, root, selected.below, read.missing)
    if isinstance(read, Inquiry):
        return InquiryAnswer(number, root, read, selected.below)
    if isinstance(read, OfCaller):
        return CallerAnswer(number, root, read, selected.below)
    return ListAnswer(number, root, selected, selected.below)


def _statement(json: FinishedJson, answers: tuple[tuple[RootAnswer, Target], ...]) -> Executable:
    """The statement: who asks, and beside it each root field as JSON."""
    caller = authenticated_caller()
    columns: list[ColumnElement[Any]] = list(caller.c)
    for answer, target in answers:
        columns += answer.columns(json, target)
    return select(*columns).select_from(caller)
