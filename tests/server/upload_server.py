"""A server with one mutation that takes files, as a process of its own or in the test's."""

import socket
from dataclasses import dataclass
from typing import Any

import strawberry
import uvicorn
from strawberry.schema.config import StrawberryConfig

from app.scalars import SCALARS, UploadedFile
from app.server.graphql_http import GraphQLEndpoint
from app.server.operations import Operations
from app.settings import Settings
from tests.server.endpoint import Gate


@strawberry.type
class Kept:
    """What came of a file."""

    name: str
    bytes: int
    size_bytes: int
    content_type: str


@strawberry.type
class Query:
    @strawberry.field
    def hello(self) -> str:
        return "Hello"

    @strawberry.field
    def size(self, file: UploadedFile) -> int:
        return file.size_bytes


@strawberry.type
class Mutation:
    @strawberry.mutation
    def keep(self, files: list[UploadedFile]) -> list[Kept]:
        return [
            Kept(
                name=file.name,
                bytes=len(file.content),
                size_bytes=file.size_bytes,
                content_type=file.content_type,
            )
            for file in files
        ]


SCHEMA = strawberry.Schema(Query, Mutation, config=StrawberryConfig(scalar_map=SCALARS))


@dataclass
class Server:
    """The endpoint, and the gate that notes who was let in."""

    gate: Gate
    endpoint: GraphQLEndpoint


def server(**settings: Any) -> Server:
    """The endpoint over this schema."""
    gate, configured = Gate(), Settings(**settings)
    return Server(gate, GraphQLEndpoint(Operations(SCHEMA, configured, gate), configured))


def main() -> None:
    """Serve, and print the port."""
    from app.server.protocol import LimitedHttpProtocol

    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)  # noqa: T201  The test reads it.
        config = uvicorn.Config(
            server().endpoint, http=LimitedHttpProtocol, log_config=None, lifespan="off", ws="none"
        )
        uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
