"""What a daily run did, to be added up and told."""

from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any

from app.domain.money import Money


@dataclass(frozen=True, order=True)
class Failure:
    """What could not be done for a subscription, and why; nothing of it is personal."""

    tenant: str
    subscription: str
    code: str
    message: str


@dataclass
class Tally:
    """What was done, counted."""

    periods_opened: int = 0
    invoices_issued: int = 0
    invoiced: dict[str, Decimal] = field(default_factory=dict)
    """How much was invoiced, by currency."""

    deliveries_planned: int = 0
    deliveries_sent: int = 0
    subscriptions_paused: int = 0
    subscriptions_resumed: int = 0
    subscriptions_ended: int = 0
    orders_done: int = 0
    addresses_changed: int = 0
    mandates_lapsed: int = 0
    debits_settled: int = 0
    invoices_overdue: int = 0
    failures: list[Failure] = field(default_factory=list)

    def invoice(self, gross: Money) -> None:
        """Count an invoice."""
        self.invoices_issued += 1
        self._add(gross.currency, gross.amount)

    def __iadd__(self, other: "Tally") -> "Tally":
        for name in self._counts():
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for currency, amount in other.invoiced.items():
            self._add(currency, amount)
        self.failures += other.failures
        return self

    def _add(self, currency: str, amount: Decimal) -> None:
        self.invoiced[currency] = self.invoiced.get(currency, Decimal(0)) + amount

    def _counts(self) -> list[str]:
        return [one.name for one in fields(self) if isinstance(getattr(self, one.name), int)]

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON holds it, amounts as text."""
        return {
            **{name: getattr(self, name) for name in self._counts()},
            "invoiced": {name: str(amount) for name, amount in sorted(self.invoiced.items())},
            "failures": [asdict(failure) for failure in sorted(self.failures)],
        }
