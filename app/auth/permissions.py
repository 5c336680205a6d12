"""What a caller can be allowed to do, as `resource:verb`."""

from enum import StrEnum


class Permission(StrEnum):
    """A single right. Roles of staff and scopes of partner tokens are sets of these."""

    CUSTOMER_READ = "customer:read"
    ACTIVITY_READ = "activity:read"
    ADDRESS_READ = "address:read"
    ACCESS_RIGHT_READ = "access_right:read"
    BANK_ACCOUNT_READ = "bank_account:read"
    ORDER_READ = "order:read"
    SUBSCRIPTION_READ = "subscription:read"
    INVOICE_READ = "invoice:read"
    TRANSACTION_READ = "transaction:read"
    DELIVERY_READ = "delivery:read"
    GOODWILL_READ = "goodwill:read"
    OPT_IN_READ = "opt_in:read"
    MAIL_READ = "mail:read"
    LOGIN_READ = "login:read"
    EXPORT_READ = "export:read"
    HISTORY_READ = "history:read"
    CATALOGUE_READ = "catalogue:read"
    FILE_DOWNLOAD = "file:download"
    STAFF_READ = "staff:read"
