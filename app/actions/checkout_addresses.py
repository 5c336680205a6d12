"""The addresses of a checkout: those that were given, or those that are used by default."""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import and_, or_

from app.actions.checkout_inputs import CheckoutInput
from app.actions.faults import Faults
from app.billing.addresses import used_address
from app.errors import UserErrorCode
from app.models import Address, Customer
from app.models.address import AddressType
from app.work.keys import key_of
from app.work.unit import Work

_WORDS = {AddressType.INVOICE: "invoice", AddressType.DELIVERY: "delivery"}


class Addresses:
    """The addresses of a customer that an order may use."""

    def __init__(
        self, rows: Iterable[Address], given: dict[tuple[str, ...], int], faults: Faults
    ) -> None:
        self._rows = {row.id: row for row in rows}
        self._given = given
        self._faults = faults

    @classmethod
    async def find(
        cls,
        work: Work,
        customer: Customer,
        input: CheckoutInput,
        starts: Sequence[date],
        faults: Faults,
    ) -> "Addresses":
        """Those that an input names and those that are preferred by the last of some days."""
        given: dict[tuple[str, ...], int] = {}
        for path, named in _ids(input):
            with faults.noted():
                given[path] = key_of(named, Address, *path)
        by_default = and_(
            Address.preferred, or_(Address.valid_from.is_(None), Address.valid_from <= max(starts))
        )
        rows = await work.rows(
            Address,
            Address.customer_id == customer.id,
            or_(Address.id.in_(given.values()), by_default),
        )
        return cls(rows, given, faults)

    def for_invoices(self, day: date) -> Address | None:
        """The invoice address on a day; None, and why is noted, where there is none."""
        return self._one(AddressType.INVOICE, day, ("invoice_address_id",))

    def for_deliveries(self, place: int, day: date) -> Address | None:
        """The delivery address of a line on a day, noted as `for_invoices` does."""
        own = ("lines", str(place), "delivery_address_id")
        common = ("delivery_address_id",)
        path = common if common in self._given and own not in self._given else own
        return self._one(AddressType.DELIVERY, day, path)

    def _one(self, type: AddressType, day: date, path: tuple[str, ...]) -> Address | None:
        if path in self._given:
            return self._chosen(self._rows.get(self._given[path]), type, day, path)
        address = used_address((row for row in self._rows.values() if row.type == type), day)
        if address is None:
            message = f"The customer has no {_WORDS[type]} address that is in effect on {day}."
            self._faults.add(UserErrorCode.ADDRESS_REQUIRED, message, *path)
        return address

    def _chosen(
        self, row: Address | None, type: AddressType, day: date, path: tuple[str, ...]
    ) -> Address | None:
        if row is None:
            self._faults.add(UserErrorCode.NOT_FOUND, "There is no record with this id.", *path)
            return None
        if row.type != type:
            message = f"This is no {_WORDS[type]} address."
        elif not _counts_on(row, day):
            message = f"This address is in effect from {row.valid_from} on only."
        else:
            return row
        self._faults.add(UserErrorCode.INVALID, message, *path)
        return None


def _counts_on(row: Address, day: date) -> bool:
    return row.valid_from is None or row.valid_from <= day


def _ids(input: CheckoutInput) -> Iterable[tuple[tuple[str, ...], str]]:
    """The ids of addresses in an input, with their paths."""
    found = [
        (("invoice_address_id",), input.invoice_address_id),
        (("delivery_address_id",), input.delivery_address_id),
        *(
            (("lines", str(place), "delivery_address_id"), line.delivery_address_id)
            for place, line in enumerate(input.lines)
        ),
    ]
    return [(path, named) for path, named in found if named]
