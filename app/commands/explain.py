"""Shows how an operation is answered: the SQL it is compiled to, and PostgreSQL's plan for it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.auth.permissions import Permission
from app.auth.tokens import hash_token
from app.commands.database import application_url, owner_url
from app.commands.errors import CommandError
from app.commands.pretty_sql import pretty
from app.errors import ApiError
from app.settings import Settings

if TYPE_CHECKING:
    import asyncpg
    from graphql.execution.values import VariableValues

    from app.database import Principal
    from app.resolvers.plan import Plan
    from app.server.documents import Operation

_AUTHENTICATE = (
    "SELECT kind, token_id, tenant_id, staff_id, customer_id, name, permissions"
    " FROM abokonto.authenticate($1)"
)
_TOKEN_NAME = "abokonto explain"  # noqa: S105  This is the name of a token.
_TOKEN_LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True)
class Asked:
    """What is to be explained: a document, one of its operations, and values of its variables."""

    document: str
    operation: str | None
    variables: Mapping[str, Any]


def read_variables(text: str) -> dict[str, Any]:
    """The variables in a JSON object.

    Raises:
        CommandError: It is none.
    """
    try:
        variables = json.loads(text)
    except ValueError as error:
        raise CommandError(f"The variables are no JSON: {error}.") from error
    if not isinstance(variables, dict):
        raise CommandError("The variables must be a JSON object.")
    return variables


def explain(
    settings: Settings,
    asked: Asked,
    *,
    token: str | None,
    tenant: str | None,
    analyze: bool,
    sql_only: bool,
) -> str:
    """The SQL of an operation with its parameters, and the plan unless it is not wanted.

    Who asks is the holder of `token`, or somebody who may see everything of `tenant`.

    Raises:
        CommandError: The document, the variables, the token or the tenant are wrong, or the
            operation is not compiled; the message says why.
    """
    if (token is None) == (tenant is None):
        raise CommandError("Say who asks with either --token or --tenant.")
    operation, variables = _operation(settings, asked)
    url = application_url(settings)
    held = _held(token) if tenant is None else _made(owner_url(settings), tenant)

    async def run() -> str:
        async with held as secret, _reading(url) as connection:
            token_hash = hash_token(secret)
            principal = await _principal(connection, token_hash)
            plan = _plan(settings, operation, variables, asked.variables, principal)
            statement = plan.statement
            values = {**plan.parameters, "token_hash": token_hash, "client": None}
            arguments = statement.arguments(values)
            shown = _with_parameters(statement.sql, statement.names, arguments)
            if sql_only:
                return shown
            explained = await _explained(connection, statement.sql, arguments, analyze=analyze)
            return f"{shown}\n\n{explained}"

    return asyncio.run(run())


def _operation(settings: Settings, asked: Asked) -> "tuple[Operation, VariableValues]":
    """The operation and its variables, checked as the server checks them."""
    from graphql import OperationType
    from graphql.execution.values import get_variable_values

    from app.schema.root import schema
    from app.server.documents import DocumentCache
    from app.server.limits import Limits

    core = schema._schema  # noqa: SLF001  Strawberry has no public name.
    document = DocumentCache(core, Limits.of(settings)).prepare(asked.document)
    if document.errors:
        messages = " ".join(error["message"] for error in document.errors)
        raise CommandError(f"The document is wrong: {_on_one_line(messages)}")
    try:
        operation = document.operation(asked.operation)
    except ApiError as error:
        raise CommandError(error.message) from error
    if operation.kind is not OperationType.QUERY:
        raise CommandError("Only queries are compiled.")
    definitions = operation.node.variable_definitions or ()
    variables = get_variable_values(core, definitions, dict(asked.variables))
    if isinstance(variables, list):
        messages = " ".join(error.message for error in variables)
        raise CommandError(f"The variables are wrong: {_on_one_line(messages)}")
    return operation, variables


def _plan(
    settings: Settings,
    operation: "Operation",
    variables: "VariableValues",
    raw: Mapping[str, Any],
    principal: "Principal",
) -> "Plan":
    """The plan that the server would make for such a caller."""
    from graphql import GraphQLError

    from app.context import Caller
    from app.encryption import Keyring
    from app.resolvers.outline import NotCompiled
    from app.resolvers.plan import Plans
    from app.resolvers.statements import Kept, StatementCache
    from app.schema.root import schema

    document = operation.document
    assert document.ast is not None  # noqa: S101  Valid documents have one.
    caller = Caller(principal.permissions, Keyring.from_settings(settings).lookup_hash)
    plans = Plans(schema, document.ast, document.fragments, operation.node, Kept(StatementCache()))
    try:
        return plans.made(variables, raw, caller)
    except (NotCompiled, GraphQLError) as reason:
        raise CommandError(
            f"This is not compiled but answered by graphql-core: {reason}"
        ) from reason


@asynccontextmanager
async def _held(token: str | None) -> AsyncIterator[str]:
    """The token of somebody."""
    yield (token or "").strip()


@asynccontextmanager
async def _made(url: str, tenant: str) -> AsyncIterator[str]:
    """A token that may see everything of a tenant, for as long as the block runs."""
    import asyncpg

    from app.auth.administration import AdministrationError, create_partner_token

    owner = await asyncpg.connect(url)
    try:
        token = await create_partner_token(
            owner,
            tenant=tenant,
            name=_TOKEN_NAME,
            scopes=Permission,
            expires_at=datetime.now(UTC) + _TOKEN_LIFETIME,
        )
        try:
            yield token
        finally:
            await owner.execute("DELETE FROM access_token WHERE hash = $1", hash_token(token))
    except AdministrationError as error:
        raise CommandError(str(error)) from error
    finally:
        await owner.close()


@asynccontextmanager
async def _reading(url: str) -> AsyncIterator["asyncpg.Connection"]:
    """A read-only transaction of the application's role that plans as those of the server do."""
    import asyncpg

    connection = await asyncpg.connect(
        url, server_settings={"timezone": "UTC", "plan_cache_mode": "force_generic_plan"}
    )
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        await connection.close()


async def _principal(connection: "asyncpg.Connection", token_hash: bytes) -> "Principal":
    """Who holds a token; the tenant that row-level security lets through is set by the way."""
    from app.database import Principal

    try:
        return Principal.of(await connection.fetchrow(_AUTHENTICATE, token_hash))
    except ApiError as error:
        raise CommandError(error.message) from error


def _with_parameters(sql: str, names: Sequence[str], arguments: Sequence[Any]) -> str:
    """The SQL, and below it what its parameters stand for; a token's hash is not shown."""
    lines = [pretty(sql), ""]
    for number, (name, value) in enumerate(zip(names, arguments, strict=True), 1):
        shown = "the hash of the caller's token" if isinstance(value, bytes) else repr(value)
        lines.append(f"-- ${number} {name}: {shown}")
    return "\n".join(lines)


async def _explained(
    connection: "asyncpg.Connection", sql: str, arguments: Sequence[Any], *, analyze: bool
) -> str:
    """PostgreSQL's plan of the statement, prepared as the server prepares it."""
    prepared = await connection.prepare(sql)
    values = []
    for type_, value in zip(prepared.get_parameters(), arguments, strict=True):
        name = f"{type_.schema}.{type_.name}"
        text = await connection.fetchval(f"SELECT quote_nullable($1::{name}::text)", value)
        values.append(f"{text}::{name}")
    await connection.execute(f"PREPARE explained AS {sql}")
    options = "(ANALYZE, BUFFERS)" if analyze else "(COSTS)"
    rows = await connection.fetch(f"EXPLAIN {options} EXECUTE explained ({', '.join(values)})")
    return "\n".join(row[0] for row in rows)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
