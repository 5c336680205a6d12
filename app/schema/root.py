"""The root of the schema: where every query begins."""

import operator
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import strawberry
from graphql import GraphQLResolveInfo
from sqlalchemy import BigInteger, ColumnElement, case, cast, func, literal_column, select
from strawberry import UNSET
from strawberry.schema.config import StrawberryConfig
from strawberry.types.info import Info

from app.actions import all_actions
from app.auth.permissions import Permission
from app.context import Caller, RequestContext
from app.database import Principal
from app.domain.search import query_terms
from app.errors import ApiError, ErrorCode
from app.models.customer_term import CustomerCount, TermSource
from app.resolvers.fields import field
from app.resolvers.inquiries import read_inquiry
from app.resolvers.loaders import Read, RowRead, UniqueRead
from app.resolvers.reads import Columns, Key, Lookup, Lookups, OfCaller, Row, Search, record_of
from app.resolvers.sql import tenant
from app.scalars import SCALARS, EmailAddress
from app.schema import staff_account as staff_account  # Its mutations are declared there.
from app.schema.access import Access, access_of
from app.schema.additional_data import AdditionalDataDefinition
from app.schema.anonymization import preview as anonymization_preview
from app.schema.billing_profile import BillingProfile
from app.schema.catalogue import Offer, Product, Publication
from app.schema.checkout import preview
from app.schema.connection import Connection, tab, words_in
from app.schema.correction import preview as correction_preview
from app.schema.customer import Customer
from app.schema.goodwill import GoodwillLimit
from app.schema.goodwill_report import GoodwillGrouping, GoodwillReport, read_goodwill_report
from app.schema.history import HistoryEntry
from app.schema.history_verification import (
    HistoryAnchorInput,
    HistoryVerification,
    read_verification,
)
from app.schema.identity import IDENTITY_MUTATIONS
from app.schema.inputs import checked_text
from app.schema.mutations import mutations
from app.schema.node import Node, encode_id, global_key, key_of
from app.schema.opt_in import OptInText
from app.schema.sepa_batch import SepaBatch
from app.schema.staff import AccessToken, Role, StaffInvitation, StaffMembership
from app.schema.staff_sessions import StaffSession, my_sessions
from app.schema.tax_rate import TaxRate
from app.schema.viewer import Viewer
from app.schema.voucher import Voucher

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


def _customer_terms(caller: Caller, text: str) -> tuple[str, ...]:
    """The beginnings of terms that a customer must have all of.

    Raises:
        ApiError: BAD_REQUEST when nothing in the text can be looked for.
    """
    terms = query_terms(text, caller.hash_iban)
    if not terms:
        raise ApiError(ErrorCode.BAD_REQUEST, "`search` takes letters or digits to look for.")
    return tuple(terms)


_SOURCES = {
    TermSource.CUSTOMER: Permission.CUSTOMER_READ,
    TermSource.ADDRESS: Permission.ADDRESS_READ,
    TermSource.BANK_ACCOUNT: Permission.BANK_ACCOUNT_READ,
    TermSource.INVOICE: Permission.INVOICE_READ,
}


def _sources(caller: Caller) -> tuple[int, ...]:
    """Where the caller may look: a search must not tell what reading would refuse."""
    return tuple(source for source, needs in _SOURCES.items() if needs in caller.permissions)


def _has_terms(
    t: Columns, terms: ColumnElement[Any], sources: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether a customer has a term with each of these beginnings."""
    found = func.abokonto.find_customers(tenant(), terms, sources, type_=BigInteger)
    return t.id.in_(select(found.column_valued("customer_id")))


def _all_customers() -> ColumnElement[int]:
    """The tenant's customers, summed over the counters that triggers keep; to a customer who has
    signed in there is one.
    """
    total = select(func.coalesce(func.sum(CustomerCount.count), literal_column("0"))).where(
        CustomerCount.tenant_id == tenant()
    )
    everybody = func.abokonto.current_customer(type_=BigInteger).is_(None)
    return cast(case((everybody, total.scalar_subquery()), else_=1), BigInteger)


def _customer_key(arguments: Mapping[str, Any]) -> Key:
    """The key by which a customer is asked for."""
    by: CustomerBy = arguments["by"]
    record = record_of(Customer)
    if record is None:
        raise TypeError("A customer is a record.")
    if by.id is not UNSET and by.id is not None:
        return Key(record, None, key_of(by.id, Customer))
    if by.number is not UNSET and by.number is not None:
        return Key(record, "number", checked_text("number", by.number))
    if by.email is not UNSET and by.email is not None:
        return Key(record, "email_key", checked_text("email", by.email).lower())
    return Key(record, "external_id", checked_text("externalId", by.external_id or ""))


def _node_key(arguments: Mapping[str, Any]) -> Key:
    """The key that an opaque id holds."""
    found = global_key(arguments["id"])
    return Key(found.record, None, found.key)


def _viewer(principal: Principal) -> Row:
    """The fields of `Viewer`."""
    own = principal.customer_id
    return {
        "kind": principal.kind,
        "name": principal.name,
        "customer_id": None if own is None else encode_id("Customer", own),
        "tenant_id": principal.tenant_id,
        "permissions": sorted(principal.permissions),
    }


def _node_keys(arguments: Mapping[str, Any]) -> list[Key | ApiError]:
    """The keys that opaque ids hold, and at the place of what is none what is wrong with it.

    Raises:
        ApiError: BAD_REQUEST when there are too many.
    """
    ids: list[strawberry.ID] = arguments["ids"]
    if len(ids) > MOST_IDS:
        raise ApiError(ErrorCode.BAD_REQUEST, f"`ids` takes at most {MOST_IDS} ids.")
    keys: list[Key | ApiError] = []
    for key in ids:
        try:
            keys.append(_node_key({"id": key}))
        except ApiError as error:
            keys.append(error)
    return keys


_CUSTOMER = Lookup(_customer_key, "There is no such customer.")
_ACCESS = access_of(_customer_key, _CUSTOMER.missing)
_NODE = Lookup(_node_key, "There is no record with that id.")
_NODES = Lookups(_node_keys, _NODE.missing)


@strawberry.type(description="Everything that can be read.")
class Query:
    """The root of all queries."""

    @field("Who is asking, and what they may do.", needs=None, read=OfCaller(_viewer))
    def viewer(self, info: Info) -> Viewer:
        """Answer from the token; nothing is read."""
        return _viewer(_context(info)[0].principal)  # type: ignore[return-value]  # A source.

    @field(
        "The sessions of the member of staff who asks, the newest first; none for programs.",
        needs=None,
    )
    async def my_sessions(self, info: Info) -> list[StaffSession]:
        """List the caller's own sessions, at whatever tenant."""
        return await my_sessions(_context(info)[0])  # type: ignore[return-value]  # Sources.

    @field(
        "A customer by one of their keys; null with the error NOT_FOUND when there is none.",
        needs=Permission.CUSTOMER_READ,
        read=_CUSTOMER,
    )
    async def customer(
        self,
        info: Info,
        by: Annotated[CustomerBy, strawberry.argument(description="Which customer.")],
    ) -> Customer | None:
        """Find a customer."""
        return await _record(info, _customer_key({"by": by}), _CUSTOMER.missing)  # type: ignore[return-value]  # A source.

    @field(
        "Whether a customer has access at this moment, and why not. It asks for the rights, the "
        "blocked access and anonymisation; whether somebody may log in is another matter.",
        needs=Permission.ACCESS_CHECK,
        read=_ACCESS,
    )
    async def has_access(
        self,
        info: Info,
        customer: Annotated[CustomerBy, strawberry.argument(description="Which customer.")],
        unique_id: Annotated[
            str, strawberry.argument(description="What is asked for: a product's unique id.")
        ],
    ) -> Access | None:
        """Answer a paywall."""
        asked = _ACCESS.find({"customer": customer, "unique_id": unique_id})
        return await read_inquiry(_context(info)[0], _ACCESS, asked)  # type: ignore[return-value]  # A source.

    @field(
        "Any record by its opaque id; null with the error NOT_FOUND when there is none.",
        needs=None,
        read=_NODE,
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The opaque id.")],
    ) -> Node | None:
        """Find a record of whatever type."""
        return await _record(info, _node_key({"id": id}), _NODE.missing)  # type: ignore[return-value]  # A source.

    @field(
        "Records by their opaque ids, in the order of the ids. Where there is none, there is "
        "null and an error that names its place.",
        needs=None,
        read=_NODES,
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="At most 100 opaque ids.")
        ],
    ) -> list[Node | None]:
        """Find records of whatever types."""
        keys = _node_keys({"ids": ids})
        return [_record(info, key, _NODES.missing) for key in keys]  # type: ignore[misc]  # Awaited.

    @field(
        "What was given away in some days, by whom, why, of what kind or when. Days are those of "
        "the tenant's time zone.",
        needs=Permission.GOODWILL_REPORT,
    )
    async def goodwill_report(
        self,
        info: Info,
        since: Annotated[date, strawberry.argument(name="from", description="The first day.")],
        until: Annotated[
            date, strawberry.argument(description="The last day, at most ten years later.")
        ],
        group_by: Annotated[
            GoodwillGrouping, strawberry.argument(description="What the rows are about.")
        ],
    ) -> GoodwillReport | None:
        """Add up a tenant's gifts."""
        return await read_goodwill_report(_context(info)[0], since, until, group_by)  # type: ignore[return-value]  # A source.

    @field(
        "Whether the tenant's history is what it was: each entry's hash is computed anew, and so "
        "is each seal. At most 100,000 entries are looked at.",
        needs=Permission.HISTORY_VERIFY,
    )
    async def verify_history(
        self,
        info: Info,
        first: Annotated[
            int, strawberry.argument(name="from", description="The first position.")
        ] = 1,
        until: Annotated[
            int | None, strawberry.argument(description="The last one; else the newest.")
        ] = None,
        expect: Annotated[
            HistoryAnchorInput | None,
            strawberry.argument(description="What an `anchor` was, so that its entry must be it."),
        ] = None,
    ) -> HistoryVerification | None:
        """Go through the history."""
        return await read_verification(_context(info)[0], first, until, expect)  # type: ignore[return-value]  # A source.

    @field(
        "How the tenant bills, and what its documents say of it.",
        needs=Permission.BILLING_READ,
    )
    async def billing_profile(self, info: Info) -> BillingProfile | None:
        """Find the tenant's own, of which there is always one."""
        found = record_of(BillingProfile)
        if found is None:
            raise TypeError("A billing profile is a record.")
        key = Key(found, "tenant_id", _context(info)[0].principal.tenant_id)
        return await _record(info, key, "There is no billing profile.")  # type: ignore[return-value]  # A source.

    preview_checkout = preview
    preview_correction = correction_preview
    preview_anonymization = anonymization_preview
    customers: Connection[Customer] | None = tab(
        (),
        "The tenant's customers. `search` looks for words by their beginnings in names, e-mail "
        "addresses, customer numbers, external ids, addresses, IBANs (whole) and invoice numbers.",
        needs=Permission.CUSTOMER_READ,
        search=Search("Words, by their beginnings.", _customer_terms, _has_terms, _sources),
        total=_all_customers,
    )
    products: Connection[Product] | None = tab(
        (),
        "What the tenant sells.",
        needs=Permission.CATALOGUE_READ,
        search=words_in("name", "access_id"),
    )
    offers: Connection[Offer] | None = tab(
        (),
        "At which prices and terms it is sold.",
        needs=Permission.CATALOGUE_READ,
        search=words_in("code", "name"),
    )
    publications: Connection[Publication] | None = tab(
        (),
        "The newspapers and magazines.",
        needs=Permission.CATALOGUE_READ,
        search=words_in("title"),
    )
    vouchers: Connection[Voucher] | None = tab(
        (),
        "The codes that make orders cheaper.",
        needs=Permission.VOUCHER_READ,
        search=words_in("code", "name"),
    )
    sepa_batches: Connection[SepaBatch] | None = tab(
        (),
        "The debits that were handed to the bank, batch by batch.",
        needs=Permission.SEPA_BATCH_READ,
    )
    tax_rates: Connection[TaxRate] | None = tab(
        (),
        "The tax rates of all countries that are known, by class and day.",
        needs=Permission.CATALOGUE_READ,
    )
    goodwill_limits: Connection[GoodwillLimit] | None = tab(
        (),
        "How much roles may give away.",
        needs=Permission.STAFF_READ,
    )
    tenant_history: Connection[HistoryEntry] | None = tab(
        (),
        "What was done outside of any customer's account: to the catalogue, to definitions.",
        needs=Permission.HISTORY_READ,
        only=lambda t: t.customer_id.is_(None),
    )
    staff: Connection[StaffMembership] | None = tab(
        (), "The people who work for the tenant, or did.", needs=Permission.STAFF_READ
    )
    staff_invitations: Connection[StaffInvitation] | None = tab(
        (), "Those who were invited to.", needs=Permission.STAFF_READ
    )
    roles: Connection[Role] | None = tab(
        (), "What members of staff may, by roles.", needs=Permission.STAFF_READ
    )
    access_tokens: Connection[AccessToken] | None = tab(
        (),
        "The tokens of partners and those that were made for people; sessions are none of them.",
        needs=Permission.TOKEN_READ,
        only=lambda t: t.signed_in_by.is_(None),
    )
    additional_data_definitions: Connection[AdditionalDataDefinition] | None = tab(
        (),
        "The fields of your own that customers, orders and subscriptions have.",
        needs=Permission.ADDITIONAL_DATA_READ,
    )
    opt_in_texts: Connection[OptInText] | None = tab(
        (),
        "The declarations that customers agree to, in all their versions.",
        needs=Permission.OPT_IN_READ,
        search=words_in("text"),
    )


async def _record(info: Info, key: Key | ApiError, missing: str) -> Row:
    """A record with the name of its type.

    Raises:
        ApiError: What stands in place of the key, FORBIDDEN without the type's permission,
            NOT_FOUND with the message `missing` when there is no such record in the tenant.
    """
    context, raw = _context(info)
    if isinstance(key, ApiError):
        raise key
    context.caller.require(key.record.needs)
    shape = context.selections.row(raw, key.record.name)
    read: Read
    if key.column is None:
        read = RowRead(shape, key.record, key.value)
    else:
        read = UniqueRead(shape, key.record, key.column, key.value)
    row: Row | None = await context.loader.load(read)
    if row is None:
        raise ApiError(ErrorCode.NOT_FOUND, missing)
    return {"__typename": key.record.name, **row}


schema = strawberry.Schema(
    query=Query,
    mutation=mutations(all_actions(), IDENTITY_MUTATIONS),
    # Sources are dictionaries throughout, keyed by the fields' names in Python.
    config=StrawberryConfig(default_resolver=operator.getitem, scalar_map=SCALARS),
)
