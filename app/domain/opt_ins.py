"""The token by which a customer confirms an opt-in.

It is made of the tenant, the entry and a key, so that nothing is stored that would give it away,
and asking for it again gives the same one.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable

KeyedHash = Callable[[str], bytes]
"""A hash that nobody can compute without the installation's key."""

_TOKEN = re.compile(r"([1-9][0-9]{0,18})-([0-9A-Za-z_-]{32})", re.ASCII)
_BYTES = 24


def confirmation_token(keyed_hash: KeyedHash, tenant_id: int, entry_id: int) -> str:
    """The token that confirms the entry of a single opt-in."""
    code = keyed_hash(f"opt_in.confirmation:{tenant_id}:{entry_id}")[:_BYTES]
    return f"{entry_id}-{urlsafe_b64encode(code).decode()}"


def confirmed_entry(keyed_hash: KeyedHash, tenant_id: int, token: str) -> int | None:
    """The entry that a token confirms; None where it is not one of this tenant's."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    entry_id = int(found[1])
    genuine = confirmation_token(keyed_hash, tenant_id, entry_id)
    return entry_id if hmac.compare_digest(token, genuine) else None
