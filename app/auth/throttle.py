"""Slows down guessing, and can't be used to lock anybody out.

Who guesses is known by the address and by what they claim to be. Each pair of the two has a few
tries, and then pauses that double; so has each address, with a larger budget for all that it claims
to be. What is done from elsewhere slows down nobody: a victim's own address, or a device that they
have signed in with before, has tries of its own.

A try is counted before it is made and taken back where it succeeds, so that many at once don't
overtake the count. All workers share the counts (`abokonto.count_try`). They say nothing of whether
there is such an account: it is what was claimed that is counted.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.encryption import Keyring

_IPV6_NETWORK = 64
"""Whoever has one IPv6 address has all of its network."""

_IPV6_SITE = 48
"""And often 65,536 such networks: for one account they have tries together, or somebody could go
on guessing for as long as they have more."""

_COUNT = text("SELECT abokonto.count_try(:key, :free, :longest, :kept)")
_FORGET = text("SELECT abokonto.forget_tries(:key)")
_TAKE_BACK = text("SELECT abokonto.take_back_try(:key)")


@dataclass(frozen=True)
class Budget:
    """How many tries pass before the pauses begin, how long they get, and when all is forgotten."""

    free: int
    longest_seconds: int
    kept_seconds: int


PER_ACCOUNT = Budget(free=5, longest_seconds=900, kept_seconds=3_600)
PER_ADDRESS = Budget(free=50, longest_seconds=900, kept_seconds=3_600)
PER_SECOND_FACTOR = Budget(free=5, longest_seconds=3_600, kept_seconds=86_400)
"""For codes, wherever they come from: whoever tries these knows the password, or has a session.

The two are counted apart, and so is a device that has signed in before: whoever got hold of the
password alone does not keep its owner from signing in there, or from changing it.
"""

NEW_DEVICE = ""
"""All those that are not known, as one."""


class TooManyTriesError(Exception):
    """There can be no try for some seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds


class Throttle:
    """Counts the tries of one kind, such as `staff login`."""

    def __init__(self, keyring: Keyring, kind: str) -> None:
        self._keyring = keyring
        self._kind = kind

    def account_key(self, claimed: str, origin: str) -> bytes:
        """The key of what somebody claims to be, from an address or a device."""
        return self._key("account", claimed, origin)

    def address_key(self, address: str | None) -> bytes:
        """The key of an address."""
        return self._key("address", network_of(address))

    def second_factor_key(self, account: str, device: str) -> bytes:
        """The key of an account whose password is known; a device that it knows has its own."""
        return self._key("second factor", account, device)

    def session_key(self, account: str) -> bytes:
        """The key of an account in whose sessions the password or a code is asked for again."""
        return self._key("session", account)

    async def count(self, session: AsyncSession, key: bytes, budget: Budget) -> None:
        """Count a try; commit before it is made.

        Raises:
            TooManyTriesError: It must not be made.
        """
        values = {
            "key": key,
            "free": budget.free,
            "longest": budget.longest_seconds,
            "kept": budget.kept_seconds,
        }
        seconds: int = await session.scalar(_COUNT, values) or 0
        if seconds:
            raise TooManyTriesError(seconds)

    async def forget(self, session: AsyncSession, key: bytes) -> None:
        """Forget the tries of somebody who has shown who they are."""
        await session.execute(_FORGET, {"key": key})

    async def take_back(self, session: AsyncSession, key: bytes) -> None:
        """Take back one try, which succeeded, and leave the others."""
        await session.execute(_TAKE_BACK, {"key": key})

    def _key(self, *parts: str) -> bytes:
        return self._keyring.lookup_hash("\0".join(("throttle", self._kind, *parts)))


def network_of(address: str | IPv4Address | IPv6Address | None) -> str:
    """The network that an address stands for; all of IPv6's network, as its owner has it."""
    if address is None:
        return "nowhere"
    return _within(address, _IPV6_NETWORK)


def site_of(address: str | IPv4Address | IPv6Address | None) -> str:
    """All that the owner of an address is likely to have, as far as one account is concerned."""
    return "nowhere" if address is None else _within(address, _IPV6_SITE)


def _within(address: str | IPv4Address | IPv6Address, prefix: int) -> str:
    network = ip_network(address)
    return str(network if network.version == 4 else network.supernet(new_prefix=prefix))
