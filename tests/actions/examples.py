"""For every action on an account an input that nothing stands against but the account's state."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from app import models
from app.domain.opt_ins import confirmation_token
from app.models.base import CustomerRecord
from app.schema.node import encode_id
from tests.publisher import Publisher
from tests.rows import KEYRING

Given = dict[str, Any]

_BERLIN = {
    "lastName": "Muster",
    "street": "Lindenallee 5",
    "postalCode": "10115",
    "city": "Berlin",
    "country": "DE",
}


class Example(NamedTuple):
    """What an action is to be asked for, and the record that it is about, if that is another one
    than the customer."""

    given: Mapping[str, Any] = MappingProxyType({})
    of: type[CustomerRecord] | None = None
    field: str = "customerId"
    row: Callable[[Publisher], Awaitable[dict[str, Any]]] | None = None

    async def input(self, publisher: Publisher, customer: int) -> Given:
        """The input for a customer, whose record is made for it."""
        if self.of is None:
            return {self.field: encode_id("Customer", customer), **self.given}
        row = {} if self.row is None else await self.row(publisher)
        key = await publisher.make(self.of, customer_id=customer, **row)
        return {self.field: encode_id(self.of.__name__, key), **self.given}


class _Confirmation(Example):
    """A click on the link of a single opt-in."""

    async def input(self, publisher: Publisher, customer: int) -> Given:
        """The input with the token of a single opt-in that is made for it."""
        own = {"customer_id": customer}
        opt_in = await publisher.make(models.OptIn, **own)
        until = datetime.now(UTC) + timedelta(days=1)
        entry = await publisher.make(
            models.OptInEntry, opt_in_id=opt_in, confirm_until=until, **own
        )
        token = confirmation_token(KEYRING.lookup_hash, publisher.tenant_id, entry)
        return {"token": token, **self.given}


class _SignedIn(Example):
    """Somebody who is signed in."""

    async def input(self, publisher: Publisher, customer: int) -> Given:
        """The input for a customer, who gets a session."""
        await publisher.sign_in(customer)
        return await super().input(publisher, customer)


class _Duplicate(Example):
    """Somebody who is there twice."""

    async def input(self, publisher: Publisher, customer: int) -> Given:
        """The input for a customer, with a duplicate that is made for it."""
        duplicate = encode_id("Customer", await publisher.customer())
        return {**await super().input(publisher, customer), "duplicateId": duplicate}


class _Requested(Example):
    """Somebody whom a person of staff wants anonymised."""

    async def input(self, publisher: Publisher, customer: int) -> Given:
        """The input for a customer, for whom it is requested."""
        await publisher.owner.execute(
            "INSERT INTO anonymization_request (tenant_id, customer_id, actor_kind, actor_id,"
            " end_subscriptions, accept_open_payments)"
            " VALUES ($1, $2, 'STAFF', 1, true, true) ON CONFLICT DO NOTHING",
            publisher.tenant_id,
            customer,
        )
        return await super().input(publisher, customer)


class _Order(Example):
    """An order of something that is sold, by somebody who can be billed."""

    async def input(self, publisher: Publisher, customer: int) -> Given:
        """The input with an offer and an address that are made for it."""
        product = await publisher.make(models.Product)
        offer = await publisher.make(models.Offer, product_id=product)
        address = await publisher.make(models.Address, customer_id=customer)
        return {
            "customerId": encode_id("Customer", customer),
            "invoiceAddressId": encode_id("Address", address),
            "lines": [{"offerId": encode_id("Offer", offer)}],
            **self.given,
        }


async def _just_written(publisher: Publisher) -> dict[str, Any]:
    token = await publisher.owner.fetchval(
        "SELECT min(id) FROM access_token WHERE tenant_id = $1", publisher.tenant_id
    )
    return {"actor_kind": "PARTNER", "actor_id": token, "created_at": datetime.now(UTC)}


async def _blocked(_publisher: Publisher) -> dict[str, Any]:
    return {"blocked_at": datetime.now(UTC)}


async def _pinned(_publisher: Publisher) -> dict[str, Any]:
    return {"pinned_at": datetime.now(UTC)}


async def _signed(_publisher: Publisher) -> dict[str, Any]:
    return {"mandate_signed_on": datetime.now(UTC).date() - timedelta(days=2)}


async def _ordered(publisher: Publisher) -> dict[str, Any]:
    product = await publisher.make(models.Product)
    return {"offer_id": await publisher.make(models.Offer, product_id=product)}


async def _counted_in_issues(publisher: Publisher) -> dict[str, Any]:
    of = {"publication_id": await publisher.make(models.Publication)}
    product = await publisher.make(models.Product, kind="BUNDLE", **of)
    offer = await publisher.make(models.Offer, product_id=product, issues_per_period=6, **of)
    return {"offer_id": offer, "issue_based": True}


async def _billed(publisher: Publisher) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    return {**await _ordered(publisher), "starts_on": today, "next_billing_on": today}


class _Sent(Example):
    """A delivery that was sent."""

    async def input(self, publisher: Publisher, customer: int) -> Given:
        """The input with a delivery that is made for it."""
        own = {"customer_id": customer}
        publication = await publisher.make(models.Publication)
        issue = await publisher.make(models.Issue, publication_id=publication)
        of = await _counted_in_issues(publisher)
        subscription = await publisher.make(models.Subscription, **of, **own)
        delivery = await publisher.make(
            models.Delivery,
            subscription_id=subscription,
            issue_id=issue,
            status="SENT",
            sent_at=datetime.now(UTC),
            **own,
        )
        return {"deliveryIds": [encode_id("Delivery", delivery)], **self.given}


async def _cancelled(publisher: Publisher) -> dict[str, Any]:
    last = datetime.now(UTC).date() + timedelta(days=9)
    now = datetime.now(UTC)
    return {
        **await _ordered(publisher),
        "status": "CANCELLED",
        "cancelled_at": now,
        "cancelled_for": last,
        "ends_on": last,
    }


async def _resting(publisher: Publisher) -> dict[str, Any]:
    day = datetime.now(UTC).date() - timedelta(days=9)
    return {**await _ordered(publisher), "status": "PAUSED", "paused_from": day}


async def _without_access(publisher: Publisher) -> dict[str, Any]:
    return {**await _ordered(publisher), "access_blocked_at": datetime.now(UTC)}


class _OtherOffer(Example):
    """Another offer, which is sold today."""

    async def input(self, publisher: Publisher, customer: int) -> Given:
        """The input with an offer that is made for it."""
        offer = await _ordered(publisher)
        given = await super().input(publisher, customer)
        return {**given, "offerId": encode_id("Offer", offer["offer_id"])}


class _OtherAddress(Example):
    """Another address of the customer's."""

    async def input(self, publisher: Publisher, customer: int) -> Given:
        """The input with an address that is made for it."""
        address = await publisher.make(models.Address, customer_id=customer)
        given = await super().input(publisher, customer)
        return {**given, "invoiceAddressId": encode_id("Address", address)}


_SUBSCRIPTION: Given = {
    "of": models.Subscription,
    "field": "subscriptionId",
    "row": _ordered,
}


async def _collected(_publisher: Publisher) -> dict[str, Any]:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return {"action": "SEPA_DEBIT", "due_on": yesterday, "executed_on": yesterday}


async def _to_be_refunded(_publisher: Publisher) -> dict[str, Any]:
    return {"action": "REFUND", "status": "PENDING"}


class _Retry(Example):
    """An invoice to be debited from an account with a mandate."""

    async def input(self, publisher: Publisher, customer: int) -> Given:
        """The input with an invoice and a bank account, and a creditor to draw for."""
        await publisher.owner.execute(
            "UPDATE billing_profile SET creditor_id = 'DE98ZZZ09999999999' WHERE tenant_id = $1",
            publisher.tenant_id,
        )
        signed = await _signed(publisher)
        account = await publisher.make(models.BankAccount, customer_id=customer, **signed)
        invoice = await publisher.make(models.Invoice, customer_id=customer)
        return {
            "invoiceId": encode_id("Invoice", invoice),
            "bankAccountId": encode_id("BankAccount", account),
        }


_ACTIVITY: Given = {"of": models.Activity, "field": "activityId"}
_ADDRESS: Given = {"of": models.Address, "field": "addressId"}
_RIGHT: Given = {"of": models.AccessRight, "field": "accessRightId"}
_ACCOUNT: Given = {"of": models.BankAccount, "field": "bankAccountId", "row": _signed}

_REASON: Given = {"reasonKind": "DAMAGED", "reason": "Nass."}

EXAMPLES: dict[str, Example] = {
    "addAccessRight": Example({"uniqueId": "digital"}),
    "addActivity": Example({"kind": "NOTE", "text": "Angerufen."}),
    "addBankAccount": Example({"owner": "Muster", "iban": "DE12500105170648489890"}),
    "addDeliveryAddress": Example(_BERLIN),
    "addFreeIssues": Example(
        {"count": 1, **_REASON}, models.Subscription, "subscriptionId", _counted_in_issues
    ),
    "addFreePeriod": Example(_REASON, models.Subscription, "subscriptionId", _billed),
    "addInvoiceAddress": Example(_BERLIN),
    "addTag": Example({"tag": "VIP"}),
    "exportCustomerData": Example(),
    "anonymizeCustomer": Example(),
    "approveAnonymization": _Requested(),
    "blockAccess": Example(),
    "blockAccessRight": Example(**_RIGHT),
    "blockCustomer": Example(),
    "blockSubscriptionAccess": Example(**_SUBSCRIPTION),
    "cancelInvoice": Example({"reason": "Doppelt"}, models.Invoice, "invoiceId"),
    "cancelSubscription": Example({"mode": "REGULAR"}, **_SUBSCRIPTION),
    "changeOptIn": Example(
        {"purpose": "werbung", "channel": "EMAIL", "status": "OBJECTION", "source": "Brief"}
    ),
    "changeSubscriptionAddress": _OtherAddress(**_SUBSCRIPTION),
    "changeSubscriptionOffer": _OtherOffer({"at": "AT_NEXT_PERIOD"}, **_SUBSCRIPTION),
    "changeSubscriptionPayment": Example({"paymentMethod": "INVOICE"}, **_SUBSCRIPTION),
    "correctInvoice": Example(
        {"reason": "Falsch", "lines": [{"title": "Abo", "gross": "9.00", "taxPercent": "7"}]},
        models.Invoice,
        "invoiceId",
    ),
    "deactivateTwoFactor": Example(),
    "deleteCustomer": Example(),
    "editActivity": Example({"text": "Neu."}, **_ACTIVITY, row=_just_written),
    "pauseSubscription": Example(**_SUBSCRIPTION),
    "endSessions": _SignedIn(),
    "mergeCustomers": _Duplicate(),
    "markInvoicePaid": Example(of=models.Invoice, field="invoiceId"),
    "pinActivity": Example(**_ACTIVITY),
    "placeOrder": _Order({"paymentMethod": "INVOICE"}),
    "recordDoubleOptIn": _Confirmation({"source": "Link"}),
    "redeliverIssues": _Sent(_REASON, field="deliveryIds.0"),
    "recordRefund": Example({}, models.Transaction, "transactionId", _to_be_refunded),
    "recordSepaReturn": Example(
        {"reasonCode": "AM04"}, models.Transaction, "transactionId", _collected
    ),
    "rejectAnonymization": _Requested(),
    "removeAccessRight": Example(**_RIGHT),
    "removeActivity": Example(**_ACTIVITY, row=_just_written),
    "removeAddress": Example(**_ADDRESS),
    "removeBankAccount": Example(**_ACCOUNT),
    "removeTag": Example({"tag": "old"}),
    "renderInvoice": Example(of=models.Invoice, field="invoiceId"),
    "requestAnonymization": Example(),
    "resetPassword": Example(),
    "resumeSubscription": Example(**{**_SUBSCRIPTION, "row": _resting}),
    "retryDebit": _Retry(field="invoiceId"),
    "revokeMandate": Example(**_ACCOUNT),
    "setAdditionalData": Example({"values": {}}),
    "setOrderAdditionalData": Example({"values": {}}, models.Order, "orderId"),
    "setPreferredAddress": Example(**_ADDRESS),
    "setPreferredBankAccount": Example(**_ACCOUNT),
    "setSubscriptionAdditionalData": Example(
        {"values": {}}, models.Subscription, "subscriptionId", _ordered
    ),
    "unblockAccess": Example(),
    "unblockAccessRight": Example(**_RIGHT, row=_blocked),
    "unblockCustomer": Example(),
    "unblockSubscriptionAccess": Example(**{**_SUBSCRIPTION, "row": _without_access}),
    "undoCancellation": Example(**{**_SUBSCRIPTION, "row": _cancelled}),
    "unpinActivity": Example(**_ACTIVITY, row=_pinned),
    "updateAccessRight": Example({"uniqueId": "print"}, **_RIGHT),
    "updateAddress": Example({"city": "Potsdam"}, **_ADDRESS),
    "updateCustomer": Example({"lastName": "Neu"}),
    "updateMandate": Example({"mandateReference": "M-1"}, **_ACCOUNT),
}
"""By the mutations' names; customers in these tests have the tag `old`."""
