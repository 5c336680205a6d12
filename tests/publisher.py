"""A publisher in a test's database: its customers and records, its tokens, and a client."""

import hashlib
import json
import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
from sqlalchemy.dialects.postgresql import JSONB

from app import models
from app.auth.permissions import Permission
from app.auth.tokens import hash_token, make_token
from app.models.access_token import TokenKind
from app.models.base import TenantRow

EPOCH = datetime(2020, 1, 1, 12, tzinfo=UTC)
"""When the first record of a test was made; others follow by the hour."""

ADDRESS = {"last_name": "Muster", "street": "Hauptstraße", "postal_code": "10115", "city": "Berlin"}


class Publisher:
    """One tenant and what it holds. Rows are written as the owner of the tables."""

    def __init__(
        self, owner: asyncpg.Connection, client: httpx2.AsyncClient, tenant_id: int
    ) -> None:
        self.owner = owner
        self.client = client
        self.tenant_id = tenant_id
        self.token = ""
        self._made = 0

    @classmethod
    async def found(cls, owner: asyncpg.Connection, client: httpx2.AsyncClient) -> "Publisher":
        """Found a publisher with a partner's token that may everything."""
        slug = f"t{secrets.token_hex(6)}"
        tenant_id = await owner.fetchval(
            "INSERT INTO tenant (slug, name) VALUES ($1, 'Test') RETURNING id", slug
        )
        publisher = cls(owner, client, tenant_id)
        publisher.token = await publisher.issue_token(*Permission)
        return publisher

    async def issue_token(
        self, *permissions: str, expires_at: datetime | None = None, revoked: bool = False
    ) -> str:
        """A partner's token with permissions."""
        token = make_token(TokenKind.PARTNER)
        await self.owner.execute(
            "INSERT INTO access_token (tenant_id, kind, name, hash, permissions, expires_at,"
            " revoked_at) VALUES ($1, 'PARTNER', 'Test', $2, $3, $4, $5)",
            self.tenant_id,
            hash_token(token),
            list(permissions),
            expires_at,
            EPOCH if revoked else None,
        )
        return token

    async def make(self, model: type[TenantRow], **values: Any) -> int:
        """Insert a row and give its key. What a table needs and nobody named is filled in."""
        self._made += 1
        table = model.__table__
        row = {**self._defaults(model), **values, "tenant_id": self.tenant_id}
        if "created_at" in table.c and "created_at" not in row:
            row["created_at"] = EPOCH + timedelta(hours=self._made)
        for name, value in row.items():
            if isinstance(table.c[name].type, JSONB) and value is not None:
                row[name] = json.dumps(value)
        places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        key: int = await self.owner.fetchval(
            f"INSERT INTO {model.__tablename__} ({', '.join(row)}) VALUES ({places}) RETURNING id",  # noqa: S608  Names of our own tables.
            *row.values(),
        )
        return key

    def _defaults(self, model: type[TenantRow]) -> dict[str, Any]:
        day, unique = date(2020, 1, 1) + timedelta(days=self._made), f"{self._made:05}"
        money = {"net": "9.35", "tax": "0.65", "gross": "10.00"}
        terms = {
            f"{name}_{part}": value
            for name in ("term", "accounting", "notice")
            for part, value in (("count", 1), ("unit", "MONTH"))
        }
        defaults: dict[type[TenantRow], dict[str, Any]] = {
            models.Customer: {"number": f"K-{unique}", "last_name": "Muster"},
            models.Activity: {"kind": "NOTE", "text": f"Notiz {unique}"},
            models.Address: {**ADDRESS, "type": "INVOICE", "country": "DE"},
            models.AccessRight: {
                "access_id": "zeitung-digital",
                "source": "MANUAL",
                "valid_from": EPOCH,
            },
            models.BankAccount: {
                "owner": "Muster",
                "iban": b"\1",
                "iban_hash": hashlib.sha256(unique.encode()).digest(),
                "iban_masked": "DE89 **** 3000",
                "mandate_reference": f"M{unique}",
                "mandate_signed_on": day,
            },
            models.Publication: {"title": f"Blatt {unique}", "frequency": "DAILY"},
            models.Issue: {"number": unique, "publishing_on": day, "closing_on": day},
            models.Product: {
                "kind": "DIGITAL",
                "name": f"Digital {unique}",
                "access_id": f"digital-{unique}",
                "tax_class": "REDUCED",
            },
            models.Offer: {
                **terms,
                "code": unique,
                "name": "Abo",
                "price": "10.00",
                "currency": "EUR",
                "valid_from": day,
            },
            models.Order: {
                **money,
                "currency": "EUR",
                "number": f"B-{unique}",
                "status": "ACTIVE",
                "ordered_at": EPOCH,
                "payment_method": "INVOICE",
                "invoice_address": ADDRESS,
            },
            models.OrderItem: {
                **money,
                "position": self._made,
                "title": "Abo",
                "quantity": 1,
                "tax_percent": "7.00",
            },
            models.Subscription: {
                **terms,
                "number": f"A-{unique}",
                "status": "ACTIVE",
                "starts_on": day,
                "price": "10.00",
                "currency": "EUR",
                "payment_method": "INVOICE",
            },
            models.SubscriptionPeriod: {
                "kind": "REGULAR",
                "starts_on": day,
                "ends_on": day,
                "price": "10.00",
                "currency": "EUR",
            },
            models.Invoice: {
                **money,
                "currency": "EUR",
                "number": f"R-{unique}",
                "type": "INVOICE",
                "status": "OPEN",
                "issued_on": day,
                "due_on": day,
                "payment_method": "INVOICE",
                "address": ADDRESS,
            },
            models.InvoiceItem: {
                **money,
                "position": self._made,
                "title": "Abo",
                "quantity": 1,
                "tax_percent": "7.00",
            },
            models.InvoiceTax: {**money, "tax_percent": "7.00"},
            models.Transaction: {
                "action": "BANK_TRANSFER",
                "status": "SUCCESS",
                "amount": "10.00",
                "currency": "EUR",
            },
            models.Delivery: {"publishing_on": day, "kind": "REGULAR", "status": "PLANNED"},
            models.Goodwill: {
                "kind": "FREE_ISSUES",
                "count": 1,
                "reason": "Zeitung fehlte",
                "value": "1.50",
                "currency": "EUR",
            },
            models.OptIn: {"purpose": f"werbung-{unique}", "channel": "EMAIL", "status": "NONE"},
            models.OptInEntry: {"status": "SINGLE_OPT_IN", "source": "Formular"},
            models.Mail: {
                "template": "welcome",
                "recipient": "muster@example.org",
                "subject": "Willkommen",
                "status": "QUEUED",
            },
            models.Login: {"succeeded": True},
            models.Export: {"status": "EXPIRED"},
            models.History: {"action": "customer.changed"},
            models.File: {
                "purpose": "ATTACHMENT",
                "key": unique,
                "name": "Brief.pdf",
                "content_type": "application/pdf",
                "size_bytes": 3,
                "sha256": "0" * 64,
            },
            models.ActivityAttachment: {"position": 1},
        }
        return defaults[model]

    async def customer(self, **values: Any) -> int:
        """A customer's key."""
        return await self.make(models.Customer, **values)

    async def full_account(self) -> int:
        """A customer with a record in every tab, linked as a checkout would link them."""
        customer = await self.customer(email="Erika@Example.org", external_id="crm-1")
        own = {"customer_id": customer}
        publication = await self.make(models.Publication)
        issue = await self.make(models.Issue, publication_id=publication)
        product = await self.make(models.Product, publication_id=publication, kind="BUNDLE")
        offer = await self.make(
            models.Offer, product_id=product, publication_id=publication, issues_per_period=6
        )
        file = await self.make(models.File, **own)
        activity = await self.make(models.Activity, **own)
        await self.make(models.ActivityAttachment, activity_id=activity, file_id=file)
        address = await self.make(models.Address, **own)
        account = await self.make(models.BankAccount, **own)
        order = await self.make(models.Order, bank_account_id=account, **own)
        await self.make(models.OrderItem, order_id=order, offer_id=offer)
        subscription = await self.make(
            models.Subscription,
            offer_id=offer,
            order_id=order,
            bank_account_id=account,
            invoice_address_id=address,
            issue_based=True,
            issues_entitled=6,
            **own,
        )
        await self.make(models.SubscriptionPeriod, subscription_id=subscription)
        await self.make(
            models.AccessRight,
            source="SUBSCRIPTION",
            subscription_id=subscription,
            product_id=product,
            **own,
        )
        invoice = await self.make(
            models.Invoice, order_id=order, subscription_id=subscription, file_id=file, **own
        )
        await self.make(models.InvoiceItem, invoice_id=invoice)
        await self.make(models.InvoiceTax, invoice_id=invoice)
        await self.make(models.Transaction, invoice_id=invoice, bank_account_id=account, **own)
        goodwill = await self.make(models.Goodwill, subscription_id=subscription, **own)
        await self.make(
            models.Delivery,
            subscription_id=subscription,
            issue_id=issue,
            address_id=address,
            goodwill_id=goodwill,
            **own,
        )
        opt_in = await self.make(models.OptIn, **own)
        await self.make(models.OptInEntry, opt_in_id=opt_in, ip="192.0.2.1", **own)
        await self.make(models.Mail, invoice_id=invoice, **own)
        await self.make(models.Login, ip="2001:db8::1", **own)
        await self.make(models.Export, **own)
        await self.make(
            models.History,
            record_type="Customer",
            record_id=customer,
            before={"last_name": "Alt"},
            after={"last_name": "Muster"},
            **own,
        )
        return customer

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """Send a query over HTTP and give the whole answer."""
        response = await self.client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {token or self.token}"},
        )
        answer: dict[str, Any] = response.json()
        return answer

    async def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """Send a query that must succeed, and give its data."""
        answer = await self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data


def codes(answer: dict[str, Any]) -> list[str]:
    """The codes of an answer's errors."""
    return [error["extensions"]["code"] for error in answer.get("errors", [])]
