"""The root of the schema: where every query begins."""

import operator
from typing import Annotated, Any

import strawberry
from graphql import GraphQLResolveInfo
from sqlalchemy import BigInteger, ColumnElement, Text, any_, cast, func, literal_column, select
from strawberry import UNSET
from strawberry.schema.config import StrawberryConfig
from strawberry.types.info import Info

from app.auth.permissions import Permission
from app.context import RequestContext
from app.domain.search import query_terms
from app.errors import ApiError, ErrorCode
from app.models.customer_term import CustomerCount, CustomerTerm, TermSource
from app.resolvers.fields import Columns, RecordType, Search, field, record_of
from app.resolvers.loaders import Read, RowRead, UniqueRead
from app.resolvers.sql import tenant
from app.schema.catalogue import Offer, Product, Publication
from app.schema.connection import Connection, tab
from app.schema.customer import Customer
from app.schema.inputs import checked_text
from app.schema.node import Node, global_key, key_of
from app.schema.scalars import SCALARS, EmailAddress
from app.schema.viewer import Viewer

MOST_IDS = 100


def _context(info: Info) -> tuple[RequestContext, GraphQLResolveInfo[Any]]:
    context: RequestContext = info.context
    return context, info._raw_info  # noqa: SLF001  Strawberry offers no other way to the AST.


@strawberry.input(
    one_of=True, description="How a customer is named: exactly one of these must be given."
)
class CustomerBy:
    """One of the keys that are unique in a tenant."""

    id: strawberry.ID | None = strawberry.field(default=UNSET, description="The opaque id.")
    number: str | None = strawberry.field(default=UNSET, description="The customer number.")
    email: EmailAddress | None = strawberry.field(
        default=UNSET, description="The e-mail address, whatever its case."
    )
    external_id: str | None = strawberry.field(
        default=UNSET, description="The id in another system."
    )


def _customer_terms(context: RequestContext, text: str) -> tuple[str, ...]:
    """The beginnings of terms that a customer must have all of.

    Raises:
        ApiError: BAD_REQUEST when nothing in the text can be looked for.
    """
    terms = query_terms(text, context.keyring.lookup_hash)
    if not terms:
        raise ApiError(ErrorCode.BAD_REQUEST, "`search` takes letters or digits to look for.")
    return tuple(terms)


_SOURCES = {
    TermSource.CUSTOMER: Permission.CUSTOMER_READ,
    TermSource.ADDRESS: Permission.ADDRESS_READ,
    TermSource.BANK_ACCOUNT: Permission.BANK_ACCOUNT_READ,
    TermSource.INVOICE: Permission.INVOICE_READ,
}


def _sources(context: RequestContext) -> tuple[int, ...]:
    """Where the caller may look: a search must not tell what reading would refuse."""
    return tuple(
        source for source, needs in _SOURCES.items() if needs in context.principal.permissions
    )


def _has_term(
    t: Columns, term: ColumnElement[str], sources: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether a customer has a term with this beginning: a range of an index."""
    matches = select(CustomerTerm.customer_id).where(
        CustomerTerm.tenant_id == tenant(),
        CustomerTerm.term >= term,
        CustomerTerm.source == any_(sources),
        CustomerTerm.term < term.concat(literal_column("U&'\\+10FFFF'", Text)),
    )
    return t.id.in_(matches)


def _all_customers() -> ColumnElement[int]:
    """The tenant's customers, summed over the counters that triggers keep."""
    total = select(func.coalesce(func.sum(CustomerCount.count), literal_column("0"))).where(
        CustomerCount.tenant_id == tenant()
    )
    return cast(total.scalar_subquery(), BigInteger)


@strawberry.type(description="Everything that can be read.")
class Query:
    """The root of all queries."""

    @field("Who is asking, and what they may do.", needs=None)
    def viewer(self, info: Info) -> Viewer:
        """Answer from the token; nothing is read."""
        principal = _context(info)[0].principal
        return {  # type: ignore[return-value]  # Sources are dictionaries throughout.
            "kind": principal.kind,
            "name": principal.name,
            "tenant_id": principal.tenant_id,
            "permissions": sorted(principal.permissions),
        }

    @field(
        "A customer by one of their keys; null with the error NOT_FOUND when there is none.",
        needs=Permission.CUSTOMER_READ,
    )
    async def customer(
        self,
        info: Info,
        by: Annotated[CustomerBy, strawberry.argument(description="Which customer.")],
    ) -> Customer | None:
        """Find a customer."""
        context, raw = _context(info)
        record = record_of(Customer)
        shape = context.selections.row(raw)
        if record is None:
            raise TypeError("A customer is a record.")
        read: Read
        if by.id is not UNSET and by.id is not None:
            read = RowRead(shape, record, key_of(by.id, Customer))
        elif by.number is not UNSET and by.number is not None:
            read = UniqueRead(shape, record, "number", checked_text("number", by.number))
        elif by.email is not UNSET and by.email is not None:
            email = checked_text("email", by.email).lower()
            read = UniqueRead(shape, record, "email_key", email)
        else:
            external_id = checked_text("externalId", by.external_id or "")
            read = UniqueRead(shape, record, "external_id", external_id)
        row: Customer | None = await context.loader.load(read)
        if row is None:
            raise ApiError(ErrorCode.NOT_FOUND, "There is no such customer.")
        return row

    @field(
        "Any record by its opaque id; null with the error NOT_FOUND when there is none.",
        needs=None,
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The opaque id.")],
    ) -> Node | None:
        """Find a record of whatever type."""
        context, raw = _context(info)
        return await _node(context, raw, id)  # type: ignore[return-value]  # A dictionary.

    @field(
        "Records by their opaque ids, in the order of the ids. Where there is none, there is "
        "null and an error that names its place.",
        needs=None,
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="At most 100 opaque ids.")
        ],
    ) -> list[Node | None]:
        """Find records of whatever types."""
        context, raw = _context(info)
        if len(ids) > MOST_IDS:
            raise ApiError(ErrorCode.BAD_REQUEST, f"`ids` takes at most {MOST_IDS} ids.")
        return [_node(context, raw, key) for key in ids]  # type: ignore[misc]  # graphql-core awaits.

    customers: Connection[Customer] | None = tab(
        (),
        "The tenant's customers. `search` looks for words by their beginnings in names, e-mail "
        "addresses, customer numbers, external ids, addresses, IBANs (whole) and invoice numbers.",
        needs=Permission.CUSTOMER_READ,
        search=Search(_customer_terms, _has_term, _sources),
        total=_all_customers,
    )
    products: Connection[Product] | None = tab(
        (), "What the tenant sells.", needs=Permission.CATALOGUE_READ
    )
    offers: Connection[Offer] | None = tab(
        (), "At which prices and terms it is sold.", needs=Permission.CATALOGUE_READ
    )
    publications: Connection[Publication] | None = tab(
        (), "The newspapers and magazines.", needs=Permission.CATALOGUE_READ
    )


async def _node(context: RequestContext, raw: GraphQLResolveInfo[Any], id: str) -> dict[str, Any]:
    """A record with the name of its type.

    Raises:
        ApiError: BAD_REQUEST for a malformed id, FORBIDDEN without the type's permission,
            NOT_FOUND when there is no such record in the tenant.
    """
    found = global_key(id)
    context.require(found.record.needs)
    record: RecordType = found.record
    shape = context.selections.row(raw, record.name)
    row: dict[str, Any] | None = await context.loader.load(RowRead(shape, record, found.key))
    if row is None:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no record with that id.")
    return {"__typename": record.name, **row}


schema = strawberry.Schema(
    query=Query,
    # Sources are dictionaries throughout, keyed by the fields' names in Python.
    config=StrawberryConfig(default_resolver=operator.getitem, scalar_map=SCALARS),
)
