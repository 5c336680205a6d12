"""For every action outside of accounts an input that nothing stands against."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from app import models
from app.auth.tokens import hash_token
from app.models.base import TenantRow
from app.schema.node import encode_id
from tests.publisher import Publisher
from tests.rows import insert

Given = dict[str, Any]
Make = Callable[[Publisher], Awaitable[Given]]


def _of(model: type[TenantRow], field: str, **values: Any) -> Make:
    """A record, under the name that the input has for its id."""

    async def make(publisher: Publisher) -> Given:
        return {field: encode_id(model.__name__, await publisher.make(model, **values))}

    return make


_publication = _of(models.Publication, "publicationId")
_product = _of(models.Product, "productId")
_retired = _of(models.Product, "productId", retired_at=datetime(2026, 1, 1, tzinfo=UTC))
_voucher = _of(models.Voucher, "voucherId")
_definition = _of(models.AdditionalDataDefinition, "definitionId")


async def _alone(_publisher: Publisher) -> Given:
    return {}


async def _offer(publisher: Publisher) -> Given:
    product = await publisher.make(models.Product)
    return await _of(models.Offer, "offerId", product_id=product)(publisher)


async def _issue(publisher: Publisher) -> Given:
    publication = await publisher.make(models.Publication)
    return await _of(models.Issue, "issueId", publication_id=publication)(publisher)


async def _role(publisher: Publisher) -> Given:
    name = secrets.token_hex(6)
    return await _of(models.Role, "roleId", name=name, permissions=[])(publisher)


async def _person(publisher: Publisher) -> Given:
    staff = await insert(publisher.owner, "staff", email=f"{secrets.token_hex(6)}@example.org")
    role = await publisher.make(models.Role, name=secrets.token_hex(6), permissions=[])
    member = _of(models.StaffMembership, "staffMembershipId", staff_id=staff, role_id=role)
    return await member(publisher)


async def _person_and_role(publisher: Publisher) -> Given:
    return await _person(publisher) | await _role(publisher)


async def _dismissed(publisher: Publisher) -> Given:
    given = await _person(publisher)
    await publisher.owner.execute(
        "UPDATE staff_membership SET deactivated_at = now()"
        " WHERE id = (SELECT max(id) FROM staff_membership WHERE tenant_id = $1)",
        publisher.tenant_id,
    )
    return given


async def _invitation(publisher: Publisher) -> Given:
    role = await publisher.make(models.Role, name=secrets.token_hex(6), permissions=[])
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    make = _of(models.StaffInvitation, "staffInvitationId", role_id=role, expires_at=tomorrow)
    return await make(publisher)


async def _debit(publisher: Publisher) -> Given:
    """A debit that the bank can have."""
    own = {"customer_id": await publisher.customer()}
    today = datetime.now(UTC).date()
    account = await publisher.make(
        models.BankAccount, mandate_signed_on=today - timedelta(days=9), **own
    )
    invoice = await publisher.make(models.Invoice, **own)
    planned = {"action": "SEPA_DEBIT", "status": "PENDING", "due_on": today + timedelta(days=5)}
    await publisher.make(
        models.Transaction, invoice_id=invoice, bank_account_id=account, **planned, **own
    )
    return {"collectedUntil": str(today + timedelta(days=9))}


async def _token(publisher: Publisher) -> Given:
    key = await publisher.owner.fetchval(
        "SELECT id FROM access_token WHERE hash = $1", hash_token(await publisher.issue_token())
    )
    return {"accessTokenId": encode_id("AccessToken", key)}


_TERM = {"count": 1, "unit": "MONTH"}
_TERMS = {"term": _TERM, "accountingPeriod": _TERM, "notice": _TERM}
_ISSUE = {"number": "1", "publishingOn": "2030-01-02", "closingOn": "2030-01-01"}
_DEFINED = {"appliesTo": "CUSTOMER", "label": "Neu", "type": "TEXT", "required": False}

OUTSIDE: dict[str, tuple[Make, Given]] = {
    "addIssue": (_publication, _ISSUE),
    "addIssues": (_publication, {"issues": [_ISSUE]}),
    "assignStaffRole": (_person_and_role, {}),
    "createCustomer": (_alone, {"lastName": "Neu"}),
    "createOffer": (
        _product,
        {"code": "A-{}", "name": "Neu", "price": {"amount": "9", "currency": "EUR"}, **_TERMS},
    ),
    "createPartnerToken": (_alone, {"name": "Shop", "permissions": ["customer:read"]}),
    "createProduct": (
        _alone,
        {"kind": "DIGITAL", "name": "Neu", "taxClass": "REDUCED", "uniqueId": "neu-{}"},
    ),
    "createPublication": (_alone, {"title": "Blatt {}", "frequency": "DAILY"}),
    "createRole": (_alone, {"name": "neu {}", "permissions": ["customer:read"]}),
    "createVoucher": (_alone, {"code": "V-{}", "name": "Neu", "percent": "10.00"}),
    "deactivateStaff": (_person, {}),
    "defineAdditionalData": (_alone, {"key": "neu{}", **_DEFINED}),
    "defineOptInText": (
        _alone,
        {"purpose": "neu", "channel": "EMAIL", "version": "{}", "text": "Ja."},
    ),
    "endOffer": (_offer, {"validUntil": "2030-01-01"}),
    "endVoucher": (_voucher, {"validUntil": "2030-01-01"}),
    "inviteStaff": (_role, {"email": "neu{}@example.org", "name": "Neu"}),
    "reactivateStaff": (_dismissed, {}),
    "reinstateProduct": (_retired, {}),
    "removeAdditionalDataDefinition": (_definition, {}),
    "removeIssue": (_issue, {}),
    "removeRole": (_role, {}),
    "replaceOffer": (_offer, {"validFrom": "2030-01-02", "code": "B-{}"}),
    "retireProduct": (_product, {}),
    "revokePartnerToken": (_token, {}),
    "revokeStaffInvitation": (_invitation, {}),
    "rotatePartnerToken": (_token, {"overlapSeconds": 60}),
    "sepaBatch": (_debit, {}),
    "setGoodwillLimit": (_role, {"currency": "EUR", "perGift": "5.00"}),
    "updateAdditionalDataDefinition": (_definition, {"label": "Neu"}),
    "updateBillingProfile": (_alone, {"footer": "Neu"}),
    "updateIssue": (_issue, {"title": "Neu"}),
    "updateOffer": (_offer, {"name": "Neu"}),
    "updateProduct": (_product, {"name": "Neu"}),
    "updatePublication": (_publication, {"title": "Neu {}"}),
    "updateRole": (_role, {"name": "neu {}"}),
    "updateTenantSettings": (_alone, {"loginDays": 90}),
    "updateVoucher": (_voucher, {"name": "Neu"}),
}
"""By the mutations' names what is made for them, and what is given beside; `{}` in a text stands
for a word that nobody has used."""


async def input_of(publisher: Publisher, name: str) -> Given:
    """The input of an action outside of accounts, and all that has to be there for it."""
    make, given = OUTSIDE[name]
    word = secrets.token_hex(4).upper()
    said = {
        key: value.replace("{}", word) if isinstance(value, str) else value
        for key, value in given.items()
    }
    return {**await make(publisher), **said}
