"""Links to packages: who may download which one, until when, in a token that nobody can make."""

import base64
import binascii
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from app.database import Principal
from app.encryption import EncryptionError, Keyring
from app.work.unit import actor_of

PATH = "/exports/"

_PLACE = "data_export.link"
"""What the token is encrypted for, so that nothing else we encrypt is ever one."""

_LONGEST = 4096


class Link(NamedTuple):
    """What a token says: the export, and for whom the link was made, as the history names them."""

    tenant_id: int
    export_id: int
    until: datetime
    actor_kind: str
    actor_id: int | None
    actor_name: str | None

    @classmethod
    def to(cls, export_id: int, caller: Principal, until: datetime) -> "Link":
        """A link to an export of the caller's tenant."""
        return cls(caller.tenant_id, export_id, until, **actor_of(caller))


def address_of(link: Link, keyring: Keyring, public_url: str | None) -> str:
    """The address of a link; a path, where it isn't known how we are reached."""
    content = orjson.dumps([*link._replace(until=int(link.until.timestamp()))]).decode()  # type: ignore[arg-type]  # As the token has it.
    token = base64.urlsafe_b64encode(keyring.encrypt(content, _PLACE)).decode().rstrip("=")
    return f"{(public_url or '').rstrip('/')}{PATH}{token}"


def opened(token: str, keyring: Keyring, now: datetime) -> Link | None:
    """What a token says; None where it is none of ours, or its time is over."""
    if len(token) > _LONGEST:
        return None
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        tenant_id, export_id, until, *actor = orjson.loads(keyring.decrypt(sealed, _PLACE))
    except (EncryptionError, binascii.Error, ValueError):
        return None
    link = Link(tenant_id, export_id, datetime.fromtimestamp(until, UTC), *actor)
    return link if now < link.until else None
