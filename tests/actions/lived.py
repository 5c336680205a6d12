"""An account that was lived in: whatever can be done to one was done over HTTP, with a mark in
whatever is free to be written.

What may be written is read off the schema, so that a new input is marked as soon as it is there.
"""

import random
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address
from typing import Any, NamedTuple

import pikepdf
from graphql import GraphQLInputObjectType, get_named_type

from app.jobs.registry import JobContext
from app.schema.node import global_key
from app.schema.root import schema
from tests import exports
from tests.actions import debits, uploads
from tests.actions.examples import EXAMPLES
from tests.actions.marks import Marks
from tests.auth.customers import LOGIN
from tests.auth.people import HASH, PASSWORD
from tests.files.genuine import sample, written
from tests.files.zips import packed, with_entries, word
from tests.jobs.conftest import until, working
from tests.publisher import Publisher

NOT_DONE = frozenset(
    {
        "anonymizeCustomer",
        "approveAnonymization",
        "deleteCustomer",
        "endSessions",
        "exportCustomerData",
        "rejectAnonymization",
        "requestAnonymization",
        "removeTag",
    }
)
"""What would end the account, takes no texts, or is done in a way of its own."""

KNOWN_WORDS = frozenset(
    {
        "bic",
        "endToEndId",
        "iban",
        "language",
        "priceToken",
        "purpose",
        "reasonCode",
        "textVersion",
        "token",
        "uniqueId",
        "voucherCode",
    }
)
"""Texts that have to be what is known already, or that name what is sold."""

_DERIVED = {
    "access_token": ("hash",),
    "bank_account": ("iban", "iban_hash"),
    "customer_device": ("hash",),
    "history": ("personal_salt",),
    "idempotency_key": ("input_hash",),
}
"""What is made of what was written: it would tell whoever has a guess that it is right."""

_AND = {"access_token": " AND kind = 'CUSTOMER'"}
"""Those of programs are not the customer's."""


class Lived(NamedTuple):
    """An account, and where its packages are."""

    customer: str
    packages: dict[str, tuple[int, int]]


class Life:
    """An account under way."""

    def __init__(self, publisher: Publisher, marks: Marks, context: JobContext) -> None:
        self._publisher = publisher
        self._marks = marks
        self._context = context
        self._customer = ""

    async def live(self) -> Lived:
        """Do whatever can be done; the marks are told of all that was written."""
        await debits.ready(self._publisher)
        for record in ("CUSTOMER", "ORDER", "SUBSCRIPTION"):
            wish = {"appliesTo": record, "key": "wish", "label": "Wunsch", "type": "TEXT"}
            await self._do("defineAdditionalData", wish, marked=False)
        created = await self._do("createCustomer", {}, "customer { id }")
        self._customer = created["customer"]["id"]
        for name in sorted(EXAMPLES.keys() - NOT_DONE):
            await self._example(name)
        await self._buy()
        await self._attach()
        await self._sign_in()
        packages = await self._work()
        await self._derive()
        return Lived(self._customer, packages)

    @property
    def _key(self) -> int:
        return global_key(self._customer).key

    async def _example(self, name: str) -> None:
        if name == "deactivateTwoFactor":
            await self._set("two_factor_since = now(), totp_secret = 'secret'")
        given = await EXAMPLES[name].input(self._publisher, self._key)
        await self._do(name, given)

    async def _set(self, what: str) -> None:
        statement = f"UPDATE customer SET {what} WHERE tenant_id = $1 AND id = $2"  # noqa: S608  Ours.
        await self._publisher.owner.execute(statement, self._publisher.tenant_id, self._key)

    async def _do(
        self, name: str, given: dict[str, Any], select: str = "", *, marked: bool = True
    ) -> dict[str, Any]:
        """Do an action that has to succeed."""
        if marked:
            given = self._filled(name, given)
        payload = await self._publisher.act(name, given, select)
        assert payload["userErrors"] == [], (name, payload["userErrors"])
        return payload

    def _filled(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """An input with a mark in whatever is free to be written."""
        filled = dict(given)
        type_ = schema._schema.get_type(f"{name[0].upper()}{name[1:]}Input")
        assert isinstance(type_, GraphQLInputObjectType)
        for field, declared in type_.fields.items():
            mark = self._mark(f"{name}.{field}", field, get_named_type(declared.type).name)
            if mark is not None:
                filled[field] = mark
        if "override" in type_.fields:
            # No country writes its addresses like this.
            filled["override"] = True
        if "lines" in filled and "title" in filled["lines"][0]:
            line = filled["lines"][0]
            filled["lines"] = [{**line, "title": self._marks.word(f"{name}.lines.title")}]
        return filled

    def _mark(self, where: str, field: str, kind: str) -> Any:
        if kind == "JSON":
            return {"wish": self._marks.word(where)}
        if kind == "EmailAddress":
            return f"{self._marks.word(where)}@example.org"
        if kind == "PhoneNumber":
            return self._plain(where, f"+4930{random.randrange(10**7, 10**8)}")  # noqa: S311  No secret.
        if kind == "Date" and field == "birthday":
            days = timedelta(days=random.randrange(9_000))  # noqa: S311  As above.
            return self._plain(where, str((datetime(1901, 1, 1) + days).date()))  # noqa: DTZ001  A day.
        if kind != "String" or field in KNOWN_WORDS:
            return None
        if field == "ip":
            network = random.getrandbits(32)
            return self._plain(where, str(IPv6Address(0x20010DB8 << 96 | network << 64 | 1)))
        return self._marks.word(where)

    def _plain(self, where: str, mark: str) -> str:
        self._marks.erased[mark.lower()] = where
        return mark

    async def _buy(self) -> None:
        """Order by direct debit, and present it to the bank."""
        from schwifty import IBAN

        account_code = f"{random.randrange(10**9):010}"  # noqa: S311  It is no secret.
        iban = str(IBAN.generate("DE", bank_code="37040044", account_code=account_code))
        given = {"customerId": self._customer, "iban": self._plain("iban", iban), "owner": ""}
        account = await self._do("addBankAccount", given, "bankAccount { id }")
        address = await self._do(
            "addInvoiceAddress", {"customerId": self._customer, "country": "DE"}, "address { id }"
        )
        order = await EXAMPLES["placeOrder"].input(self._publisher, self._key)
        await self._do(
            "placeOrder",
            {
                **order,
                "paymentMethod": "SEPA_DEBIT",
                "bankAccountId": account["bankAccount"]["id"],
                "invoiceAddressId": address["address"]["id"],
            },
        )
        last = (datetime.now(UTC) + timedelta(days=13)).date()
        due = "UPDATE payment_transaction SET due_on = $2 WHERE tenant_id = $1 AND due_on > $2"
        await self._publisher.owner.execute(due, self._publisher.tenant_id, last)
        await self._do("sepaBatch", {"collectedUntil": str(last)}, marked=False)
        # What was used is changed afterwards: the old ones are in the history, and with the bank.
        await self._do("updateAddress", {"addressId": address["address"]["id"]})
        await self._do("updateCustomer", {"customerId": self._customer})

    async def _attach(self) -> None:
        """Files with marks in their names, and in what is packed in them."""
        word_file = packed(word(document=self._in_word()))
        table = with_entries(
            sample("table.xlsx"), {"docProps/app.xml": f"<a>{self._content('a table')}</a>"}
        )
        document = pikepdf.new()
        document.add_blank_page()
        document.pages[0].Contents = document.make_stream(self._content("a page").encode())
        document.docinfo["/Title"] = f"\N{SNOWMAN}{self._content('a title')}"
        files = [
            (f"{self._marks.word('the name of a file')}{kind}", content)
            for kind, content in (
                (".docx", word_file),
                (".xlsx", table),
                (".pdf", written(document)),
            )
        ]
        payload = await uploads.add(
            self._publisher, self._customer, *files, text=self._marks.word("a letter's text")
        )
        assert payload["userErrors"] == []

    def _content(self, where: str) -> str:
        return self._marks.word(f"the content of {where}")

    def _in_word(self) -> str:
        main = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
        text = self._content("a letter")
        return f'<w:document xmlns:w="{main}"><w:body>{text}</w:body></w:document>'

    async def _sign_in(self) -> None:
        """Fail to sign in, and then do."""
        await self._set(f"password_hash = '{HASH}'")
        statement = "SELECT email FROM customer WHERE tenant_id = $1 AND id = $2"
        publisher = self._publisher
        email = await publisher.owner.fetchval(statement, publisher.tenant_id, self._key)
        front_end = await publisher.issue_token("customer:login")
        for password in ("wrong " + PASSWORD, PASSWORD):
            # An agent has reset it.
            given = {"email": email, "password": password, "newPassword": f"{PASSWORD} staple"}
            answer = await publisher.client.post(
                "/graphql",
                json={"query": LOGIN, "variables": {"input": given}},
                headers={
                    "Authorization": f"Bearer {front_end}",
                    "User-Agent": self._marks.word("the user agent of a login"),
                },
            )
            payload = answer.json()["data"]["customerLogin"]
            assert bool(payload["userErrors"]) == (password != PASSWORD), payload

    async def _work(self) -> dict[str, tuple[int, int]]:
        """Let workers do what waits; an export can't be made, and then another one is."""
        publisher = self._publisher
        broken = await exports.stored_file(
            publisher, self._context.storage, self._key, b"broken", "broken.pdf"
        )
        change = "UPDATE file SET sha256 = repeat('0', 64) WHERE tenant_id = $1 AND id = $2"
        await publisher.owner.execute(change, publisher.tenant_id, broken)
        await exports.order(publisher, self._key)
        await self._jobs_are_done()
        forget = "DELETE FROM file WHERE tenant_id = $1 AND id = $2"
        await publisher.owner.execute(forget, publisher.tenant_id, broken)
        made = await exports.order(publisher, self._key)
        await self._jobs_are_done()
        query = (
            "SELECT file.key FROM data_export JOIN file ON file.id = data_export.file_id"
            " WHERE data_export.tenant_id = $1 AND data_export.id = $2 AND status = 'READY'"
        )
        key = await publisher.owner.fetchval(query, publisher.tenant_id, made)
        return {key: (publisher.tenant_id, made)}

    async def _jobs_are_done(self) -> None:
        """Wait until each was tried once, but for mails, which nobody takes here."""
        waiting = (
            "SELECT count(*) = 0 FROM abokonto.pgqueuer WHERE (headers ->> 'tenant')::integer = $1"
            " AND entrypoint <> 'mail.send' AND attempts = 0 AND status IN ('queued', 'picked')"
        )

        def done() -> Any:
            return self._publisher.owner.fetchval(waiting, self._publisher.tenant_id)

        async with working(self._context):
            await until(done, 120)

    async def _derive(self) -> None:
        """Take for marks what was made of what was written."""
        for table, columns in _DERIVED.items():
            for column in columns:
                rows = await self._publisher.owner.fetch(
                    f"SELECT {column} AS made FROM {table}"  # noqa: S608  Ours.
                    f" WHERE tenant_id = $1 AND {column} IS NOT NULL{_AND.get(table, '')}",
                    self._publisher.tenant_id,
                )
                assert rows, f"There is no {table}.{column}."
                for row in rows:
                    self._marks.erased[row["made"].hex()] = f"{table}.{column}"
