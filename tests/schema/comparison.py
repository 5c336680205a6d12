"""Asks an application and its oracle the same, and says where the answers differ first."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg
import httpx2
import pytest
from starlette.applications import Starlette

from app.errors import ErrorCode
from app.server.finished import FinishedReads
from app.server.graphql_http import GraphQLEndpoint
from app.settings import Settings
from tests.asgi import client_of, lifespan
from tests.publisher import Publisher
from tests.schema.holdings import Holdings
from tests.schema.questions import Question

FAULTS = {ErrorCode.INTERNAL, ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT}
"""What no question may be answered with."""

_SIGNED = re.compile(r"X-Amz-[A-Za-z]+=[^&\"]+")


@dataclass(frozen=True)
class Number:
    """A number of JSON as it is written: 1.0 is not 1.00."""

    text: str


def normalised(text: str) -> Any:
    """An answer with the order of its fields, doubled ones included, and the form of its numbers.

    It loses the blanks that PostgreSQL puts between values, the signatures of addresses, and the
    order of errors, which says nothing (spec, 7.1.2).
    """
    answer = json.loads(
        _SIGNED.sub("", text), object_pairs_hook=tuple, parse_float=Number, parse_int=Number
    )
    if isinstance(answer, list):
        return answer
    return tuple(
        (key, sorted(value, key=repr) if key == "errors" else value) for key, value in answer
    )


def first_difference(one: Any, other: Any, path: str = "$") -> str | None:
    """Where two normalised answers differ first, and in what."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        keys = [[key for key, _ in pairs] for pairs in (one, other)]
        if keys[0] != keys[1]:
            return f"{path}: the keys {keys[0]} and {keys[1]}"
        steps = [(f".{key}", a, b) for (key, a), (_, b) in zip(one, other, strict=True)]
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return f"{path}: {len(one)} and {len(other)} elements"
        steps = [(f"[{place}]", a, b) for place, (a, b) in enumerate(zip(one, other, strict=True))]
    else:
        return None if one == other else f"{path}: {one!r} and {other!r}"
    differences = (first_difference(a, b, path + step) for step, a, b in steps)
    return next(filter(None, differences), None)


@dataclass
class Counts:
    """What was compared: how often, with what result, and how much of it was compiled."""

    asked: int = 0
    answered: int = 0
    compiled: int = 0
    documents: int = 0
    codes: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        shares = f"{self.answered / self.asked:.0%} with data, {self.compiled / self.asked:.0%}"
        codes = ", ".join(f"{code} {count}" for code, count in sorted(self.codes.items()))
        return f"{self.asked} comparisons of {self.documents} documents: {shares} compiled; {codes}"


@dataclass
class ShortWay:
    """How often graphql-core was not needed; `FinishedReads.answer` is all that is known of it."""

    taken: int = 0

    def counted(self, answer: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The same function, but what it answers is counted."""

        async def counted(*arguments: Any, **named: Any) -> Any:
            answered = await answer(*arguments, **named)
            self.taken += answered is not None
            return answered

        return counted


class DifferenceError(AssertionError):
    """The two ways gave different answers, or one of them a fault."""

    def __init__(self, question: Question, report: str) -> None:
        super().__init__(report)
        self.question = question


class Comparison:
    """An application, its oracle, and how often they agreed."""

    def __init__(
        self, holdings: Holdings, publisher: Publisher, oracle: httpx2.AsyncClient
    ) -> None:
        self.holdings = holdings
        self._publisher = publisher
        self._client = publisher.client
        self._oracle = oracle
        self._known: set[str] = set()
        self.short = ShortWay()
        self.counts = Counts()

    async def compare(self, question: Question, seed: str = "none") -> dict[str, Any]:
        """Ask both, and then both again for the pages behind the first.

        Raises:
            DifferenceError: They disagreed; the message holds all that is needed to see it again.
        """
        self.counts.documents += 1
        answer = await self.ask(question, seed)
        if varied := question.varied():
            await self.ask(varied, seed)
        for _ in range(2):
            cursors = {
                variable: found
                for variable, key in question.cursors.items()
                if isinstance(found := _find(answer, key), str)
            }
            if not cursors:
                break
            question = replace(question, variables={**question.variables, **cursors})
            answer = await self.ask(question, seed)
        return answer

    async def ask(self, question: Question, seed: str) -> dict[str, Any]:
        """Ask both once.

        Raises:
            DifferenceError: As above.
        """
        token = await self._token(question.permissions)
        if token not in self._known:
            # What a token may is known from its second request on; only then is there a short way.
            self._known.add(token)
            await self._send(self._client, token, {"query": "{ __typename }"})
        compiled = self.short.taken
        request = {"query": question.text, "variables": question.variables}
        if question.operation is not None:
            request["operationName"] = question.operation
        responses = [
            await self._send(client, token, request) for client in (self._client, self._oracle)
        ]
        one, other = ([response.status_code, normalised(response.text)] for response in responses)
        difference = first_difference(one, other)
        answer: dict[str, Any] = responses[0].json()
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        if difference is not None or codes & FAULTS:
            raise DifferenceError(
                question, _report(question, seed, difference or str(codes), responses)
            )
        self.counts.asked += 1
        self.counts.compiled += self.short.taken > compiled
        self.counts.answered += any(
            value is not None for value in (answer.get("data") or {}).values()
        )
        self.counts.codes.update(codes)
        return answer

    async def _token(self, permissions: frozenset[str]) -> str:
        tokens = self.holdings.tokens
        if permissions not in tokens:
            tokens[permissions] = await self._publisher.issue_token(*sorted(permissions))
        return tokens[permissions]

    async def _send(
        self, client: httpx2.AsyncClient, token: str, request: dict[str, Any]
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await client.post("/graphql", json=request, headers=headers)


@asynccontextmanager
async def comparing(settings: Settings, holdings: Holdings) -> AsyncIterator[Comparison]:
    """Start both applications on what is held, and count what is answered the short way.

    A document is validated once for both, since that takes half of the time otherwise.
    """
    from app.main import create_app

    assert settings.owner_database_url is not None
    owner = await asyncpg.connect(settings.owner_database_url.get_secret_value())
    compiled = create_app(settings)
    through = create_app(settings.model_copy(update={"compiled_reads": False}))
    endpoints = [_endpoint(application) for application in (compiled, through)]
    endpoints[1].operations.documents = endpoints[0].documents
    async with (
        lifespan(compiled),
        lifespan(through),
        client_of(compiled) as client,
        client_of(through) as oracle,
    ):
        publisher = Publisher(owner, client, holdings.tenant_id)
        comparison = Comparison(holdings, publisher, oracle)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(FinishedReads, "answer", comparison.short.counted(FinishedReads.answer))
            yield comparison
    await owner.close()


def _endpoint(application: Starlette) -> GraphQLEndpoint:
    """The endpoint of an application."""
    found = (getattr(route, "endpoint", None) for route in application.routes)
    return next(endpoint for endpoint in found if isinstance(endpoint, GraphQLEndpoint))


def _find(answer: Any, key: str) -> Any:
    """The first value under a key that is not null, wherever it stands."""
    if isinstance(answer, dict):
        if answer.get(key) is not None:
            return answer[key]
        answer = list(answer.values())
    if isinstance(answer, list):
        return next((found for member in answer if (found := _find(member, key))), None)
    return None


def _report(
    question: Question, seed: str, difference: str, responses: list[httpx2.Response]
) -> str:
    shown = [response.text[:1500] for response in responses]
    return "\n".join(
        (
            f"The compiled answer differs at {difference}",
            f"seed: {seed}",
            f"operation: {question.operation}",
            f"variables: {json.dumps(question.variables, ensure_ascii=False)}",
            f"permissions: {' '.join(sorted(question.permissions))}",
            question.text,
            f"compiled: {shown[0]}",
            f"oracle:   {shown[1]}",
        )
    )
