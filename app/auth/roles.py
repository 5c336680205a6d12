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
        # the whole history gone through.
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
        },
        # Looks and changes nothing.
        AUDITOR: frozenset(
            permission
            for permission in Permission
            if permission.value.endswith((":read", ":report", ":verify"))
        ),
    }
)
