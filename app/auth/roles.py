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
        # Works in customers' accounts, and has nothing to do with who works here.
        AGENT: _EVERYTHING - {Permission.STAFF_READ},
        # Looks and changes nothing.
        AUDITOR: frozenset(
            permission for permission in Permission if permission.value.endswith(":read")
        ),
    }
)
