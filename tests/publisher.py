"""A publisher in a test's database: its customers and records, its tokens, and a client."""

import json
import secrets
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx2
from strawberry.utils.str_converters import to_snake_case

from app import models
from app.auth.permissions import Permission
from app.auth.tokens import hash_token, make_token
from app.models.access_token import TokenKind
from app.models.base import TenantRow
from app.schema.customer import Customer
from app.schema.node import key_of
from app.work.action import ACTIONS
from tests.rows import EPOCH, insert


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
        tenant_id = await insert(owner, "tenant", slug=f"t{secrets.token_hex(6)}")
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

    async def sign_in(self, customer: int) -> str:
        """The token of a session of a customer's."""
        from app.auth.roles import CUSTOMER

        token = make_token(TokenKind.CUSTOMER)
        await self.owner.execute(
            "INSERT INTO access_token (tenant_id, kind, customer_id, name, hash, permissions,"
            " signed_in_by, expires_at, idle_seconds, address) VALUES ($1, 'CUSTOMER', $2,"
            " 'Session', $3, $4, 'PASSWORD', now() + interval '1 day', 3600, '192.0.2.7')",
            self.tenant_id,
            customer,
            hash_token(token),
            sorted(CUSTOMER),
        )
        return token

    async def make(self, model: type[TenantRow], **values: Any) -> int:
        """Insert a row and give its key. What a table needs and nobody named is filled in."""
        self._made += 1
        if "created_at" in model.__table__.c:
            values.setdefault("created_at", EPOCH + timedelta(hours=self._made))
        if model is models.Customer:
            values.setdefault("last_name", "Muster")
        values["tenant_id"] = self.tenant_id
        return await insert(self.owner, model.__tablename__, self._made, **values)

    async def customer(self, **values: Any) -> int:
        """A customer's key."""
        return await self.make(models.Customer, **values)

    async def full_account(self, **given: Any) -> int:
        """A customer with a record in every tab, linked as a checkout would link them."""
        customer = await self.customer(
            **{"email": "Erika@Example.org", "external_id": "crm-1", **given}
        )
        own = {"customer_id": customer}
        publication = await self.make(models.Publication)
        issue = await self.make(models.Issue, publication_id=publication)
        product = await self.make(models.Product, publication_id=publication, kind="BUNDLE")
        offer = await self.make(
            models.Offer, product_id=product, publication_id=publication, issues_per_period=6
        )
        voucher = await self.make(models.Voucher)
        await self.make(models.VoucherOffer, voucher_id=voucher, offer_id=offer)
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
        await self.make(models.SepaBatch)
        await self.make(models.Transaction, invoice_id=invoice, bank_account_id=account, **own)
        goodwill = await self.make(models.Goodwill, subscription_id=subscription, **own)
        role = await self.make(models.Role)
        await self.make(models.GoodwillLimit, role_id=role, per_gift="20.00")
        await self.make(
            models.Delivery,
            subscription_id=subscription,
            issue_id=issue,
            address_id=address,
            goodwill_id=goodwill,
            **own,
        )
        opt_in = await self.make(models.OptIn, **own)
        await self.make(models.AdditionalDataDefinition)
        text = await self.make(models.OptInText)
        single = await self.make(
            models.OptInEntry,
            opt_in_id=opt_in,
            opt_in_text_id=text,
            text_sha256="0" * 64,
            ip="192.0.2.1",
            **own,
        )
        await self.make(
            models.OptInEntry, opt_in_id=opt_in, status="DOUBLE_OPT_IN", confirms_id=single, **own
        )
        await self.make(models.Mail, invoice_id=invoice, **own)
        await self.make(models.Login, ip="2001:db8::1", **own)
        await self.make(models.Export, **own)
        await self.make(models.CustomerMerge, **own)
        role = await self.make(models.Role)
        person = await insert(self.owner, "staff")
        await self.make(models.StaffMembership, staff_id=person, role_id=role)
        await self.make(models.StaffInvitation, role_id=role)
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

    async def act(
        self, action: str, input: dict[str, Any], select: str = "", token: str | None = None
    ) -> dict[str, Any]:
        """Do an action, named as GraphQL does, and give the payload: what `select` asks for, and
        `userErrors`. What goes wrong in another way fails the test."""
        answer = await self.ask_to(action, input, select, token)
        assert "errors" not in answer, answer["errors"]
        payload: dict[str, Any] = answer["data"][action]
        declared = {*ACTIONS[to_snake_case(action)].codes}
        assert declared >= {error["code"] for error in payload["userErrors"]}
        return payload

    async def ask_to(
        self, action: str, input: dict[str, Any], select: str = "", token: str | None = None
    ) -> dict[str, Any]:
        """Ask for an action, and give the whole answer."""
        name = action[0].upper() + action[1:]
        mutation = (
            f"mutation ($input: {name}Input!) {{ {action}(input: $input) {{"
            f" {select} userErrors {{ code field message }} }} }}"
        )
        response = await self.client.post(
            "/graphql",
            json={"query": mutation, "variables": {"input": input}},
            headers={"Authorization": f"Bearer {token or self.token}"},
        )
        answer: dict[str, Any] = response.json()
        return answer

    async def tenant_history(self) -> list[dict[str, Any]]:
        """The entries of the history that are in no account, in order, as the database has them."""
        rows = await self.owner.fetch(
            "SELECT to_jsonb(r) AS row FROM history AS r WHERE tenant_id = $1"
            " AND customer_id IS NULL ORDER BY created_at, id",
            self.tenant_id,
        )
        return [json.loads(row["row"]) for row in rows]

    async def history(self, customer: str) -> list[dict[str, Any]]:
        """The entries of an account's history, in order, as the database has them."""
        return await self._records("history", customer)

    async def diary(self, customer: str) -> list[str]:
        """The texts of an account's SYSTEM activities, in order."""
        records = await self._records("activity", customer)
        return [record["text"] for record in records if record["kind"] == "SYSTEM"]

    async def _records(self, table: str, customer: str) -> list[dict[str, Any]]:
        rows = await self.owner.fetch(
            f"SELECT to_jsonb(r) AS row FROM {table} AS r"  # noqa: S608  The tables are named above.
            " WHERE tenant_id = $1 AND customer_id = $2 ORDER BY created_at, id",
            self.tenant_id,
            key_of(customer, Customer),
        )
        return [json.loads(row["row"]) for row in rows]


def refusals(payload: dict[str, Any]) -> list[tuple[str, str]]:
    """Why an action was refused: the codes, and the paths of the fields joined by dots."""
    return [(error["code"], ".".join(error["field"])) for error in payload["userErrors"]]


def codes(answer: dict[str, Any]) -> list[str]:
    """The codes of an answer's errors."""
    return [error["extensions"]["code"] for error in answer.get("errors", [])]
