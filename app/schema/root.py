"""The root of the schema: where every query begins."""

import operator
from datetime import date
from typing import Annotated

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.info import Info

from app.actions import all_actions
from app.auth.permissions import Permission
from app.context import RequestContext
from app.database import Principal
from app.resolvers.fields import field
from app.resolvers.inquiries import read_inquiry
from app.resolvers.reads import Key, OfCaller, Row, record_of
from app.scalars import SCALARS
from app.schema import customer_account as customer_account  # Mutations are declared there.
from app.schema import staff_account as staff_account  # As there.
from app.schema import staff_sessions as staff_sessions  # As there.
from app.schema.access import Access, access_of
from app.schema.additional_data import AdditionalDataDefinition
from app.schema.anonymization import preview as anonymization_preview
from app.schema.anonymization_request import AnonymizationRequest
from app.schema.billing_profile import BillingProfile
from app.schema.catalogue import Offer, Product, Publication
from app.schema.changes import SubscriptionRoot
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
from app.schema.lookups import (
    CUSTOMER,
    NODE,
    NODES,
    CustomerBy,
    customer_key,
    find_record,
    node_key,
    node_keys,
)
from app.schema.merging import preview as merge_preview
from app.schema.mutations import mutations
from app.schema.node import Node, encode_id
from app.schema.opt_in import OptInText
from app.schema.overview import BY_WORDS, all_customers
from app.schema.own_sessions import OwnSession, my_sessions
from app.schema.sepa_batch import SepaBatch
from app.schema.staff import AccessToken, Role, StaffInvitation, StaffMembership
from app.schema.tax_rate import TaxRate
from app.schema.tenant_settings import tenant_settings
from app.schema.viewer import Viewer
from app.schema.voucher import Voucher


def _context(info: Info) -> RequestContext:
    context: RequestContext = info.context
    return context


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


_ACCESS = access_of(customer_key, CUSTOMER.missing)


@strawberry.type(description="Everything that can be read.")
class Query:
    """The root of all queries."""

    @field("Who is asking, and what they may do.", needs=None, read=OfCaller(_viewer))
    def viewer(self, info: Info) -> Viewer:
        """Answer from the token; nothing is read."""
        return _viewer(_context(info).principal)  # type: ignore[return-value]  # A source.

    @field(
        "The sessions of whoever asks, a member of staff (at whatever tenant) or a customer, the "
        "newest first; none for programs.",
        needs=None,
    )
    async def my_sessions(self, info: Info) -> list[OwnSession]:
        """List the caller's own sessions."""
        return await my_sessions(_context(info))  # type: ignore[return-value]  # Sources.

    @field(
        "A customer by one of their keys; null with the error NOT_FOUND when there is none.",
        needs=Permission.CUSTOMER_READ,
        read=CUSTOMER,
    )
    async def customer(
        self,
        info: Info,
        by: Annotated[CustomerBy, strawberry.argument(description="Which customer.")],
    ) -> Customer | None:
        """Find a customer."""
        return await find_record(info, customer_key({"by": by}), CUSTOMER.missing)  # type: ignore[return-value]  # A source.

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
        return await read_inquiry(_context(info), _ACCESS, asked)  # type: ignore[return-value]  # A source.

    @field(
        "Any record by its opaque id; null with the error NOT_FOUND when there is none.",
        needs=None,
        read=NODE,
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The opaque id.")],
    ) -> Node | None:
        """Find a record of whatever type."""
        return await find_record(info, node_key({"id": id}), NODE.missing)  # type: ignore[return-value]  # A source.

    @field(
        "Records by their opaque ids, in the order of the ids. Where there is none, there is "
        "null and an error that names its place.",
        needs=None,
        read=NODES,
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="At most 100 opaque ids.")
        ],
    ) -> list[Node | None]:
        """Find records of whatever types."""
        keys = node_keys({"ids": ids})
        return [find_record(info, key, NODES.missing) for key in keys]  # type: ignore[misc]  # Awaited.

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
        return await read_goodwill_report(_context(info), since, until, group_by)  # type: ignore[return-value]  # A source.

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
        return await read_verification(_context(info), first, until, expect)  # type: ignore[return-value]  # A source.

    @field(
        "How the tenant bills, and what its documents say of it.",
        needs=Permission.BILLING_READ,
    )
    async def billing_profile(self, info: Info) -> BillingProfile | None:
        """Find the tenant's own, of which there is always one."""
        found = record_of(BillingProfile)
        if found is None:
            raise TypeError("A billing profile is a record.")
        key = Key(found, "tenant_id", _context(info).principal.tenant_id)
        return await find_record(info, key, "There is no billing profile.")  # type: ignore[return-value]  # A source.

    tenant_settings = tenant_settings
    preview_checkout = preview
    preview_correction = correction_preview
    preview_anonymization = anonymization_preview
    preview_merge = merge_preview
    customers: Connection[Customer] | None = tab(
        (),
        "The tenant's customers. `search` looks for words by their beginnings in names, e-mail "
        "addresses, customer numbers, external ids, addresses, IBANs (whole) and invoice numbers.",
        needs=Permission.CUSTOMER_READ,
        search=BY_WORDS,
        total=all_customers,
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
    anonymization_requests: Connection[AnonymizationRequest] | None = tab(
        (),
        "The anonymisations that wait for a second person to agree.",
        needs=Permission.CUSTOMER_ANONYMIZE,
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


schema = strawberry.Schema(
    query=Query,
    mutation=mutations(all_actions(), IDENTITY_MUTATIONS),
    subscription=SubscriptionRoot,
    # Sources are dictionaries throughout, keyed by the fields' names in Python.
    config=StrawberryConfig(default_resolver=operator.getitem, scalar_map=SCALARS),
)
