"""The servers that are compared, and how each is asked."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from app.schema.node import encode_id
from app.settings import Settings
from benchmarks.peers.workloads import Workload
from benchmarks.servers import environment, running

HERE = Path(__file__).parent
MARK = "Measured:"
"""How the text of each activity begins that a workload writes."""

NODE_MODULES = HERE / "postgraphile" / "node_modules"


@dataclass(frozen=True)
class Peer:
    """A server: its folder of documents, its name in tables, and how many pages are walked.

    `actor` is whose the token is, for the one that is asked by name and not by token.
    """

    name: str
    title: str
    port: int
    tenant: int
    token: str
    actor: Mapping[str, object]
    most_pages: int = 1_000

    def answers(self, workload: Workload) -> bool:
        """Whether it has a document for a workload."""
        return self._document(workload).exists()

    def serve(self, settings: Settings) -> AbstractContextManager[int]:
        """Start it; gives its process."""
        own = settings.model_copy(update={"port": self.port})
        assert settings.database_url is not None
        variables = {
            **environment(own),
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "PORT": str(self.port),
        }
        if self.name == "postgraphile":
            variables |= {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}
            variables |= _object_store(variables, settings)
            command = [_node(), "server.mjs"]
            return running(command, variables, self.port, HERE / "postgraphile")
        if self.name == "abokonto":
            return running([sys.executable, "-m", "app.cli", "serve"], variables, self.port)
        command = [sys.executable, "-m", "uvicorn", f"benchmarks.peers.{self.name}.server:app"]
        command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
        command += ["--log-level", "warning", "--port", str(self.port)]
        return running(command, variables, self.port)

    def requests(self, workload: Workload) -> Iterator[tuple[bytes, Any]]:
        """Each request of a workload as it goes over the wire, and the data of its answer.

        Raises:
            RuntimeError: when the answer holds an error.
        """
        connection = HTTPConnection("127.0.0.1", self.port)
        for key in workload.keys:
            after: str | None = None
            for _page in range(min(workload.pages, self.most_pages) or 1):
                request = self._request(workload, key, after)
                data = _data(connection, request)
                yield self._prepared(request), data
                if workload.pages:
                    page = data
                    for name in workload.path:
                        page = page[name]
                    if not page["pageInfo"]["hasNextPage"]:
                        break
                    after = page["pageInfo"]["endCursor"]

    def prepared(self, document: str, variables: Mapping[str, Any]) -> bytes:
        """A request with any document, as it goes over the wire."""
        return self._prepared(self._query(document, variables))

    def writing(self, workload: Workload) -> Iterator[bytes]:
        """Each request of a workload that writes, as it goes over the wire; none is sent."""
        for number in range(workload.writes):
            for key in workload.keys:
                yield self._prepared(self._request(workload, key, None, f"{number}"))

    def written(self, workload: Workload) -> Iterator[Any]:
        """The data of the answers to one request for each key of a workload that writes.

        Raises:
            RuntimeError: when the answer holds an error.
        """
        connection = HTTPConnection("127.0.0.1", self.port)
        for key in workload.keys:
            yield _data(connection, self._request(workload, key, None, "compared"))

    def _request(
        self, workload: Workload, key: int | None, after: str | None, text: str = ""
    ) -> tuple[str, bytes, dict[str, str]]:
        """Path, body and headers."""
        variables: dict[str, Any] = {}
        if key is not None:
            variables["id"] = encode_id("Customer", key) if self.name == "abokonto" else key
        if workload.pages:
            variables["after"] = after
        if workload.writes:
            variables |= {"kind": "NOTE", "text": f"{MARK} {text}, {key}"}
        if self.name == "sql":
            if workload.writes:
                variables["actor"] = self.actor
            return f"/{workload.document}", json.dumps(variables).encode(), self._headers()
        if self.name == "postgraphile":
            variables["tenant"] = self.tenant
        return self._query(self._document(workload).read_text(), variables)

    def _query(
        self, document: str, variables: Mapping[str, Any]
    ) -> tuple[str, bytes, dict[str, str]]:
        body = {"query": document, "variables": variables}
        return "/graphql", json.dumps(body).encode(), self._headers()

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.name == "abokonto":
            headers["Authorization"] = f"Bearer {self.token}"
        else:
            headers["x-tenant-id"] = str(self.tenant)
        return headers

    def _prepared(self, request: tuple[str, bytes, Mapping[str, str]]) -> bytes:
        path, body, headers = request
        all_headers = {
            "Host": f"127.0.0.1:{self.port}",
            "Content-Length": str(len(body)),
            **headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in all_headers.items())
        return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body

    def _document(self, workload: Workload) -> Path:
        ending = "sql" if self.name == "sql" else "graphql"
        return HERE / self.name / f"{workload.document}.{ending}"


def known_peers(port: int, tenant: int, token: str, actor: Mapping[str, object]) -> list[Peer]:
    """All peers, on ports behind each other."""
    return [
        Peer("abokonto", "Abokonto", port, tenant, token, actor),
        Peer("postgraphile", "PostGraphile 5", port + 1, tenant, token, actor),
        Peer("sql", "SQL endpoint", port + 2, tenant, token, actor),
        # Each of its pages reads all rows, so that more pages would say nothing new.
        Peer("strawberry", "plain Strawberry", port + 3, tenant, token, actor, most_pages=3),
    ]


def _data(connection: HTTPConnection, request: tuple[str, bytes, Mapping[str, str]]) -> Any:
    path, body, headers = request
    connection.request("POST", path, body, dict(headers))
    response = connection.getresponse()
    answer = json.loads(response.read() or b"null")
    if response.status != 200 or not answer or "errors" in answer:
        raise RuntimeError(f"{response.status}: {json.dumps(answer)[:2000]}")
    return answer["data"]


def _node() -> str:
    """PostGraphile's own node, or the machine's where there is none for it."""
    own = next(NODE_MODULES.glob("node-*/bin/node"), None)
    return str(own or "node")


def _object_store(variables: Mapping[str, str], settings: Settings) -> dict[str, str]:
    given = {name[9:]: value for name, value in variables.items() if name.startswith("ABOKONTO_S3")}
    return {"S3_REGION": settings.s3_region, "S3_BUCKET": settings.s3_bucket, **given}
