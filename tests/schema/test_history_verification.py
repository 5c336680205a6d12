"""Whether the history is what it was, asked over GraphQL and by operators."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from app.auth.permissions import Permission
from app.models import History
from app.schema.node import encode_id
from app.settings import Settings
from tests.publisher import codes
from tests.schema.compared import Compared
from tests.served import environment_of

VERIFY = """
    query ($from: Int! = 1, $until: Int, $expect: HistoryAnchorInput) {
        verifyHistory(from: $from, until: $until, expect: $expect) {
            intact complete entries anonymised firstPosition anchor { position hash }
            sealedPosition sealedAt faultCount faults { kind position entryId }
        }
    }
"""


async def change(publisher: Compared, position: int) -> None:
    """Change an entry as whoever owns the tables can."""
    async with publisher.owner.transaction():
        await publisher.owner.execute("SET LOCAL abokonto.erasure = 'on'")
        await publisher.owner.execute(
            "UPDATE history SET action = 'a.b' WHERE (tenant_id, position) = ($1, $2)",
            publisher.tenant_id,
            position,
        )


async def test_the_tab_shows_place_and_hash(publisher: Compared) -> None:
    customer = await publisher.full_account()
    await publisher.make(History, customer_id=customer)
    data = await publisher.data(
        "query ($id: ID!) { customer(by: {id: $id}) { history { nodes { position hash } } } }",
        id=encode_id("Customer", customer),
    )
    rows = await publisher.owner.fetch(
        "SELECT position, encode(hash, 'hex') AS hash FROM history WHERE tenant_id = $1"
        " ORDER BY position DESC",
        publisher.tenant_id,
    )
    assert data["customer"]["history"]["nodes"] == [dict(row) for row in rows]
    assert [row["position"] for row in rows] == [2, 1]


async def test_it_is_verified_and_what_is_wrong_is_told(publisher: Compared) -> None:
    keys = [await publisher.make(History, note="Was") for _ in range(5)]
    found = (await publisher.data(VERIFY))["verifyHistory"]
    anchor = found.pop("anchor")
    assert anchor["position"] == 5
    assert found == {
        "intact": True,
        "complete": True,
        "entries": 5,
        "anonymised": 0,
        "firstPosition": 1,
        "sealedPosition": None,
        "sealedAt": None,
        "faultCount": 0,
        "faults": [],
    }
    part = (await publisher.data(VERIFY, **{"from": 2, "until": 3}))["verifyHistory"]
    assert (part["intact"], part["complete"], part["entries"]) == (True, False, 2)
    await change(publisher, 3)
    found = (await publisher.data(VERIFY, expect=anchor))["verifyHistory"]
    entry = encode_id("HistoryEntry", keys[2])
    assert found["faults"] == [{"kind": "CHANGED", "position": 3, "entryId": entry}]
    assert (found["intact"], found["faultCount"], found["anchor"]) == (False, 1, anchor)
    wrong = {**anchor, "hash": "0" * 64}
    found = (await publisher.data(VERIFY, **{"from": 4, "expect": wrong}))["verifyHistory"]
    assert [fault["kind"] for fault in found["faults"]] == ["ANCHOR_MISMATCH"]


async def test_another_tenants_history_is_not_looked_at(
    publisher: Compared, competitor: Compared
) -> None:
    await competitor.make(History)
    await change(competitor, 1)
    found = (await publisher.data(VERIFY))["verifyHistory"]
    assert (found["intact"], found["entries"], found["anchor"]["position"]) == (True, 0, 0)
    assert not (await competitor.data(VERIFY))["verifyHistory"]["intact"]


@pytest.mark.parametrize(
    "asked",
    [
        {"from": 0},
        {"from": 3, "until": 2},
        {"expect": {"position": -1, "hash": "0" * 64}},
        {"expect": {"position": 1, "hash": "0" * 63}},
        {"expect": {"position": 1, "hash": "x" * 64}},
    ],
)
async def test_nonsense_is_refused(publisher: Compared, asked: dict[str, Any]) -> None:
    answer = await publisher.ask(VERIFY, **asked)
    assert codes(answer) == ["BAD_REQUEST"]
    assert answer["data"] == {"verifyHistory": None}


async def test_it_takes_a_permission_of_its_own(publisher: Compared) -> None:
    others = set(Permission) - {Permission.HISTORY_VERIFY}
    answer = await publisher.ask(VERIFY, await publisher.issue_token(*others))
    assert codes(answer) == ["FORBIDDEN"]


async def test_operators_verify_it(publisher: Compared, settings: Settings) -> None:
    await publisher.make(History)
    await publisher.make(History)
    slug = await publisher.owner.fetchval(
        "SELECT slug FROM tenant WHERE id = $1", publisher.tenant_id
    )
    whole = await run(settings, "--tenant", slug)
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.startswith("2:")
    assert "The history is whole: 2 entries" in whole.stderr
    await change(publisher, 2)
    broken = await run(settings, "--tenant", slug, "--expect", whole.stdout.strip())
    assert broken.returncode == 1
    assert "CHANGED at 2" in broken.stderr
    nobody, malformed = await asyncio.gather(
        run(settings, "--tenant", "nobody"), run(settings, "--tenant", slug, "--expect", "1:00")
    )
    assert "There is no tenant nobody." in nobody.stderr
    assert "An anchor is POSITION:HASH." in malformed.stderr


async def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`abokonto history verify`, in a process of its own."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "app.cli", "history", "verify", *arguments],
        env=environment_of(settings),
        capture_output=True,
        text=True,
        check=False,
    )
