"""Makes a question on which the ways disagree as small as it will go."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from graphql import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    SelectionNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from tests.schema.comparison import Comparison, DifferenceError
from tests.schema.questions import EVERYTHING, Question

_PARTS = (SelectionNode, ArgumentNode, DirectiveNode, ObjectFieldNode, OperationDefinitionNode)


async def smaller(comparison: Comparison, question: Question) -> Question:
    """The smallest question that can be had by leaving out one part after the other."""
    question = replace(question, cursors={})
    found = True
    while found:
        found = False
        for candidate in _candidates(question):
            if await _differs(comparison, candidate):
                question, found = candidate, True
                break
    return question


async def _differs(comparison: Comparison, question: Question) -> bool:
    try:
        await comparison.ask(question, "smaller")
    except DifferenceError:
        return True
    return False


def _candidates(question: Question) -> Iterator[Question]:
    """The question with all permissions, and without each of its parts, the largest first."""
    if question.permissions != EVERYTHING:
        yield replace(question, permissions=EVERYTHING)
    document = parse(question.text)
    parts = _Parts()
    visit(document, parts)
    for part in sorted(parts.found, key=lambda node: -len(print_ast(node))):
        text = print_ast(_tidied(visit(document, _Without(part))))
        if text != question.text and len(text) < len(question.text):
            known = {
                name: value for name, value in question.variables.items() if f"${name}" in text
            }
            yield replace(question, text=text, variables=known)


class _Parts(Visitor):
    """Collects what can be left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Node] = []

    def enter(self, node: Node, *_: Any) -> None:
        """Note a part."""
        if isinstance(node, _PARTS):
            self.found.append(node)


class _Without(Visitor):
    """Leaves out one part, or definitions that nothing uses."""

    def __init__(self, *parts: Node) -> None:
        super().__init__()
        self._parts = {id(part) for part in parts}

    def enter(self, node: Node, *_: Any) -> Any:
        """Remove the part."""
        return REMOVE if id(node) in self._parts else None


def _tidied(document: DocumentNode) -> DocumentNode:
    """Without definitions of fragments and variables that nothing uses."""
    while True:
        uses = _Uses()
        visit(document, uses)
        unused = [
            *(node for name, node in uses.fragments.items() if name not in uses.spread),
            *(node for name, node in uses.variables.items() if name not in uses.used),
        ]
        if not unused:
            return document
        document = visit(document, _Without(*unused))


class _Uses(Visitor):
    """Collects definitions and their uses."""

    def __init__(self) -> None:
        super().__init__()
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        self.variables: dict[str, VariableDefinitionNode] = {}
        self.spread: set[str] = set()
        self.used: set[str] = set()

    def enter(self, node: Node, _key: Any, parent: Any, *_: Any) -> None:
        """Note definitions and uses."""
        if isinstance(node, FragmentDefinitionNode):
            self.fragments[node.name.value] = node
        elif isinstance(node, VariableDefinitionNode):
            self.variables[node.variable.name.value] = node
        elif isinstance(node, FragmentSpreadNode):
            self.spread.add(node.name.value)
        elif isinstance(node, VariableNode) and not isinstance(parent, VariableDefinitionNode):
            self.used.add(node.name.value)
