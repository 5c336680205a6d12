"""What a resolver has at hand while one request is answered."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from app.auth.permissions import Permission
from app.database import Credentials, Principal, Reading
from app.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    from app.auth.customer_account import CustomerAccount
    from app.auth.customer_login import CustomerLogin
    from app.auth.staff_account import StaffAccount
    from app.auth.staff_login import StaffLogin
    from app.encryption import Keyring
    from app.resolvers.loaders import RecordLoader
    from app.resolvers.pages import Page
    from app.resolvers.selection import Selections
    from app.resolvers.statements import StatementCache
    from app.settings import Settings
    from app.storage import Storage


Disclose = Callable[[Any, int], Awaitable[str | None]]
"""Tells an encrypted value of the record with a key, once the history says so; see
`app.work.disclosure`."""


@dataclass(frozen=True, slots=True)
class Client:
    """What a request says of where it comes from, before anybody has looked who asks."""

    authorization: str | None = None
    """The header of that name."""

    address: str | None = None
    user_agent: str | None = None
    secure: bool = False
    """Whether it came by HTTPS."""

    preflight: bool = False
    """Whether it has a header that pages of other origins can't send without asking."""

    session: str | None = None
    """The token in the cookie of a session."""

    device: str | None = None
    """The token by which a browser is known again."""

    @property
    def has_cookie(self) -> bool:
        """Whether it is a cookie that says who asks."""
        return self.authorization is None and self.session is not None


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
            raise forbidden(permission)


def forbidden(permission: Permission) -> ApiError:
    """The error of a caller who lacks a permission."""
    return ApiError(ErrorCode.FORBIDDEN, f"This needs the permission `{permission.value}`.")


@dataclass(frozen=True)
class Services:
    """What all requests of a worker share."""

    settings: "Settings"
    storage: "Storage"
    keyring: "Keyring"
    disclosing: Callable[[bytes], Disclose]
    """What a request is told encrypted values by, from the hash of its token."""

    staff_login: "StaffLogin"
    staff_account: "StaffAccount"
    customer_login: "CustomerLogin"
    customer_account: "CustomerAccount"


class CallerContext:
    """Who asks, and what values are computed with for them."""

    disclose: Disclose

    def __init__(self, services: Services, principal: Principal) -> None:
        self.settings = services.settings
        self.storage = services.storage
        self.keyring = services.keyring
        self.principal = principal
        self.caller = Caller(principal.permissions, services.keyring.lookup_hash)


class PublicContext:
    """One request of whoever it may be, which nothing is read for: signing in."""

    def __init__(self, services: Services, client: Client) -> None:
        self.settings = services.settings
        self.services = services
        self.client = client
        self.cookies: list[str] = []
        """The `Set-Cookie` headers of the answer."""


@dataclass(frozen=True)
class Done:
    """What an action did: the key of its record, and what is shown this once and never again."""

    key: int
    shown: Mapping[str, str] = field(default_factory=dict)


class RequestContext(CallerContext):
    """One request that graphql-core answers: its transaction, and the loader over it.

    `act` does an action in a transaction of its own and gives the key of its record. Afterwards
    `reading` and `loader` are new ones, which see what it did. `apart` does anything else so.
    """

    rehearse: Callable[[Any, Any, Any], Awaitable[Any]]
    """Tells what an action would do, by a rule of its own and an input, beside what is read."""

    act: Callable[[Any, Any], Awaitable[Done]]
    apart: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]

    def __init__(
        self,
        services: Services,
        credentials: Credentials,
        client: Client,
        reading: Reading,
        loader: "RecordLoader",
        selections: "Selections",
        statements: "StatementCache",
    ) -> None:
        super().__init__(services, reading.principal)
        self.services = services
        self.credentials = credentials
        self.client = client
        self.cookies: list[str] = []
        """The `Set-Cookie` headers of the answer."""
        self.reading = reading
        self.loader = loader
        self.selections = selections
        self.statements = statements
        self.errors: list[GraphQLError] = []
        """What went wrong in finished JSON, of which graphql-core knows nothing."""
        self.pages: dict[tuple[int, ...], Page] = {}

    def see(self, reading: Reading, loader: "RecordLoader") -> None:
        """Go on in another transaction, with what the caller may by now."""
        self.reading, self.loader = reading, loader
        self.principal = reading.principal
        self.caller = Caller(reading.principal.permissions, self.keyring.lookup_hash)
