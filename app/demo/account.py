"""One account in the making: the person, and what every record of it needs."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from app import models
from app.demo.batch import Batch, as_json
from app.demo.catalogue import Catalogue
from app.demo.people import Person
from app.encryption import Keyring
from app.models.base import CustomerRecord

_SNAPSHOT = (
    "company",
    "salutation",
    "title",
    "first_name",
    "last_name",
    "street",
    "house_number",
    "addition",
    "postbox",
    "postal_code",
    "city",
    "country",
    "vat_number",
)
"""What orders and invoices keep of an address."""

Doer = dict[str, Any]
"""The columns that say who did something."""

SYSTEM: Doer = {"actor_kind": "SYSTEM", "actor_id": None, "actor_name": "Abokonto"}
IMPORT: Doer = {"actor_kind": "IMPORT", "actor_id": None, "actor_name": "Datenübernahme"}


@dataclass(frozen=True)
class Detail:
    """How long an account's tabs get. `activities` and `deliveries` are exact where given."""

    periods: int
    recent_deliveries: int
    planned: int
    ordinary_activities: int
    logins: int
    mails: int
    every_tab: bool = False
    activities: int | None = None
    deliveries: int | None = None


ORDINARY = Detail(
    periods=14, recent_deliveries=24, planned=16, ordinary_activities=14, logins=6, mails=8
)
FULL = Detail(
    periods=30,
    recent_deliveries=60,
    planned=16,
    ordinary_activities=24,
    logins=12,
    mails=14,
    every_tab=True,
)
SLIM = Detail(periods=3, recent_deliveries=3, planned=2, ordinary_activities=5, logins=2, mails=1)


@dataclass
class World:
    """What all accounts of a tenant have in common."""

    catalogue: Catalogue
    today: date
    agents: list[Doer]
    keyring: Keyring
    declarations: dict[tuple[str, str], int]
    """The ids of the opt-in texts, by purpose and channel."""
    austrian: float = 0.2
    password_hash: str | None = None

    def __post_init__(self) -> None:
        self.now = datetime.combine(self.today, time(6), UTC)


@dataclass
class Account:
    """A customer, with the rows of their account on the way into a batch."""

    world: World
    batch: Batch
    rng: Random
    detail: Detail
    number: str
    person: Person
    created: datetime
    id: int = 0
    addresses: dict[str, int] = field(default_factory=dict)
    snapshots: dict[str, str] = field(default_factory=dict)
    bank_account: int | None = None
    activities: int = 0
    deliveries: int = 0

    @property
    def now(self) -> datetime:
        """The moment that the demonstration is told at."""
        return self.world.now

    @property
    def customer(self) -> Doer:
        """The customer as the doer of something."""
        return {"actor_kind": "CUSTOMER", "actor_id": self.id, "actor_name": self.person.name}

    @property
    def delivery_address(self) -> int:
        """Where issues go."""
        return self.addresses.get("DELIVERY", self.addresses["INVOICE"])

    def debited(self, payment_method: str) -> int | None:
        """The bank account, if that is how something is paid."""
        return self.bank_account if payment_method == "SEPA_DEBIT" else None

    def agent(self) -> Doer:
        """Some member of staff as the doer."""
        return self.rng.choice(self.world.agents)

    def chance(self, likelihood: float) -> bool:
        """Whether something happens; in an account that shows every tab it always does."""
        return self.detail.every_tab or self.rng.random() < likelihood

    def add(self, model: type[CustomerRecord], at: datetime, doer: Doer, **values: Any) -> int:
        """Add a record to the account."""
        return self.batch.add(
            model, customer_id=self.id, created_at=at, changed_at=at, **doer, **values
        )

    def log(self, action: str, at: datetime, doer: Doer, note: str, **values: Any) -> None:
        """Write an action down as the application does: in the history and as an activity."""
        self.batch.add(
            models.History,
            customer_id=self.id,
            created_at=at,
            changed_at=at,
            action=action,
            note=note,
            **doer,
            **values,
        )
        self.add(models.Activity, at, doer, kind="SYSTEM", text=note)
        self.activities += 1

    def snapshot(self, kind: str) -> str:
        """The address as orders and invoices keep it."""
        if kind not in self.snapshots:
            address = self.person.address()
            self.snapshots[kind] = as_json({key: address.get(key) for key in _SNAPSHOT})
        return self.snapshots[kind]

    def moment(self, day: date) -> datetime:
        """Some time of a day, but never before the account was made or after now."""
        at = datetime.combine(day, time(4), UTC) + timedelta(seconds=self.rng.randrange(64_000))
        return min(max(at, self.created), self.now)
