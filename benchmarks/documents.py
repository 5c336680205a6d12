"""Documents that no server has seen before: the workloads' own, written a little differently."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from graphql import FieldNode, NameNode, Visitor, parse, print_ast, visit

from app.schema.node import encode_id
from benchmarks.accounts import Accounts
from benchmarks.peers.peer import HERE, Peer

_MOST_ALIASES = 95
"""A few less than the application lets a document have."""

_ONE_TAB = """query Tab($id: ID!) {
  customer(by: {id: $id}) {
    activities(first: 20) { totalCount nodes { id createdAt kind text } }
  }
}"""

_EVERY = 7
"""Which part of many different documents is the account page: one in so many."""


class Documents:
    """Requests to the application with documents of their own."""

    def __init__(self, peer: Peer, accounts: Accounts) -> None:
        self._peer = peer
        self._accounts = accounts
        self._page = (HERE / "abokonto" / "W1.graphql").read_text()
        self._scalars = (HERE / "abokonto" / "W3.graphql").read_text()

    def different(self, number: int) -> bytes:
        """One of many: the account page, a tab or a few scalars, with an alias of its own."""
        if number % _EVERY == 0:
            return self._request(aliased(self._page, f"n{number}", 1), number)
        text = _ONE_TAB if number % 2 else self._scalars
        return self._request(aliased(text, f"n{number}", 2), number)

    def kinds(self) -> Iterator[tuple[str, bytes, Callable[[int], bytes]]]:
        """What a document can have that is new: the document as it is, and such documents."""
        for title, text, change in (
            ("W1, another comment", self._page, _commented),
            ("W1, one other alias", self._page, lambda text, name: aliased(text, name, 1)),
            (f"W1, {_MOST_ALIASES} other aliases", self._page, aliased),
            ("W3, other aliases", self._scalars, aliased),
            ("One tab, other aliases", _ONE_TAB, aliased),
        ):
            yield (
                title,
                self._request(text, 0),
                lambda number, text=text, change=change: self._request(  # type: ignore[misc]
                    change(text, f"n{number}"), 0
                ),
            )

    def _request(self, document: str, number: int) -> bytes:
        keys = self._accounts.full
        return self._peer.prepared(
            document, {"id": encode_id("Customer", keys[number % len(keys)])}
        )


def aliased(text: str, name: str, most: int = _MOST_ALIASES) -> str:
    """A document with aliases on so many fields, those of the first tab before the others."""

    class Aliasing(Visitor):
        numbers = count()

        def leave_field(self, node: FieldNode, *_place: Any) -> FieldNode | None:
            number = next(self.numbers)
            if number >= most:
                return None
            return FieldNode(
                alias=NameNode(value=f"{name}_{number}"),
                name=node.name,
                arguments=node.arguments,
                directives=node.directives,
                selection_set=node.selection_set,
            )

    return print_ast(visit(parse(text), Aliasing()))


def _commented(text: str, name: str) -> str:
    return f"# {name}\n{text}"
