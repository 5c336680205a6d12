"""The errors that clients see.

Three kinds leave the application, and nothing else is raised on purpose:

- `ApiError`: the client broke the protocol, is not who it must be, or asked for what it may not
  have. It becomes a top-level GraphQL error with `extensions.code`.
- `Refused`: an action's rules stand against what was asked. It becomes the payload's
  `userErrors`, and nothing is written.
- everything else is a bug: it is logged with an id, and the client gets `INTERNAL` and that id.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from graphql import GraphQLError

UNKNOWN_TOKEN = "The token is unknown, expired or revoked."  # noqa: S105  It is a message.
MOST_REFUSALS = 100
"""How many reasons a client is told at once: a short request can be wrong in very many places."""

UNAVAILABLE = "The service is unavailable at the moment. Try again soon."


class ErrorCode(StrEnum):
    """The values of `extensions.code` in top-level errors."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    BAD_REQUEST = "BAD_REQUEST"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    RATE_LIMITED = "RATE_LIMITED"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


class ApiError(GraphQLError):
    """A fault of the request, told to the client with its code."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message, extensions={"code": code.value})
        self.code = code


class UserErrorCode(StrEnum):
    """The values of `userErrors.code`; `app/schema/user_error.py` describes each."""

    # What any action may answer.
    REQUIRED = "REQUIRED"
    INVALID = "INVALID"
    TOO_LONG = "TOO_LONG"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    STALE_VERSION = "STALE_VERSION"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    IDEMPOTENCY_IN_PROGRESS = "IDEMPOTENCY_IN_PROGRESS"
    CUSTOMER_ANONYMIZED = "CUSTOMER_ANONYMIZED"

    # The customer's own data and the locks.
    NUMBER_TAKEN = "NUMBER_TAKEN"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    EXTERNAL_ID_TAKEN = "EXTERNAL_ID_TAKEN"
    ALREADY_TAGGED = "ALREADY_TAGGED"
    NOT_TAGGED = "NOT_TAGGED"
    TOO_MANY_TAGS = "TOO_MANY_TAGS"
    ALREADY_BLOCKED = "ALREADY_BLOCKED"
    NOT_BLOCKED = "NOT_BLOCKED"
    EXPORT_RUNNING = "EXPORT_RUNNING"
    SAME_CUSTOMER = "SAME_CUSTOMER"
    MERGE_RUNNING = "MERGE_RUNNING"
    NOTHING_TO_TAKE = "NOTHING_TO_TAKE"

    # Erasure.
    HAS_TRANSACTION_DATA = "HAS_TRANSACTION_DATA"
    RUNNING_SUBSCRIPTION = "RUNNING_SUBSCRIPTION"
    OPEN_PAYMENT = "OPEN_PAYMENT"
    APPROVAL_REQUIRED = "APPROVAL_REQUIRED"
    APPROVAL_REQUESTED = "APPROVAL_REQUESTED"
    NOTHING_REQUESTED = "NOTHING_REQUESTED"
    SAME_AGENT = "SAME_AGENT"
    OPERATOR_REQUIRED = "OPERATOR_REQUIRED"

    # Activities and their files.
    SYSTEM_ACTIVITY = "SYSTEM_ACTIVITY"
    NOT_AUTHOR = "NOT_AUTHOR"
    EDIT_PERIOD_OVER = "EDIT_PERIOD_OVER"
    ALREADY_PINNED = "ALREADY_PINNED"
    NOT_PINNED = "NOT_PINNED"
    TOO_MANY_FILES = "TOO_MANY_FILES"
    FILE_EMPTY = "FILE_EMPTY"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    FILE_TYPE_NOT_ALLOWED = "FILE_TYPE_NOT_ALLOWED"
    FILE_DISGUISED = "FILE_DISGUISED"
    FILE_INFECTED = "FILE_INFECTED"
    FILE_NOT_SCANNED = "FILE_NOT_SCANNED"

    # Addresses.
    ADDRESS_INVALID = "ADDRESS_INVALID"
    ADDRESS_DUPLICATE = "ADDRESS_DUPLICATE"
    ADDRESS_IN_USE = "ADDRESS_IN_USE"
    DATE_NOT_IN_FUTURE = "DATE_NOT_IN_FUTURE"

    # Access rights.
    ACCESS_RIGHT_NOT_MANUAL = "ACCESS_RIGHT_NOT_MANUAL"
    PERIOD_INVALID = "PERIOD_INVALID"

    # Bank accounts and their mandates.
    IBAN_INVALID = "IBAN_INVALID"
    IBAN_NOT_IN_SEPA = "IBAN_NOT_IN_SEPA"
    BIC_INVALID = "BIC_INVALID"
    BANK_ACCOUNT_DUPLICATE = "BANK_ACCOUNT_DUPLICATE"
    BANK_ACCOUNT_IN_USE = "BANK_ACCOUNT_IN_USE"
    BANK_ACCOUNT_PREFERRED = "BANK_ACCOUNT_PREFERRED"
    BANK_ACCOUNT_REMOVED = "BANK_ACCOUNT_REMOVED"
    MANDATE_REFERENCE_TAKEN = "MANDATE_REFERENCE_TAKEN"
    MANDATE_LAPSED = "MANDATE_LAPSED"
    MANDATE_REVOKED = "MANDATE_REVOKED"
    MANDATE_USED = "MANDATE_USED"
    DATE_IN_FUTURE = "DATE_IN_FUTURE"

    # Opt-ins.
    VERSION_TAKEN = "VERSION_TAKEN"
    OPT_IN_UNCHANGED = "OPT_IN_UNCHANGED"
    OPT_IN_NOT_ALLOWED = "OPT_IN_NOT_ALLOWED"
    CONFIRMATION_INVALID = "CONFIRMATION_INVALID"
    CONFIRMATION_EXPIRED = "CONFIRMATION_EXPIRED"

    # Additional data.
    KEY_TAKEN = "KEY_TAKEN"
    TOO_MANY_DEFINITIONS = "TOO_MANY_DEFINITIONS"
    DEFINITION_INVALID = "DEFINITION_INVALID"
    DEFINITION_IN_USE = "DEFINITION_IN_USE"
    ADDITIONAL_DATA_INVALID = "ADDITIONAL_DATA_INVALID"

    # The catalogue.
    CODE_TAKEN = "CODE_TAKEN"
    UNIQUE_ID_TAKEN = "UNIQUE_ID_TAKEN"
    TITLE_TAKEN = "TITLE_TAKEN"
    PUBLISHING_DATE_TAKEN = "PUBLISHING_DATE_TAKEN"
    PRODUCT_IN_USE = "PRODUCT_IN_USE"
    PRODUCT_RETIRED = "PRODUCT_RETIRED"
    PRODUCT_NOT_RETIRED = "PRODUCT_NOT_RETIRED"
    TAX_SPLIT_INVALID = "TAX_SPLIT_INVALID"
    PRICE_INVALID = "PRICE_INVALID"
    TERMS_INVALID = "TERMS_INVALID"
    OFFER_ALREADY_SOLD = "OFFER_ALREADY_SOLD"
    OFFER_ALREADY_REPLACED = "OFFER_ALREADY_REPLACED"
    ISSUE_DELIVERED = "ISSUE_DELIVERED"
    ISSUE_IN_USE = "ISSUE_IN_USE"
    VOUCHER_ALREADY_USED = "VOUCHER_ALREADY_USED"

    # Subscriptions.
    SUBSCRIPTION_ENDED = "SUBSCRIPTION_ENDED"
    SUBSCRIPTION_CANCELLED = "SUBSCRIPTION_CANCELLED"
    SUBSCRIPTION_PAUSED = "SUBSCRIPTION_PAUSED"
    SUBSCRIPTION_NOT_CANCELLED = "SUBSCRIPTION_NOT_CANCELLED"
    SUBSCRIPTION_NOT_PAUSED = "SUBSCRIPTION_NOT_PAUSED"
    NOTICE_PERIOD = "NOTICE_PERIOD"
    OFFER_UNCHANGED = "OFFER_UNCHANGED"

    # Goodwill.
    NOT_ISSUE_BASED = "NOT_ISSUE_BASED"
    NOT_TIME_BASED = "NOT_TIME_BASED"
    DELIVERY_NOT_SENT = "DELIVERY_NOT_SENT"
    ALREADY_REDELIVERED = "ALREADY_REDELIVERED"
    GOODWILL_LIMIT = "GOODWILL_LIMIT"

    # What is sold.
    OFFER_NOT_AVAILABLE = "OFFER_NOT_AVAILABLE"
    ADDRESS_REQUIRED = "ADDRESS_REQUIRED"
    MANDATE_REQUIRED = "MANDATE_REQUIRED"

    # Invoices.
    INVOICE_NOT_CORRECTABLE = "INVOICE_NOT_CORRECTABLE"
    INVOICE_ALREADY_CANCELLED = "INVOICE_ALREADY_CANCELLED"
    ALREADY_RENDERED = "ALREADY_RENDERED"

    # The checkout.
    TOO_MANY_LINES = "TOO_MANY_LINES"
    CURRENCIES_MIXED = "CURRENCIES_MIXED"
    START_DATE_INVALID = "START_DATE_INVALID"
    VOUCHER_INVALID = "VOUCHER_INVALID"
    PRICE_CHANGED = "PRICE_CHANGED"
    # Signing in, staff and tokens.
    LOGIN_FAILED = "LOGIN_FAILED"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    TWO_FACTOR_REQUIRED = "TWO_FACTOR_REQUIRED"
    TWO_FACTOR_INVALID = "TWO_FACTOR_INVALID"
    TWO_FACTOR_ACTIVE = "TWO_FACTOR_ACTIVE"
    TWO_FACTOR_NOT_ACTIVE = "TWO_FACTOR_NOT_ACTIVE"
    TENANT_UNKNOWN = "TENANT_UNKNOWN"
    NOT_SIGNED_IN = "NOT_SIGNED_IN"
    NEW_PASSWORD_REQUIRED = "NEW_PASSWORD_REQUIRED"  # noqa: S105  As below.
    PASSWORD_WRONG = "PASSWORD_WRONG"  # noqa: S105  This is a code, no password.
    PASSWORD_INVALID = "PASSWORD_INVALID"  # noqa: S105  As above.
    PASSWORD_BREACHED = "PASSWORD_BREACHED"  # noqa: S105  As above.
    INVITATION_INVALID = "INVITATION_INVALID"
    ALREADY_MEMBER = "ALREADY_MEMBER"
    ALREADY_DEACTIVATED = "ALREADY_DEACTIVATED"
    NOT_DEACTIVATED = "NOT_DEACTIVATED"
    NAME_TAKEN = "NAME_TAKEN"
    ROLE_IN_USE = "ROLE_IN_USE"
    PERMISSION_UNKNOWN = "PERMISSION_UNKNOWN"
    PERMISSION_EXCEEDED = "PERMISSION_EXCEEDED"
    LAST_ADMINISTRATOR = "LAST_ADMINISTRATOR"
    NETWORK_INVALID = "NETWORK_INVALID"
    TOKEN_ENDED = "TOKEN_ENDED"  # noqa: S105  As above.

    # Payments.
    INVOICE_ALREADY_PAID = "INVOICE_ALREADY_PAID"
    INVOICE_NOT_PAYABLE = "INVOICE_NOT_PAYABLE"
    OVERPAYMENT = "OVERPAYMENT"
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    DEBIT_PENDING = "DEBIT_PENDING"
    DEBIT_NOT_RETURNABLE = "DEBIT_NOT_RETURNABLE"
    RETURN_CODE_UNKNOWN = "RETURN_CODE_UNKNOWN"
    CREDITOR_INCOMPLETE = "CREDITOR_INCOMPLETE"
    NOTHING_DUE = "NOTHING_DUE"
    REFUND_NOT_PENDING = "REFUND_NOT_PENDING"


class Verbatim(str):
    """A part of a path that the client named, which it gets back as it is."""

    __slots__ = ()


@dataclass(frozen=True)
class Refusal:
    """One reason why an action did not happen."""

    code: UserErrorCode
    message: str
    field: tuple[str, ...] = ()
    """The path of what is wrong inside the input, in Python's names; empty for all of it."""


class Refused(Exception):  # noqa: N818  It is an answer, not an error.
    """An action did not happen, for one reason or for several at once."""

    def __init__(self, code: UserErrorCode, message: str, *field: str) -> None:
        super().__init__(message)
        self.refusals: tuple[Refusal, ...] = (Refusal(code, message, field),)

    @classmethod
    def because(cls, refusals: Iterable[Refusal]) -> "Refused":
        """Refused for these reasons, of which there is at least one and the first ones are told."""
        reasons = tuple(islice(refusals, MOST_REFUSALS))
        refused = cls(reasons[0].code, reasons[0].message, *reasons[0].field)
        refused.refusals = reasons
        return refused
