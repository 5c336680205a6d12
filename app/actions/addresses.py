"""Addresses: where invoices and issues go, from now on or from a day that lies ahead.

As long as a type has an address in effect, one of these is preferred. A preferred one whose day
lies ahead takes the other's place when it comes, without anything being done then.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from strawberry import UNSET

from app.actions.address_inputs import (
    AddDeliveryAddressInput,
    AddInvoiceAddressInput,
    NewAddress,
    RemoveAddressInput,
    SetPreferredAddressInput,
    UpdateAddressInput,
)
from app.actions.address_use import refuse_in_use
from app.auth.permissions import Permission
from app.domain.addresses import Place, Values, check, form, missing, preferences, used
from app.errors import Refusal, Refused, UserErrorCode
from app.models import Address, Customer
from app.models.address import AddressType, AddressValidation
from app.models.base import longest
from app.work.action import action
from app.work.inputs import set_fields
from app.work.unit import Work

_NEW = 0
"""The key of an address that has none yet."""

_NAMES = {"INVOICE": "Invoice address", "DELIVERY": "Delivery address"}

_CHECKED = (
    "company",
    "last_name",
    "street",
    "house_number",
    "addition",
    "postbox",
    "postal_code",
    "city",
    "region",
    "country",
    "vat_number",
)
"""What is held against the country's rules."""

_FIELDS = (*_CHECKED, "business", "salutation", "title", "first_name", "delivery_note")

_REFUSED_FOR = (
    UserErrorCode.ADDRESS_INVALID,
    UserErrorCode.ADDRESS_DUPLICATE,
    UserErrorCode.DATE_NOT_IN_FUTURE,
)


@action(
    history="invoice_address.added",
    needs=Permission.ADDRESS_WRITE,
    refuses=_REFUSED_FOR,
)
async def add_invoice_address(work: Work, input: AddInvoiceAddressInput) -> Address:
    """Add an address that invoices are sent to."""
    return await _add(work, input, AddressType.INVOICE)


@action(
    history="delivery_address.added",
    needs=Permission.ADDRESS_WRITE,
    refuses=_REFUSED_FOR,
)
async def add_delivery_address(work: Work, input: AddDeliveryAddressInput) -> Address:
    """Add an address that issues are delivered to."""
    return await _add(work, input, AddressType.DELIVERY)


@action(
    history="address.updated",
    needs=Permission.ADDRESS_WRITE,
    refuses=_REFUSED_FOR,
)
async def update_address(work: Work, input: UpdateAddressInput) -> Address:
    """Change an address. Orders and invoices that are there keep it as it was."""
    address = await work.lock(Address, input.address_id, "address_id")
    work.expect(address, input.expected_version)
    others = await _Others.of(work, address.customer_id, address.type, address)
    before = {name: getattr(address, name) for name in _FIELDS}
    values = _whole(before | dict(set_fields(input, *_FIELDS)))
    day = address.valid_from if input.valid_from is UNSET else input.valid_from
    moved = day != address.valid_from
    refusals = _not_ahead(day, others.today) if moved else []
    if input.override or any(values[name] != before[name] for name in _CHECKED):
        refusals += _check(values, bool(input.override))
    if refusals:
        raise Refused.because(refusals)
    if moved or form(values) != form(before):
        others.refuse_duplicate(values, day)
    values["valid_from"] = day
    if moved or input.preferred in {True, False}:
        preferred = _said(input.preferred, others.is_preferred(address))
        own = Place(address.id, day, preferred)
        values["preferred"] = await others.make_way(own, chosen=preferred)
    changed = [name for name, value in values.items() if value != getattr(address, name)]
    for name in changed:
        setattr(address, name, values[name])
    await others.follow()
    what = ", ".join(name.replace("_", " ") for name in changed)
    work.note(f"Address changed: {what}." if changed else "Address saved without a change.")
    return address


@action(history="address.preferred", needs=Permission.ADDRESS_WRITE)
async def set_preferred_address(work: Work, input: SetPreferredAddressInput) -> Address:
    """Prefer an address to the others of its type; from its day on, where that lies ahead."""
    address = await work.lock(Address, input.address_id, "address_id")
    others = await _Others.of(work, address.customer_id, address.type, address)
    own = Place(address.id, address.valid_from, preferred=True)
    address.preferred = await others.make_way(own, chosen=True)
    work.note(f"{_NAMES[address.type]} preferred.")
    return address


@action(
    history="address.removed",
    needs=Permission.ADDRESS_WRITE,
    refuses=(UserErrorCode.ADDRESS_IN_USE,),
)
async def remove_address(work: Work, input: RemoveAddressInput) -> Customer:
    """Remove an address that nothing running uses.

    Where it was the preferred one, the one that came into effect last becomes it.
    """
    address = await work.lock(Address, input.address_id, "address_id")
    await refuse_in_use(work, address)
    others = await _Others.of(work, address.customer_id, address.type, address)
    await work.remove(address)
    work.about(address)
    await others.make_way(None)
    await others.follow()
    work.note(f"{_NAMES[address.type]} removed.")
    return await work.session.get_one(Customer, (work.tenant_id, address.customer_id))


async def _add(work: Work, input: NewAddress, type: AddressType) -> Address:
    customer = await work.account(input.customer_id)
    others = await _Others.of(work, customer.id, type.value)
    values = _whole(dict.fromkeys(_FIELDS) | dict(set_fields(input, *_FIELDS)))
    day = input.valid_from or None
    refusals = [*_not_ahead(day, others.today), *_check(values, bool(input.override))]
    if refusals:
        raise Refused.because(refusals)
    others.refuse_duplicate(values, day)
    chosen = _said(input.preferred, default=day is not None)
    preferred = await others.make_way(Place(_NEW, day, preferred=False), chosen=chosen)
    address = work.add(
        Address(
            customer_id=customer.id, type=type.value, valid_from=day, preferred=preferred, **values
        )
    )
    await others.follow()
    work.note(f"{_NAMES[type]} added.")
    return address


class _Others:
    """The other addresses of a type in an account: what one must differ from, and whose place it
    takes when it becomes the preferred one."""

    def __init__(self, work: Work, rows: Sequence[Address], today: date) -> None:
        self.today = today
        self._work = work
        self._rows = rows
        self._heirs: list[Address] = []

    @classmethod
    async def of(
        cls, work: Work, customer_id: int, type: str, address: Address | None = None
    ) -> "_Others":
        """All of the account's addresses of a type but one."""
        rows = await work.rows(Address, Address.customer_id == customer_id, Address.type == type)
        return cls(work, [row for row in rows if row is not address], await work.today())

    def refuse_duplicate(self, values: Values, day: date | None) -> None:
        """Refuse an address that is there from the same time on.

        One from another day that lies ahead is none: somebody moves back to it.
        """
        own, at_once = form(values), Place(_NEW, day, preferred=False).in_effect(self.today)
        for row in self._rows:
            if own != form({name: getattr(row, name) for name in _FIELDS}):
                continue
            if row.valid_from == day or (at_once and _place(row).in_effect(self.today)):
                raise Refused(
                    UserErrorCode.ADDRESS_DUPLICATE, "The customer has this address already."
                )

    def is_preferred(self, address: Address) -> bool:
        """Whether an address is used, or will be on its day."""
        place = _place(address)
        if not place.in_effect(self.today):
            return address.preferred
        return used([place, *map(_place, self._rows)], self.today) == place

    async def make_way(self, own: Place | None, *, chosen: bool = False) -> bool:
        """Let those give way that are no longer preferred; whether `own` is.

        The database lets no two be preferred from the same day on, so they have to go first.
        """
        places = [*map(_place, self._rows), *([own] if own else [])]
        wanted = preferences(places, self.today, own if chosen else None)
        for row in self._rows:
            if row.preferred and row.id not in wanted:
                row.preferred = False
        await self._work.flush()
        self._heirs = [row for row in self._rows if row.id in wanted and not row.preferred]
        return own is not None and own.key in wanted

    async def follow(self) -> None:
        """Let another one be preferred where that is needed, once the place is free."""
        if self._heirs:
            await self._work.flush()
        for row in self._heirs:
            row.preferred = True


def _said(value: bool | None, default: bool) -> bool:
    """What the client said, or the default where that is nothing."""
    return default if value is None or value is UNSET else value


def _place(address: Address) -> Place:
    return Place(address.id, address.valid_from, address.preferred)


def _whole(values: dict[str, Any]) -> dict[str, Any]:
    """The columns' values, without null where a column takes none."""
    values |= {name: values[name] or "" for name in ("postal_code", "city")}
    if values["business"] is None:
        values["business"] = values["company"] is not None
    return values


def _not_ahead(day: date | None, today: date) -> list[Refusal]:
    if day is None or day > today:
        return []
    message = "This day does not lie ahead. Leave it out for an address that counts at once."
    return [Refusal(UserErrorCode.DATE_NOT_IN_FUTURE, message, ("valid_from",))]


def _check(values: dict[str, Any], override: bool) -> list[Refusal]:
    """What stands against an address. The values get the forms that its country writes them in,
    and what checking them has shown."""
    if values["country"] is None:
        return [Refusal(UserErrorCode.REQUIRED, "This can't be removed.", ("country",))]
    checked = check(values)
    values |= checked.values
    if checked.problems:
        values["validation"] = AddressValidation.OVERRIDDEN.value
    elif not checked.known:
        values["validation"] = AddressValidation.NONE.value
    elif checked.doubtful:
        values["validation"] = AddressValidation.SUSPECT.value
    else:
        values["validation"] = AddressValidation.VALID.value
    problems = [*missing(values), *(() if override else checked.problems)]
    return [
        *(
            Refusal(UserErrorCode.ADDRESS_INVALID, problem.message, (problem.field,))
            for problem in problems
        ),
        *_grown(checked.values),
    ]


def _grown(values: Values) -> Iterator[Refusal]:
    """What has become too long in its country's form: some letters are several as capitals."""
    for name, value in values.items():
        most = longest(getattr(Address, name))
        if len(value or "") > most:
            message = f"In capitals this has more than {most} characters."
            yield Refusal(UserErrorCode.TOO_LONG, message, (name,))
