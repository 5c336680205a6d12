"""The chain of a tenant's history: what each entry's hash is made of, and what breaks the chain.

The hash of an entry is SHA-256 over the hash before it (32 bytes, all zero before the first one)
and the entry's content: a JSON object in UTF-8 with the members

    account_id action actor_digest actor_id actor_kind after before changed_at created_at id
    personal_digest record_id record_type tenant_id

in its canonical form: keys in the order of their lengths in UTF-8, those of one length in that of
their bytes; a comma and a space, a colon and a space between them; numbers with all their digits;
nothing escaped but quotes, backslashes and control characters. Times are microseconds since 1970,
digests are in hexadecimal, `before` and `after` are without their key `"personal"`, and
`account_id` is the customer's id as it was at first. Where it is another one now, that customer has
an entry `customer.merged` whose `after` names the first one as `former_id`.

What is personal is in it as digests: SHA-256 over a random salt and a canonical JSON. That of
`personal_digest` is an object with `"personal"` of `after` and `before` and with `note`, as far as
they are there, and that of `actor_digest` is `actor_name`. Both are null where there is nothing. An
entry is anonymised by removing the values and their salt; then nobody can try out what they were.

PostgreSQL computes all of it in a trigger as entries are inserted. It happens to write its `jsonb`
in this form; should a version of it write otherwise, the functions of the trigger have to change
and not this, which computes everything once more, on its own.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Any, NamedTuple

ORIGIN = bytes(32)
"""What stands in place of a hash before the first entry."""

MOST_FAULTS = 100
_PERSONAL = "personal"
_MOST_CANDIDATES = 8


class _Number(str):
    """A number of JSON, as it is written."""

    __slots__ = ()


class Entry(NamedTuple):
    """An entry as the database has it. JSON is text, and times are microseconds."""

    position: int
    hash: bytes | None
    id: int
    tenant_id: int
    customer_id: int | None
    account_id: int | None
    account_gone: bool
    account_merged: bool
    """Whether the history itself says that the account became part of the customer's."""

    action: str
    record_type: str | None
    record_id: int | None
    before: str | None
    after: str | None
    note: str | None
    created_at: str
    changed_at: str
    actor_kind: str
    actor_id: int | None
    actor_name: str | None
    personal_salt: bytes | None
    personal_digest: bytes | None
    actor_salt: bytes | None
    actor_digest: bytes | None


class Anchor(NamedTuple):
    """How far a history had got: the position and the hash of its last entry then."""

    position: int
    hash: bytes

    @classmethod
    def read(cls, text: str) -> "Anchor":
        """An anchor as it is written down.

        Raises:
            ValueError: It is none.
        """
        position, _, digits = text.strip().partition(":")
        anchor = cls(int(position), bytes.fromhex(digits))
        if anchor.position < 0 or len(anchor.hash) != len(ORIGIN):
            raise ValueError(text)
        return anchor

    def __str__(self) -> str:
        """As `POSITION:HASH`."""
        return f"{self.position}:{self.hash.hex()}"


class FaultKind(StrEnum):
    """What is wrong with a history."""

    CHANGED = "CHANGED"
    MISSING = "MISSING"
    INSERTED = "INSERTED"
    ANCHOR_MISMATCH = "ANCHOR_MISMATCH"


class Fault(NamedTuple):
    """Something that is wrong, where, and with which entry."""

    kind: FaultKind
    position: int | None
    entry_id: int | None

    def __str__(self) -> str:
        """In words."""
        position = "nowhere" if self.position is None else f"at {self.position}"
        entry = "" if self.entry_id is None else f" (entry {self.entry_id})"
        return f"{self.kind.value} {position}{entry}"


def canonical(value: Any) -> str:
    """JSON in its canonical form."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        keys = sorted(value, key=_order)
        members = (f"{encode_basestring(key)}: {canonical(value[key])}" for key in keys)
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(canonical, value))}]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _order(key: str) -> tuple[int, bytes]:
    encoded = key.encode()
    return len(encoded), encoded


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text, parse_int=_Number, parse_float=_Number)


def _apart(value: Any, key: str, personal: dict[str, Any]) -> Any:
    """What is not personal in `before` or `after`; what is goes elsewhere."""
    if isinstance(value, dict) and _PERSONAL in value:
        personal[key] = value.pop(_PERSONAL)
    return value


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()


def _content(entry: Entry, before: Any, after: Any) -> bytes:
    return canonical(
        {
            "account_id": entry.account_id,
            "action": entry.action,
            "actor_digest": _hex(entry.actor_digest),
            "actor_id": entry.actor_id,
            "actor_kind": entry.actor_kind,
            "after": after,
            "before": before,
            "changed_at": _Number(entry.changed_at),
            "created_at": _Number(entry.created_at),
            "id": entry.id,
            "personal_digest": _hex(entry.personal_digest),
            "record_id": entry.record_id,
            "record_type": entry.record_type,
            "tenant_id": entry.tenant_id,
        }
    ).encode()


def _holds(value: Any, salt: bytes | None, digest: bytes | None) -> bool:
    """Whether a personal part is the one that was there at first, or was removed."""
    if value is None or salt is None:
        return value is None and salt is None
    return sha256(salt + canonical(value).encode()).digest() == digest


class Examined(NamedTuple):
    """What an entry is on its own."""

    content: bytes
    whole: bool
    """Whether what its hash does not cover is as it was: what is personal, and whose it is."""

    anonymised: bool


def examine(entry: Entry) -> Examined:
    """Look at an entry without the others."""
    personal: dict[str, Any] = {}
    try:
        after = _apart(_read(entry.after), "after", personal)
        before = _apart(_read(entry.before), "before", personal)
        content = _content(entry, before, after)
    except (ValueError, RecursionError):
        # No action has written such values.
        return Examined(b"", whole=False, anonymised=False)
    if entry.note is not None:
        personal["note"] = entry.note
    kept = entry.customer_id == entry.account_id
    left = entry.customer_id is None and entry.account_gone
    moved = entry.customer_id is not None and entry.account_merged
    whole = (
        _holds(personal or None, entry.personal_salt, entry.personal_digest)
        and _holds(entry.actor_name, entry.actor_salt, entry.actor_digest)
        and (kept or left or moved)
    )
    anonymised = entry.personal_digest is not None and entry.personal_salt is None
    return Examined(content, whole=whole, anonymised=anonymised)


@dataclass
class Chain:
    """Goes through the entries of a history in their order, and keeps what is wrong.

    `previous` is the hash before the first of them; None where it is not known.
    """

    first: int = 1
    previous: bytes | None = ORIGIN
    anchors: Mapping[int, Sequence[bytes]] = field(default_factory=dict)

    entries: int = 0
    anonymised: int = 0
    last: Anchor | None = None
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0

    def __post_init__(self) -> None:
        """Begin before the first entry."""
        self._expected = self.first
        self._before: frozenset[bytes] | None = None
        if self.previous is not None:
            self._before = frozenset({self.previous})
        # An entry that does not fit, until the next one tells whether it does not belong here.
        self._doubtful: tuple[Entry, frozenset[bytes], FaultKind] | None = None
        self._met: set[int] = set()

    def add(self, kind: FaultKind, position: int | None, entry_id: int | None = None) -> None:
        """Keep what is wrong; of very much only how much it is."""
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(kind, position, entry_id))

    def go_on(self, entries: Iterable[Entry]) -> None:
        """Go through the next entries."""
        for entry in entries:
            self._next(entry, examine(entry))

    def end(self, last: int, head: Anchor | None = None) -> None:
        """See that the entries reach to the last position, and to the head where it is that."""
        self._decide()
        self._skip(last + 1)
        if head is not None and self.last is not None and self.last.position == head.position:
            self._compare(head.position, [head.hash], self.last.hash, None)
        for position in sorted(self.anchors.keys() - self._met):
            self.add(FaultKind.ANCHOR_MISMATCH, position)

    def _next(self, entry: Entry, examined: Examined) -> None:
        self.entries += 1
        self.anonymised += examined.anonymised
        gap = self._skip(entry.position)
        made = self._hashes(examined.content, self._before)
        fits = gap or self._before is None or entry.hash in made
        if self._doubtful is not None:
            fits, made = self._judge(entry, examined, made)
        if not fits:
            # Two can't be at one position.
            extra = entry.position < self._expected
            self._doubtful = (entry, made, FaultKind.INSERTED if extra else FaultKind.CHANGED)
        elif not examined.whole or entry.position < self._expected:
            self.add(FaultKind.CHANGED, entry.position, entry.id)
        if fits:
            self._before = None if entry.hash is None else frozenset({entry.hash})
        self._expected = max(self._expected, entry.position + 1)
        self.last = Anchor(entry.position, entry.hash or b"")
        self._met.add(entry.position)
        expected = self.anchors.get(entry.position, ())
        self._compare(entry.position, expected, entry.hash, entry.id)

    def _judge(
        self, entry: Entry, examined: Examined, made: frozenset[bytes]
    ) -> tuple[bool, frozenset[bytes]]:
        """Tell what the doubtful entry is, by the one behind it; and whether that one fits."""
        assert self._doubtful is not None  # noqa: S101  It was looked at.
        doubtful = self._doubtful[0]
        if entry.hash in made:
            self.add(FaultKind.INSERTED, doubtful.position, doubtful.id)
            self._doubtful = None
            return True, made
        self._decide()
        made = self._hashes(examined.content, self._before)
        return self._before is None or entry.hash in made, made

    def _decide(self) -> None:
        """Take the doubtful entry for one that belongs here and was changed."""
        if self._doubtful is None:
            return
        doubtful, made, kind = self._doubtful
        self._doubtful = None
        self.add(kind, doubtful.position, doubtful.id)
        # The next one follows the hash that is there, or the one that ought to be.
        stored = () if doubtful.hash is None else (doubtful.hash,)
        self._before = frozenset([*stored, *made][:_MOST_CANDIDATES]) or None

    def _skip(self, position: int) -> bool:
        """Tell of the positions before this one that have no entry; whether there are any."""
        missing = position - self._expected
        if missing <= 0:
            return False
        self._decide()
        room = max(MOST_FAULTS - len(self.faults), 0)
        for place in range(self._expected, min(position, self._expected + room)):
            self.faults.append(Fault(FaultKind.MISSING, place, None))
        self.fault_count += missing
        self._expected, self._before = position, None
        return True

    def _compare(
        self, position: int, expected: Iterable[bytes], found: bytes | None, entry_id: int | None
    ) -> None:
        if any(known != found for known in expected):
            self.add(FaultKind.ANCHOR_MISMATCH, position, entry_id)

    @staticmethod
    def _hashes(content: bytes, before: frozenset[bytes] | None) -> frozenset[bytes]:
        """What the hash of an entry may be, by what may stand before it."""
        return frozenset(sha256(previous + content).digest() for previous in before or ())
