"""The roles that every tenant begins with."""

from collections.abc import Mapping
from types import MappingProxyType

from app.auth.permissions import Permission

ADMINISTRATOR = "administrator"
AGENT = "agent"
AUDITOR = "auditor"

_EVERYTHING = frozenset(Permission)

ROLES: Mapping[str, frozenset[Permission]] = MappingProxyType(
    {
        # May do all there is.
        ADMINISTRATOR: _EVERYTHING,
        # Works in customers' accounts, and has nothing to do with who works here, or which programs
        # have tokens. Nor can it
        # say in customers' place that they confirmed what they agreed to, or by which words, or
        # what is sold at which price. Nor does it give debits, with everybody's IBANs, to the bank,
        # or end contracts earlier than they bind, or read what each colleague gives away, or have
        # the whole history gone through, or try customers' passwords, or change by which rules all
        # work.
        AGENT: _EVERYTHING
        - {
            Permission.STAFF_READ,
            Permission.STAFF_WRITE,
            Permission.TOKEN_READ,
            Permission.TOKEN_WRITE,
            Permission.OPT_IN_CONFIRM,
            Permission.OPT_IN_DEFINE,
            Permission.CATALOGUE_WRITE,
            Permission.VOUCHER_WRITE,
            Permission.SEPA_BATCH_WRITE,
            Permission.BILLING_WRITE,
            Permission.SUBSCRIPTION_OVERRIDE,
            Permission.GOODWILL_REPORT,
            Permission.HISTORY_VERIFY,
            Permission.CUSTOMER_LOGIN,
            Permission.TENANT_WRITE,
        },
        # Looks and changes nothing.
        AUDITOR: frozenset(
            permission
            for permission in Permission
            if permission.value.endswith((":read", ":report", ":verify"))
        ),
    }
)

# What customers may who have signed in, of which row-level security shows them their own: nothing
# that staff write about them, as notes, goodwill and the history, and nothing that says why a login
# failed. They change nothing but how they sign in, which needs no permission.
CUSTOMER: frozenset[Permission] = frozenset(
    {
        Permission.CUSTOMER_READ,
        Permission.ADDRESS_READ,
        Permission.ACCESS_RIGHT_READ,
        Permission.ACCESS_CHECK,
        Permission.BANK_ACCOUNT_READ,
        Permission.ORDER_READ,
        Permission.SUBSCRIPTION_READ,
        Permission.INVOICE_READ,
        Permission.TRANSACTION_READ,
        Permission.DELIVERY_READ,
        Permission.OPT_IN_READ,
        Permission.MAIL_READ,
        Permission.CATALOGUE_READ,
        Permission.FILE_DOWNLOAD,
        Permission.SESSION_READ,
    }
)
