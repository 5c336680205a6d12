"""GraphQL documents, each parsed, limited and validated once and then kept."""

import re
import sys
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import graphql.validation.rules.overlapping_fields_can_be_merged as overlapping_fields
import graphql.validation.validation_context as validation_context
from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLFormattedError,
    GraphQLInputObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    Source,
    SourceLocation,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import MaxIntrospectionDepthRule, NoSchemaIntrospectionCustomRule
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from app.errors import ApiError, ErrorCode
from app.server.limits import MOST_CHARACTERS, LimitChecker, Limits, too_complex

MOST_CACHED_BYTES = 64 * 1024 * 1024
"""About how much memory all kept documents may take."""

BYTES_PER_TOKEN = 600
"""What a token costs in a parsed document, measured with tracemalloc."""

MOST_ERRORS = 20
"""How many validation errors are looked for; a client needs no more to see what is wrong."""

LONGEST_MESSAGE = 500
"""Longer messages quote what the client sent."""

_OVER_TOKENS = (" tokens. Parsing aborted.", " comments. Parsing aborted.")
"""How the parser's messages end when it stops at a limit; it has no other mark."""

_GAVE_UP = "Validation aborted."
"""What graphql-core's validation says when its budget is used up."""

# graphql-core stops comparing fields, and following fragments, at these budgets. Its own are made
# for documents far larger than the limits admit, and take several times as long to use up.
overlapping_fields.MAX_COMPLEXITY_BUDGET = 30_000
validation_context.MAX_FRAGMENT_WORK = 20_000


_LINE_END = re.compile("\r\n|[\n\r]")


class IndexedSource(Source):
    """A document's text that knows where its lines begin.

    Each error of each field asks for its line, and graphql-core counts from the beginning every
    time: thousands of errors in a document of empty lines would take minutes.
    """

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.body))]

    def get_location(self, position: int) -> SourceLocation:
        """The line and column of a position, both from 1."""
        line = max(1, bisect_left(self._line_starts, position + 1))
        return SourceLocation(line, position + 1 - self._line_starts[line - 1])


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document."""

    document: "Document"
    node: OperationDefinitionNode

    @property
    def name(self) -> str | None:
        """The name that the client gave it."""
        return self.node.name.value if self.node.name else None

    @property
    def kind(self) -> OperationType:
        """Whether it is a query, a mutation or a subscription."""
        return self.node.operation


@dataclass(slots=True)
class Document:
    """A document, known to be valid when `errors` is empty.

    `facts` is for whoever answers the document: what depends on nothing but its text is worked
    out once and kept there, under a key of its owner's.
    """

    source: str
    ast: DocumentNode | None = None
    errors: tuple[GraphQLFormattedError, ...] = ()
    operations: tuple[Operation, ...] = ()
    facts: dict[Any, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """About how many bytes it takes in memory."""
        tokens = self.ast.token_count if self.ast is not None else 0
        return sys.getsizeof(self.source) + BYTES_PER_TOKEN * tokens

    @property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        """The fragments by their names."""
        return {
            node.name.value: node
            for node in (self.ast.definitions if self.ast is not None else ())
            if isinstance(node, FragmentDefinitionNode)
        }

    def find(self, name: str | None) -> Operation | None:
        """The operation that a request asks for, if there is such a one."""
        if name is None:
            return self.operations[0] if len(self.operations) == 1 else None
        return next((known for known in self.operations if known.name == name), None)

    def operation(self, name: str | None) -> Operation:
        """The operation that a request asks for; BAD_REQUEST when there is no such one."""
        if name is None:
            if len(self.operations) == 1:
                return self.operations[0]
            raise ApiError(
                ErrorCode.BAD_REQUEST,
                "The document has several operations: say which one in operationName."
                if self.operations
                else "The document has no operation.",
            )
        for operation in self.operations:
            if operation.name == name:
                return operation
        raise ApiError(ErrorCode.BAD_REQUEST, "The document has no operation of that name.")


class DocumentCache:
    """The documents used last, bounded in number and in memory.

    Documents with errors are kept as well, so that a client which repeats one costs nothing; of
    them only the messages are kept.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        *,
        count: int = 1_000,
        introspection: bool = True,
    ) -> None:
        mark_one_of(schema)
        self._schema = schema
        self._checker = LimitChecker(schema, limits)
        self._limits = limits
        self._introspection = introspection
        self._rules = rules(introspection=introspection)
        self._most = count
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._documents)

    @property
    def size(self) -> int:
        """About how many bytes all kept documents take."""
        return self._bytes

    def find(self, source: str) -> Document | None:
        """The kept document with this text, if there is one."""
        document = self._documents.get(source)
        if document is not None:
            self._documents.move_to_end(source)
        return document

    def prepare(self, source: str) -> Document:
        """The document with this text, parsed, limited and validated."""
        document = self.find(source)
        if document is not None:
            return document
        if len(source) > MOST_CHARACTERS:
            error = too_complex(
                f"The document is longer than the {MOST_CHARACTERS} characters allowed."
            )
            return Document(source, errors=(formatted(error),))
        document = self._read(source)
        self._keep(document)
        return document

    def _read(self, source: str) -> Document:
        try:
            ast = self._parse(source)
            self._checker.check(ast)
        except GraphQLError as error:
            return Document(source, errors=(formatted(error),))
        errors = validate(
            self._schema, ast, self._rules, MOST_ERRORS, hide_suggestions=not self._introspection
        )
        if any(error.message == _GAVE_UP for error in errors):
            refusal = too_complex("The document repeats too much to be validated.")
            return Document(source, errors=(formatted(refusal),))
        if errors:
            return Document(source, errors=tuple(distinct(errors)))
        document = Document(source, ast)
        document.operations = tuple(
            Operation(document, node)
            for node in ast.definitions
            if isinstance(node, OperationDefinitionNode)
        )
        return document

    def _parse(self, source: str) -> DocumentNode:
        most = self._limits.tokens
        try:
            return parse(
                IndexedSource(source),
                max_lexical_tokens=most,
                max_comments=most,
                allow_empty_selection_sets=False,
            )
        except GraphQLSyntaxError as error:
            if error.message.endswith(_OVER_TOKENS):
                raise too_complex(
                    f"The document has more than the {most} tokens allowed."
                ) from None
            error.extensions = {"code": ErrorCode.GRAPHQL_PARSE_FAILED.value}
            raise

    def _keep(self, document: Document) -> None:
        self._documents[document.source] = document
        self._bytes += document.size
        while len(self._documents) > self._most or self._bytes > MOST_CACHED_BYTES:
            _, oldest = self._documents.popitem(last=False)
            self._bytes -= oldest.size


def mark_one_of(schema: GraphQLSchema) -> None:
    """Tell graphql-core which inputs are @oneOf, so that its own rules check them.

    Strawberry checks them with a rule of its own, which raises KeyError where a variable isn't
    defined and AttributeError in a fragment that stands before the operations.
    """
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            definition = type_.extensions.get("strawberry-definition")
            type_.is_one_of = type_.is_one_of or getattr(definition, "is_one_of", False)


def rules(*, introspection: bool) -> tuple[type[ASTValidationRule], ...]:
    """The rules of the specification, and ours."""
    always = (*specified_rules, MaxIntrospectionDepthRule, MaybeNullValidationRule)
    return always if introspection else (*always, NoSchemaIntrospectionCustomRule)


def formatted(error: GraphQLError) -> GraphQLFormattedError:
    """An error of a document as clients see it; one without a code is the validation's."""
    answer = error.formatted
    answer["message"] = error.message[:LONGEST_MESSAGE]
    answer["extensions"] = {
        "code": ErrorCode.GRAPHQL_VALIDATION_FAILED.value,
        **(error.extensions or {}),
    }
    return answer


def distinct(errors: Collection[GraphQLError]) -> list[GraphQLFormattedError]:
    """Errors with equal messages become one with all locations, so answers stay small."""
    merged: dict[str, GraphQLFormattedError] = {}
    for error in errors:
        answer = formatted(error)
        first = merged.setdefault(answer["message"], answer)
        if first is not answer:
            first["locations"] = [*first.get("locations", []), *answer.get("locations", [])]
    return list(merged.values())
