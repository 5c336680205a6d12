"""Why banks send debits back, and until when they may (EPC016-06; the codes are ISO 20022's)."""

from dataclasses import dataclass
from datetime import date, timedelta

from app.domain.periods import Period

REFUND_WEEKS = 8
"""So long after the collection day payers get their money back without saying why (MD06)."""

UNAUTHORISED_MONTHS = 13
"""So long after it, where there was no valid mandate (MD01)."""


@dataclass(frozen=True, slots=True)
class ReturnReason:
    """A reason, in words, and whether the mandate can still be used.

    A mandate ends where there is none, or nobody and nothing left to draw from: without a valid
    mandate, after the payer's death, and where the account is closed, unknown or not one that
    takes debits. The rulebook lets creditors try again after all else.
    """

    text: str
    ends_mandate: bool = False


REASONS = {
    "AC01": ReturnReason("The account number is wrong.", ends_mandate=True),
    "AC04": ReturnReason("The account is closed.", ends_mandate=True),
    "AC06": ReturnReason("The account is blocked."),
    "AC13": ReturnReason("The account is of a kind that this sort of debit is not for."),
    "AG01": ReturnReason("The account takes no direct debits.", ends_mandate=True),
    "AG02": ReturnReason("The sequence type or the file's operation code is wrong."),
    "AM04": ReturnReason("There is not enough money on the account."),
    "AM05": ReturnReason("The debit was collected twice."),
    "BE05": ReturnReason("The creditor's identifier is wrong."),
    "CNOR": ReturnReason("The creditor's bank is not known to the clearing."),
    "DNOR": ReturnReason("The payer's bank is not known to the clearing."),
    "FF01": ReturnReason("The file's format is wrong."),
    "FF05": ReturnReason("The file names a wrong local instrument."),
    "MD01": ReturnReason("There is no valid mandate.", ends_mandate=True),
    "MD02": ReturnReason("Data of the mandate are missing or wrong."),
    "MD06": ReturnReason("The payer wants the money back."),
    "MD07": ReturnReason("The payer has died.", ends_mandate=True),
    "MS02": ReturnReason("The payer refuses the debit."),
    "MS03": ReturnReason("The bank gives no reason."),
    "RC01": ReturnReason("The bank's BIC is wrong."),
    "RR01": ReturnReason("Regulation asks for the payer's account or identification."),
    "RR02": ReturnReason("Regulation asks for the payer's name or address."),
    "RR03": ReturnReason("Regulation asks for the creditor's name or address."),
    "RR04": ReturnReason("Regulation stands against it."),
    "SL01": ReturnReason("The payer's bank blocks debits as the payer has told it to."),
    "TM01": ReturnReason("The file came too late."),
}
"""By the codes of R-transactions in the Core scheme."""


def refundable_until(collected_on: date) -> date:
    """The last day on which a payer gets the money of a debit back without a reason."""
    return collected_on + timedelta(weeks=REFUND_WEEKS)


def contestable_until(collected_on: date) -> date:
    """The last day on which a payer can say that there was no mandate."""
    return Period(UNAUTHORISED_MONTHS, "MONTH").after(collected_on)
