"""A row for each field of each type, and a place where it has a value."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_non_null_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.auth.permissions import Permission
from app.resolvers.fields import ReadField
from app.resolvers.reads import record_of
from tests.schema.documents import schema

_DEEPEST = 4
"""How far below a question a field can stand, records that are links apart."""


@dataclass(frozen=True)
class Question:
    """A field of the root with its arguments, or a record by its id."""

    name: str
    arguments: str = ""
    type_name: str = ""
    """Of which type the record is, where it is one by its id."""

    @property
    def field(self) -> GraphQLField:
        """The field of the root."""
        assert schema.query_type is not None
        found: GraphQLField = schema.query_type.fields[self.name]
        return found

    @property
    def answers(self) -> GraphQLObjectType | None:
        """The type of the answer's object."""
        named = get_named_type(self.field.type)
        found = schema.type_map[self.type_name] if self.type_name else named
        return found if isinstance(found, GraphQLObjectType) else None

    def ask(self, selection: str) -> str:
        """The question with a selection, as it stands in a document."""
        if self.type_name:
            selection = f"{{ ... on {self.type_name} {selection} }}"
        return f"{self.name}{self.arguments} {selection}"

    def ask_all(self) -> str:
        """The question for all fields of its answer."""
        return self.ask("{ __typename }" if self.answers is None else selection_of(self.answers))


@dataclass(frozen=True)
class Row:
    """A field, and where it is asked for: below a question, by names and places in lists."""

    name: str
    question: Question
    path: tuple[str | int, ...]
    needs: Permission | None


def needed(field: GraphQLField, parent: GraphQLObjectType) -> Permission | None:
    """What a field asks for, or else the record that it stands in."""
    declared = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if isinstance(declared, ReadField) and declared.needs is not None:
        return declared.needs
    return _of_record(parent)


def _of_record(type_: GraphQLObjectType) -> Permission | None:
    definition = type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    record = record_of(definition.origin) if definition is not None else None
    return record.needs if record is not None else None


def selection_of(type_: GraphQLObjectType, depth: int = 0) -> str:
    """All fields of a type, down to the ids of the records that it leads to."""
    chosen = []
    for name, field in type_.fields.items():
        below = get_named_type(field.type)
        if any(is_non_null_type(a.type) and a.default is None for a in field.args.values()):
            raise TypeError(f"{type_.name}.{name} has to be asked for with arguments.")
        if is_leaf_type(below):
            chosen.append(name)
        else:
            chosen.append(f"{name} {_link(below, depth)}")
    return "{ " + " ".join(chosen) + " }"


def _link(type_: Any, depth: int) -> str:
    if not isinstance(type_, GraphQLObjectType) or _is_node(type_) or depth == _DEEPEST:
        return "{ __typename }"
    return selection_of(type_, depth + 1)


def _is_node(type_: GraphQLObjectType) -> bool:
    return any(interface.name == "Node" for interface in type_.interfaces)


def names_below(type_: GraphQLObjectType | None, *, with_links: bool = False) -> set[str]:
    """The rows that an answer of a type can have, down to the records that it leads to, or with
    all that those lead to."""
    found: set[str] = set()
    waiting: list[Any] = [] if type_ is None else [type_]
    while waiting:
        one = waiting.pop()
        for name, field in one.fields.items():
            if f"{one.name}.{name}" in found:
                continue
            found.add(f"{one.name}.{name}")
            below = get_named_type(field.type)
            kinds = schema.get_possible_types(below) if is_abstract_type(below) else [below]
            waiting += [
                kind
                for kind in kinds
                if isinstance(kind, GraphQLObjectType) and (with_links or not _is_node(kind))
            ]
    return found


def rows_in(question: Question, answer: Any) -> Iterator[Row]:
    """The fields that have a value in the answer to a question."""
    type_ = question.answers
    assert schema.query_type is not None
    if answer is None:
        return
    needs = needed(question.field, schema.query_type)
    yield Row(f"Query.{question.name}", question, (), needs)
    if type_ is not None and (question.type_name or not _is_node(type_)):
        for place, one in _objects(answer, ()):
            yield from _rows_below(question, type_, one, place, needs)


def _rows_below(
    question: Question,
    type_: GraphQLObjectType,
    value: Mapping[str, Any],
    path: tuple[str | int, ...],
    inherited: Permission | None,
) -> Iterator[Row]:
    for name, field in type_.fields.items():
        if value.get(name) in (None, []):
            continue
        here, needs = (*path, name), needed(field, type_) or inherited
        yield Row(f"{type_.name}.{name}", question, here, needs)
        below = get_named_type(field.type)
        if isinstance(below, GraphQLObjectType) and not _is_node(below):
            for place, one in _objects(value[name], here):
                yield from _rows_below(question, below, one, place, needs)


def _objects(
    value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """The objects that a value is or holds, with their places."""
    if isinstance(value, list):
        for at, one in enumerate(value):
            yield from _objects(one, (*path, at))
    elif isinstance(value, Mapping):
        yield path, value


def document(rows: Iterable[Row]) -> tuple[str, dict[str, list[Row]]]:
    """A query for all rows of some questions, and under which name each is answered."""
    named: dict[Question, list[Row]] = {}
    for row in rows:
        named.setdefault(row.question, []).append(row)
    asked = {f"q{at}": rows for at, rows in enumerate(named.values())}
    parts = [f"{name}: {rows[0].question.ask(_selection(rows))}" for name, rows in asked.items()]
    return "{ " + " ".join(parts) + " }", asked


def _selection(rows: list[Row]) -> str:
    """What of a question's answer some rows are about."""
    tree: dict[str, Any] = {}
    for row in rows:
        at = tree
        for name in row.path:
            if isinstance(name, str):
                at = at.setdefault(name, {})
    return _written(tree, rows[0].question.answers)


def _written(tree: dict[str, Any], type_: Any) -> str:
    if type_ is not None and is_leaf_type(type_):
        return ""
    # What leads to a list is asked how much is in it, so that an empty one is told from another.
    count = " totalCount" if getattr(type_, "name", "").endswith("Connection") else ""
    parts = [
        f"{name} {_written(below, get_named_type(type_.fields[name].type))}"
        for name, below in tree.items()
        if name != "totalCount" or not count
    ]
    return "{ __typename" + count + " " + " ".join(parts) + " }"


def value_at(answer: Mapping[str, Any], place: tuple[str | int, ...]) -> Any:
    """What stands in an answer at a place, or null where there is no such place."""
    value = answer.get("data")
    for step in place:
        if value is not None:
            value = value[step] if not isinstance(step, int) or len(value) > step else None
    return value


def outcome(answer: Mapping[str, Any], place: tuple[str | int, ...]) -> str:
    """What became of a field in an answer: a value, nothing, or why it was refused."""
    value = value_at(answer, place)
    if isinstance(value, list) and set(map(str, value)) == {"None"}:
        value, place = None, (*place, 0)
    if value is None:
        return why(answer.get("errors", []), place)
    is_empty = value == [] or (isinstance(value, dict) and value.get("totalCount") == 0)
    return "empty" if is_empty else "value"


def why(errors: list[Mapping[str, Any]], place: tuple[str | int, ...]) -> str:
    """Why there is nothing: by the error of the field, or of one that it stands in."""
    for error in errors:
        at = tuple(error.get("path", ()))
        if place[: len(at)] == at:
            return worded(error["extensions"]["code"])
    return "null"


def worded(code: str) -> str:
    """The code of an error, as tables say it."""
    plain = {"FORBIDDEN", "NOT_FOUND", "UNAUTHENTICATED"}
    return code.replace("_", " ").lower() if code in plain else f"refused {code}"


def literal(value: Any) -> str:
    """A text as it stands in a document."""
    return json.dumps(value, ensure_ascii=False)
