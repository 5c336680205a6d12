"""Documents of whoever it may be: short ones that ask for a single public field.

Everything else needs a token before it is so much as parsed. What may be asked without one says so
where it is declared (`ReadField.public`): signing in, and nothing else.
"""

import re

from graphql import FieldNode, GraphQLSchema, OperationType
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.resolvers.fields import ReadField
from app.server.documents import Document, DocumentCache, Operation
from app.server.limits import Limits

LONGEST = 4_000
"""How many characters a document of somebody unknown may have."""

MOST_DOCUMENTS = 100
"""How many of them are kept, apart from everybody else's."""

_LIMITS = Limits(tokens=400, depth=6, aliases=10, directives=2, fields=60)


class PublicDocuments:
    """Finds the documents that anybody may send."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._names = public_fields(schema)
        names = "|".join(map(re.escape, sorted(self._names)))
        # Of a document that is not valid, this is all that is known.
        self._begins = re.compile(rf"\s*mutation\b[^{{]*{{\s*(?:\w+\s*:\s*)?(?:{names})\b")
        self._documents = DocumentCache(
            schema,
            _LIMITS,
            count=MOST_DOCUMENTS,
            introspection=False,
        )

    def find(self, source: str) -> Document | None:
        """The document with this text, if it is one that anybody may send."""
        if not self._names or len(source) > LONGEST or self._begins.match(source) is None:
            return None
        document = self._documents.prepare(source)
        if document.errors or all(map(self._is_public, document.operations)):
            return document
        return None

    def _is_public(self, operation: Operation) -> bool:
        """Whether an operation is a mutation of one field, which is public."""
        fields = operation.node.selection_set.selections
        return (
            operation.kind is OperationType.MUTATION
            and len(fields) == 1
            and isinstance(fields[0], FieldNode)
            and fields[0].name.value in self._names
        )


def public_fields(schema: GraphQLSchema) -> frozenset[str]:
    """The names of the mutations that anybody may ask for."""
    fields = schema.mutation_type.fields if schema.mutation_type is not None else {}
    return frozenset(
        name
        for name, field in fields.items()
        if isinstance(
            declared := field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF), ReadField
        )
        and declared.public
    )
