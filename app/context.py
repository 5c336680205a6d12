"""What a resolver has at hand while one request is answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.auth.permissions import Permission
from app.database import Principal, Reading
from app.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    from app.encryption import Keyring
    from app.resolvers.loaders import RecordLoader
    from app.resolvers.pages import Page
    from app.resolvers.selection import Selections
    from app.settings import Settings
    from app.storage import Storage


@dataclass(frozen=True)
class Caller:
    """What arguments are checked with: what the caller may, and the keys that find an IBAN."""

    permissions: frozenset[str]
    hash_iban: Callable[[str], bytes]

    def require(self, permission: Permission) -> None:
        """Check a permission.

        Raises:
            ApiError: FORBIDDEN, naming the permission that is missing.
        """
        if permission not in self.permissions:
            raise ApiError(ErrorCode.FORBIDDEN, f"This needs the permission `{permission.value}`.")


@dataclass
class RequestContext:
    """One request: who asks, the transaction it reads in, and the loader over it."""

    settings: "Settings"
    storage: "Storage"
    keyring: "Keyring"
    reading: Reading
    loader: "RecordLoader"
    selections: "Selections"
    pages: "dict[tuple[int, ...], Page]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The caller is the one that the transaction was opened for."""
        self.caller = Caller(self.principal.permissions, self.keyring.lookup_hash)

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.reading.principal
