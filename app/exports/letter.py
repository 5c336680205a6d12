"""What a person reads in their package: the information of Art. 15 (1) GDPR, and their records."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import Column, select

from app.domain.retention import RetentionYears
from app.exports.package import MANIFEST, Write
from app.exports.words import TABLES, WORDS
from app.models import BillingProfile, Customer, History, Tenant
from app.models.base import ActorKind
from app.models.opt_in import YEARS_OF_PROOF, OptInChannel
from app.work.mails import LANGUAGES, language_for
from app.writing import Transaction

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent / "templates"

_PARTNERS = (
    select(History.actor_name)
    .where(History.actor_kind == ActorKind.PARTNER.value, History.actor_name.is_not(None))
    .distinct()
    .order_by(History.actor_name)
)


async def letter_of(transaction: Transaction, customer_id: int) -> "Letter | None":
    """The letter to a customer, which counts what is written of them; None where there is none."""
    session, tenant_id = transaction.session, transaction.principal.tenant_id
    customer = await session.get(Customer, (tenant_id, customer_id))
    if customer is None:
        return None
    tenant = await session.get_one(Tenant, tenant_id)
    profile = select(BillingProfile).where(BillingProfile.tenant_id == tenant_id)
    mine = History.tenant_id == tenant_id, History.customer_id == customer_id
    return Letter(
        tenant,
        (await session.scalars(profile)).one(),
        customer,
        (await session.scalars(_PARTNERS.where(*mine))).all(),
        transaction.now,
    )


class Letter:
    """A letter under way."""

    def __init__(
        self,
        tenant: Tenant,
        sender: BillingProfile,
        customer: Customer,
        partners: Sequence[str | None],
        now: datetime,
    ) -> None:
        self.customer_id = customer.id
        self.counts: dict[str, int] = {}
        """How many records there are in each table."""
        self._language = language_for(customer, tenant)
        self._environment = _environment(self._language, tenant.time_zone)
        self._given: Mapping[str, Any] = {
            "tenant": tenant,
            "sender": sender,
            "customer": customer,
            "partners": partners,
            "now": now,
            "years": RetentionYears(tenant.book_years, tenant.invoice_years, tenant.letter_years),
            "years_of_proof": YEARS_OF_PROOF[OptInChannel.PHONE],
            "manifest": MANIFEST,
            **self._common(),
        }

    def _common(self) -> Mapping[str, Any]:
        tables = {name: words[self._language] for name, words in TABLES.items()}
        return {"language": self._language, "words": WORDS[self._language], "tables": tables}

    def text(self, files: int) -> str:
        """The letter, once everything else is written."""
        template = self._environment.get_template(f"{self._language}.html")
        return template.render(**self._given, counts=self.counts, files=files)

    def page(self, table: str, columns: Sequence[Column[Any]], write: Write) -> "Page":
        """A page that shows the records of a table."""
        names = [column.name for column in columns]
        return Page(self._environment, {**self._common(), "table": table, "names": names}, write)


class Page:
    """The records of one table, for people."""

    def __init__(self, environment: "Environment", given: Mapping[str, Any], write: Write) -> None:
        self._page = environment.get_template("page.html")
        self._records = environment.get_template("records.html")
        self._given = given
        self._write = write

    def begin(self) -> None:
        """What comes before the first record."""
        self._write(self._page.render(self._given).encode())

    def write(self, records: Sequence[dict[str, Any]]) -> None:
        """Write some of the records."""
        self._write(self._records.render(self._given, records=records).encode())

    def end(self) -> None:
        """What comes after the last one."""
        self._write(b"</body>\n</html>\n")


@cache
def _environment(language: str, time_zone: str) -> "Environment":
    from babel.dates import format_date
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    def day(value: date) -> str:
        if isinstance(value, datetime):
            value = value.astimezone(ZoneInfo(time_zone)).date()
        return format_date(value, "long", locale=LANGUAGES[language])

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        # Whatever is shown was typed by somebody.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["day"] = day
    return environment
