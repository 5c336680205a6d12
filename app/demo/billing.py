"""Invoices for periods, what corrects them, and the money that comes in or goes back."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from app import models
from app.demo import texts
from app.demo.account import SYSTEM, Account
from app.demo.catalogue import split
from app.demo.contracts import Contract, Period
from app.domain.direct_debits import business_day_from, collected_on

_DUE = timedelta(days=14)
_CORRECTED, _CORRECTED_OFTEN = 0.012, 0.06
_RETURNED, _LATE = 0.03, 0.04


@dataclass(frozen=True)
class Line:
    """A line of an invoice."""

    title: str
    quantity: int
    net: Decimal
    tax_percent: Decimal
    tax: Decimal
    gross: Decimal

    def negated(self) -> "Line":
        """The line that takes this one back."""
        return Line(self.title, self.quantity, -self.net, self.tax_percent, -self.tax, -self.gross)


@dataclass(frozen=True)
class Bill:
    """An invoice before it is known whether it was paid."""

    contract: Contract
    period: Period
    issued_on: date
    lines: tuple[Line, ...]

    @property
    def gross(self) -> Decimal:
        """What is to be paid."""
        return sum((line.gross for line in self.lines), Decimal(0))


def bill(account: Account, contract: Contract) -> None:
    """Invoice each paid period on its first day."""
    for period in contract.periods:
        if period.price and period.starts_on <= account.world.today:
            lines = _lines(account, contract, period)
            if contract.payment_method == "FREE":
                continue
            _issue(account, Bill(contract, period, period.starts_on, lines))


def _lines(account: Account, contract: Contract, period: Period) -> tuple[Line, ...]:
    """The period itself, and in the first one of a bundle now and then a club gift at full tax."""
    catalogue, country = account.world.catalogue, account.person.place.country
    offer = contract.offer
    percent = catalogue.tax_percent(country, offer.tax_class.value, period.starts_on)
    net, tax = split(period.price, percent)
    span = f"{period.starts_on:%d.%m.%Y}-{period.ends_on:%d.%m.%Y}"
    lines = [Line(f"{offer.plan.name}, {span}", contract.quantity, net, percent, tax, period.price)]
    first = period is contract.periods[0]
    if first and account.chance(0.05):
        gross = Decimal("12.50")
        percent = catalogue.tax_percent(country, "STANDARD", period.starts_on)
        net, tax = split(gross, percent)
        lines.append(Line("Wanderkarten-Set zum Abo", 1, net, percent, tax, gross))
    return tuple(lines)


def _issue(account: Account, bill: Bill) -> None:
    settled = (account.world.today - bill.issued_on).days > 90
    likely = _CORRECTED_OFTEN if account.detail.every_tab else _CORRECTED
    if settled and account.rng.random() < likely:
        _correct(account, bill)
        return
    _settle(account, bill, {"type": "INVOICE"})


def _correct(account: Account, bill: Bill) -> None:
    """An invoice that was cancelled, and one at a lower price in its place."""
    original = _document(
        account, bill, bill.lines, bill.issued_on, {"type": "INVOICE", "status": "CANCELLED"}
    )
    later = bill.issued_on + timedelta(days=account.rng.randrange(3, 10))
    cancellation = _document(
        account,
        bill,
        tuple(line.negated() for line in bill.lines),
        later,
        {
            "type": "CANCELLATION",
            "status": "PAID",
            "paid_at": account.moment(later),
            "precursor_id": original,
        },
    )
    corrected = tuple(_reduced(line) for line in bill.lines)
    correction = Bill(bill.contract, bill.period, later, corrected)
    _settle(account, correction, {"type": "CORRECTION", "precursor_id": cancellation})
    account.log(
        "invoice.corrected",
        account.moment(later),
        account.agent(),
        f"Rechnung vom {bill.issued_on:%d.%m.%Y} storniert und korrigiert.",
        record_type="Invoice",
        record_id=original,
    )


def _reduced(line: Line) -> Line:
    gross = (line.gross * Decimal("0.9")).quantize(Decimal("0.01"))
    net, tax = split(gross, line.tax_percent)
    return Line(f"{line.title} (korrigiert)", line.quantity, net, line.tax_percent, tax, gross)


def _settle(account: Account, bill: Bill, fields: dict[str, Any]) -> None:
    """Issue a document that asks for money, and let the money come or not."""
    method = bill.contract.payment_method
    if method == "SEPA_DEBIT":
        _debit(account, bill, fields)
    elif method == "INVOICE":
        _await_transfer(account, bill, fields)
    else:
        paid = {"status": "PAID", "paid_at": account.moment(bill.issued_on)}
        _document(account, bill, bill.lines, bill.issued_on, {**fields, **paid})


def _debit(account: Account, bill: Bill, fields: dict[str, Any]) -> None:
    """A debit after the pre-notification's 14 days; some come back."""
    rng, today = account.rng, account.world.today
    drawn = collected_on(bill.issued_on, bill.issued_on)
    if drawn > today:
        invoice = _document(account, bill, bill.lines, bill.issued_on, {**fields, "status": "OPEN"})
        planned = {"status": "PENDING", "due_on": drawn, "executed_on": None}
        _move(account, "SEPA_DEBIT", bill, invoice, bill.issued_on, **planned)
        return
    returned = rng.random() < _RETURNED
    again = business_day_from(drawn + timedelta(days=21))
    paid_on = None if returned and (again > today or rng.random() < 0.4) else drawn
    if returned and paid_on:
        paid_on = again
    state = {"status": "PAID", "paid_at": account.moment(paid_on)} if paid_on else {}
    invoice = _document(
        account, bill, bill.lines, bill.issued_on, {**fields, "status": "NOT_PAID", **state}
    )
    if not returned:
        _move(account, "SEPA_DEBIT", bill, invoice, drawn)
    else:
        code, message = rng.choice(texts.RETURN_CODES)
        back = min(drawn + timedelta(days=rng.randrange(2, 9)), today)
        debit = _move(account, "SEPA_DEBIT", bill, invoice, drawn, returned_on=back)
        _move(
            account,
            "SEPA_DEBIT_RETURN",
            bill,
            invoice,
            back,
            original_id=debit,
            error_code=code,
            error_message=message,
        )
        account.log(
            "payment.returned", account.moment(back), SYSTEM, f"Rücklastschrift {code}: {message}."
        )
        if paid_on:
            _move(account, "SEPA_DEBIT", bill, invoice, paid_on)


def _await_transfer(account: Account, bill: Bill, fields: dict[str, Any]) -> None:
    """A transfer within some weeks, or none."""
    rng, today = account.rng, account.world.today
    paid_on = bill.issued_on + timedelta(days=rng.randrange(4, 26))
    never = rng.random() < _LATE
    if never or paid_on > today:
        overdue = bill.issued_on + _DUE < today
        state = {**fields, "status": "NOT_PAID" if overdue else "OPEN"}
        _document(account, bill, bill.lines, bill.issued_on, state)
        return
    state = {**fields, "status": "PAID", "paid_at": account.moment(paid_on)}
    invoice = _document(account, bill, bill.lines, bill.issued_on, state)
    _move(account, "BANK_TRANSFER", bill, invoice, paid_on)


def _move(account: Account, action: str, bill: Bill, invoice: int, day: date, **fields: Any) -> int:
    bank_account = account.bank_account if action.startswith("SEPA") else None
    if action == "SEPA_DEBIT":
        fields.setdefault("due_on", day)
        if "status" not in fields:
            _note_use(account, day)
    return account.add(
        models.Transaction,
        account.moment(day),
        SYSTEM,
        **{
            "action": action,
            "status": "SUCCESS",
            "amount": bill.gross,
            "currency": account.world.catalogue.currency,
            "executed_on": day,
            "invoice_id": invoice,
            "bank_account_id": bank_account,
            "reference": f"KD {account.number} RG VOM {bill.issued_on:%d.%m.%Y}",
            **fields,
        },
    )


def _note_use(account: Account, day: date) -> None:
    """Say of the account's mandate, the last one that was added, that a debit was presented."""
    mandate = account.batch.records(models.BankAccount)[-1]
    mandate["mandate_last_used_on"] = max(day, mandate["mandate_last_used_on"] or day)


def _document(
    account: Account,
    bill: Bill,
    lines: tuple[Line, ...],
    issued_on: date,
    fields: dict[str, Any],
) -> int:
    """An issued document with its lines and its sums per rate; its number comes at the end."""
    sums: dict[Decimal, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for line in lines:
        net, tax, gross = sums[line.tax_percent]
        sums[line.tax_percent] = [net + line.net, tax + line.tax, gross + line.gross]
    net, tax, gross = (sum(column, Decimal(0)) for column in zip(*sums.values(), strict=True))
    invoice = account.add(
        models.Invoice,
        account.moment(issued_on),
        SYSTEM,
        issued_on=issued_on,
        due_on=issued_on + _DUE,
        service_from=bill.period.starts_on,
        service_until=bill.period.ends_on,
        payment_method=bill.contract.payment_method,
        order_id=bill.contract.order_id,
        subscription_id=bill.contract.id,
        net=net,
        tax=tax,
        gross=gross,
        currency=account.world.catalogue.currency,
        address=account.snapshot("INVOICE"),
        **fields,
    )
    _add_items(account, bill, lines, invoice)
    for percent, (rate_net, rate_tax, rate_gross) in sums.items():
        account.batch.add(
            models.InvoiceTax,
            invoice_id=invoice,
            tax_percent=percent,
            net=rate_net,
            tax=rate_tax,
            gross=rate_gross,
        )
    return invoice


def _add_items(account: Account, bill: Bill, lines: tuple[Line, ...], invoice: int) -> None:
    """The lines of a document; the first is what was ordered, for the period."""
    for position, line in enumerate(lines, start=1):
        account.batch.add(
            models.InvoiceItem,
            invoice_id=invoice,
            position=position,
            order_item_id=bill.contract.order_item_id if position == 1 else None,
            subscription_period_id=bill.period.id if position == 1 else None,
            title=line.title,
            quantity=line.quantity,
            net=line.net,
            tax_percent=line.tax_percent,
            tax=line.tax,
            gross=line.gross,
        )
