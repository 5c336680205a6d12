"""A client that sends queries one after the other and notes how long each took."""

import json
import statistics
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

WARM_UP = 20
"""How many requests go unmeasured: documents get cached, statements prepared, pages read."""


@dataclass(frozen=True)
class Query:
    """A query and who sends it; `checked` is what the answer must say, so that it is the same."""

    text: str
    variables: dict[str, Any]
    token: str


@dataclass
class Answered:
    """How long the answers to a query took, in milliseconds."""

    times: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The time that half of the answers took at most."""
        return statistics.median(self.times)

    @property
    def p99(self) -> float:
        """The time that 99 of 100 answers took at most."""
        return statistics.quantiles(self.times, n=100)[98]


class Client:
    """One connection, kept open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port)

    def send(self, query: Query) -> dict[str, Any]:
        """The data of an answer.

        Raises:
            RuntimeError: when the answer holds an error.
        """
        self._connection.request(
            "POST",
            "/graphql",
            json.dumps({"query": query.text, "variables": query.variables}),
            {"Content-Type": "application/json", "Authorization": f"Bearer {query.token}"},
        )
        answer = json.loads(self._connection.getresponse().read())
        if "errors" in answer:
            raise RuntimeError(answer["errors"])
        data: dict[str, Any] = answer["data"]
        return data

    def timed(self, query: Query) -> float:
        """The milliseconds until the answer was there and read."""
        begin = time.perf_counter()
        self.send(query)
        return (time.perf_counter() - begin) * 1000


def alternate(url: str, first: Query, second: Query, seconds: float) -> tuple[Answered, Answered]:
    """Send two queries in turn for so long, and give the times of each."""
    client = Client(url)
    for _ in range(WARM_UP):
        client.send(first)
        client.send(second)
    answered = (Answered(), Answered())
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        answered[0].times.append(client.timed(first))
        answered[1].times.append(client.timed(second))
    return answered
