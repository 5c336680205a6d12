"""Opt-ins: what can be said after what, the proof of it, and the confirming click."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.actions.opt_ins import CONFIRMED_WITHIN, TRANSITIONS
from app.auth.roles import ROLES
from app.models.opt_in import YEARS_OF_PROOF, OptInChannel, OptInStatus
from app.schema.node import encode_id
from tests.actions.unchanged import Everything
from tests.publisher import Publisher, codes, refusals
from tests.rows import EPOCH

TEXT = "Ja, ich möchte den Newsletter erhalten.\nWiderruf jederzeit."
ENTRY = (
    "optInEntry { id status source ip userAgent declaredAt createdAt confirmUntil textSha256"
    " confirmationToken declaration { version text sha256 } confirms { id }"
    " optIn { purpose channel status } }"
)
OF = {"purpose": "newsletter", "channel": "EMAIL"}
FORM = {"source": "Bestellformular", "ip": "2001:db8::1", "userAgent": "Firefox"}
LOG = """
    query ($id: ID!) { customer(by: {id: $id}) { optIns { nodes {
        status entries(orderBy: {field: CREATED_AT, direction: ASC}) { nodes { id status } }
    } } } }
"""


@pytest.fixture
async def texts(publisher: Publisher) -> None:
    """Two versions of a declaration."""
    for version in ("2026-01", "2026-11"):
        await publisher.act("defineOptInText", {**OF, "version": version, "text": TEXT + version})


async def say(publisher: Publisher, customer: str, status: str, **more: Any) -> dict[str, Any]:
    """Change the opt-in for the newsletter; consents are to the first version."""
    given = {"customerId": customer, **OF, **FORM, "status": status, **more}
    if status == "SINGLE_OPT_IN":
        given.setdefault("textVersion", "2026-01")
    return await publisher.act("changeOptIn", given, ENTRY)


async def agree(publisher: Publisher, customer: str, **more: Any) -> dict[str, Any]:
    """A single opt-in; its entry."""
    payload = await say(publisher, customer, "SINGLE_OPT_IN", **more)
    assert payload["userErrors"] == []
    entry: dict[str, Any] = payload["optInEntry"]
    return entry


async def click(publisher: Publisher, token: str, **more: Any) -> dict[str, Any]:
    """The confirmation."""
    given = {"token": token, "source": "Bestätigungslink", "ip": "192.0.2.7", **more}
    return await publisher.act("recordDoubleOptIn", given, ENTRY)


async def reach(publisher: Publisher, customer: str, status: OptInStatus) -> None:
    """Bring the newsletter into a state."""
    if status is OptInStatus.OBJECTION:
        await say(publisher, customer, "OBJECTION")
    elif status is not OptInStatus.NONE:
        entry = await agree(publisher, customer)
        if status is OptInStatus.DOUBLE_OPT_IN:
            await click(publisher, entry["confirmationToken"])
        if status is OptInStatus.REVOKED:
            await say(publisher, customer, "REVOKED")


async def log_of(publisher: Publisher, customer: str) -> tuple[str, list[str]]:
    """The state and the statuses of the log, oldest first."""
    data = await publisher.data(LOG, id=customer)
    (opt_in,) = data["customer"]["optIns"]["nodes"]
    return opt_in["status"], [entry["status"] for entry in opt_in["entries"]["nodes"]]


async def test_a_text_is_kept_word_for_word_with_its_hash(
    publisher: Publisher, competitor: Publisher
) -> None:
    payload = await publisher.act(
        "defineOptInText",
        {**OF, "version": " 2026-11 ", "text": f" {TEXT}\r\n"},
        "optInText { purpose channel version text sha256 }",
    )
    assert payload["optInText"] == {
        **OF,
        "version": "2026-11",
        "text": TEXT,
        "sha256": hashlib.sha256(TEXT.encode()).hexdigest(),
    }
    query = '{ optInTexts(search: "newsletter") { nodes { version } } }'
    assert (await publisher.data(query))["optInTexts"]["nodes"] == [{"version": "2026-11"}]
    assert (await competitor.data(query))["optInTexts"]["nodes"] == []


@pytest.mark.usefixtures("texts")
async def test_a_version_is_never_another_text(
    publisher: Publisher, everything: Everything
) -> None:
    async with everything.unchanged():
        again = {**OF, "version": "2026-11", "text": "Anders."}
        payload = await publisher.act("defineOptInText", again)
    assert refusals(payload) == [("VERSION_TAKEN", "version")]
    payload = await publisher.act("defineOptInText", {**again, "channel": "POST"})
    assert refusals(payload) == []


@pytest.mark.usefixtures("texts")
async def test_a_consent_is_proved_by_its_entry(publisher: Publisher, customer: str) -> None:
    entry = await agree(publisher, customer)
    text = TEXT + "2026-01"
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert entry["declaration"] == {"version": "2026-01", "text": text, "sha256": digest}
    assert entry["textSha256"] == digest
    assert entry | FORM == entry
    assert entry["declaredAt"] == entry["createdAt"]
    assert entry["optIn"] == {**OF, "status": "SINGLE_OPT_IN"}
    until = datetime.fromisoformat(entry["confirmUntil"])
    assert until - datetime.fromisoformat(entry["createdAt"]) == CONFIRMED_WITHIN


@pytest.mark.usefixtures("texts")
async def test_the_history_has_each_change_once(publisher: Publisher, customer: str) -> None:
    single = await agree(publisher, customer)
    double = (await click(publisher, single["confirmationToken"]))["optInEntry"]
    first, second = await publisher.history(customer)
    assert [entry["action"] for entry in (first, second)] == [
        "opt_in.changed",
        "opt_in.confirmed",
    ]
    assert [encode_id("OptInEntry", e["record_id"]) for e in (first, second)] == [
        single["id"],
        double["id"],
    ]
    (key,) = second["before"]
    assert key.startswith("OptIn:")
    assert first["before"] is None
    assert first["after"][key] == {**OF, "status": "SINGLE_OPT_IN"}
    assert second["before"] == {key: {"status": "SINGLE_OPT_IN"}}
    assert second["after"][key] == {"status": "DOUBLE_OPT_IN"}
    assert first["after"]["personal"] == {
        "source": "Bestellformular",
        "ip": "2001:db8::1",
        "user_agent": "Firefox",
    }
    assert await publisher.diary(customer) == [
        "Opt-in newsletter, EMAIL: SINGLE_OPT_IN.",
        "Opt-in newsletter, EMAIL: DOUBLE_OPT_IN.",
    ]


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize("after", OptInStatus)
@pytest.mark.parametrize("before", OptInStatus)
async def test_only_what_the_table_says_follows(
    publisher: Publisher,
    customer: str,
    everything: Everything,
    before: OptInStatus,
    after: OptInStatus,
) -> None:
    await reach(publisher, customer, before)
    more = {"textVersion": "2026-11"} if after is OptInStatus.SINGLE_OPT_IN else {}
    if after in TRANSITIONS[before] - {OptInStatus.DOUBLE_OPT_IN}:
        payload = await say(publisher, customer, after, **more)
        assert payload["optInEntry"]["optIn"]["status"] == after
        state, log = await log_of(publisher, customer)
        assert state == after == log[-1]
        return
    async with everything.unchanged():
        payload = await say(publisher, customer, after, **more)
    unchanged = before is after
    expected = ("OPT_IN_UNCHANGED", "") if unchanged else ("OPT_IN_NOT_ALLOWED", "status")
    assert refusals(payload) == [expected]


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize("before", [OptInStatus.SINGLE_OPT_IN, OptInStatus.DOUBLE_OPT_IN])
async def test_agreeing_to_the_same_text_again_changes_nothing(
    publisher: Publisher, customer: str, everything: Everything, before: OptInStatus
) -> None:
    await reach(publisher, customer, before)
    async with everything.unchanged():
        payload = await say(publisher, customer, "SINGLE_OPT_IN")
    assert refusals(payload) == [("OPT_IN_UNCHANGED", "")]


@pytest.mark.usefixtures("texts")
async def test_after_the_confirmation_expired_the_same_text_can_be_agreed_to(
    publisher: Publisher, customer: str
) -> None:
    long_ago = datetime.now(UTC) - CONFIRMED_WITHIN - timedelta(days=1)
    first = await agree(publisher, customer, declaredAt=long_ago.isoformat())
    payload = await click(publisher, first["confirmationToken"])
    assert refusals(payload) == [("CONFIRMATION_EXPIRED", "token")]
    second = await agree(publisher, customer)
    assert second["confirmationToken"] != first["confirmationToken"]
    payload = await click(publisher, second["confirmationToken"])
    assert payload["optInEntry"]["optIn"]["status"] == "DOUBLE_OPT_IN"


@pytest.mark.usefixtures("texts")
async def test_a_confirmation_carries_the_text_and_its_own_evidence(
    publisher: Publisher, customer: str
) -> None:
    single = await agree(publisher, customer)
    at = datetime.now(UTC)
    payload = await click(publisher, single["confirmationToken"], clickedAt=at.isoformat())
    double = payload["optInEntry"]
    assert double["status"] == "DOUBLE_OPT_IN"
    assert double["declaration"] == single["declaration"]
    assert double["textSha256"] == single["textSha256"]
    assert double["ip"] == "192.0.2.7"
    assert datetime.fromisoformat(double["declaredAt"]) == at
    assert double["confirms"] == {"id": single["id"]}
    assert double["confirmationToken"] is double["confirmUntil"] is None


@pytest.mark.usefixtures("texts")
async def test_a_second_click_changes_nothing_and_gives_the_first(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    token = (await agree(publisher, customer))["confirmationToken"]
    first, other = await asyncio.gather(click(publisher, token), click(publisher, token))
    assert first["userErrors"] == other["userErrors"] == []
    async with everything.unchanged():
        second = await click(publisher, token, ip="192.0.2.8")
    assert first["optInEntry"] == second["optInEntry"] == other["optInEntry"]
    assert await log_of(publisher, customer) == (
        "DOUBLE_OPT_IN",
        ["SINGLE_OPT_IN", "DOUBLE_OPT_IN"],
    )


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize("confirmed", [False, True])
@pytest.mark.parametrize("said", ["REVOKED", "OBJECTION", "SINGLE_OPT_IN"])
async def test_a_link_from_before_counts_no_more(
    publisher: Publisher, customer: str, everything: Everything, said: str, confirmed: bool
) -> None:
    token = (await agree(publisher, customer))["confirmationToken"]
    if confirmed:
        await click(publisher, token)
    more = {"textVersion": "2026-11"} if said == "SINGLE_OPT_IN" else {}
    assert refusals(await say(publisher, customer, said, **more)) == []
    async with everything.unchanged():
        payload = await click(publisher, token)
    assert refusals(payload) == [("CONFIRMATION_INVALID", "token")]


@pytest.mark.usefixtures("texts")
async def test_a_token_that_is_not_ours_confirms_nothing(
    publisher: Publisher, competitor: Publisher, customer: str, everything: Everything
) -> None:
    token = (await agree(publisher, customer))["confirmationToken"]
    number, _, code = token.partition("-")
    forged = ("x", f"{int(number) + 1}-{code}", f"{token[:-2]}AA", f"0{token}", f"{10**19}-{code}")
    async with everything.unchanged():
        for other in forged:
            assert refusals(await click(publisher, other)) == [("CONFIRMATION_INVALID", "token")]
        assert refusals(await click(competitor, token)) == [("CONFIRMATION_INVALID", "token")]


@pytest.mark.usefixtures("texts")
async def test_a_click_lies_between_the_consent_and_now(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    token = (await agree(publisher, customer))["confirmationToken"]
    early, late = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    async with everything.unchanged():
        payload = await click(publisher, token, clickedAt=early.isoformat())
        assert refusals(payload) == [("INVALID", "clickedAt")]
        payload = await click(publisher, token, clickedAt=late.isoformat())
        assert refusals(payload) == [("DATE_IN_FUTURE", "clickedAt")]


REFUSED: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "no text": ({"textVersion": None}, ("REQUIRED", "textVersion")),
    "blank text": ({"textVersion": " "}, ("REQUIRED", "textVersion")),
    "unknown version": ({"textVersion": "1999"}, ("NOT_FOUND", "textVersion")),
    "another channel's": ({"channel": "POST"}, ("NOT_FOUND", "textVersion")),
    "no purpose": ({"purpose": "a b"}, ("INVALID", "purpose")),
    "blank purpose": ({"purpose": " "}, ("REQUIRED", "purpose")),
    "no address": ({"ip": "192.0.2.256"}, ("INVALID", "ip")),
    "blank source": ({"source": ""}, ("REQUIRED", "source")),
    "long source": ({"source": "x" * 201}, ("TOO_LONG", "source")),
    "long program": ({"userAgent": "x" * 1001}, ("TOO_LONG", "userAgent")),
    "tomorrow": ({"declaredAt": "2999-01-01T00:00:00Z"}, ("DATE_IN_FUTURE", "declaredAt")),
}


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize("case", REFUSED)
async def test_what_proves_nothing_is_refused(
    publisher: Publisher, customer: str, everything: Everything, case: str
) -> None:
    more, expected = REFUSED[case]
    async with everything.unchanged():
        payload = await say(publisher, customer, "SINGLE_OPT_IN", **more)
    assert refusals(payload) == [expected]


@pytest.mark.usefixtures("texts")
async def test_an_older_consent_does_not_undo_an_objection(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    await say(publisher, customer, "OBJECTION")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    async with everything.unchanged():
        payload = await say(publisher, customer, "SINGLE_OPT_IN", declaredAt=yesterday)
    assert refusals(payload) == [("INVALID", "declaredAt")]


@pytest.mark.usefixtures("texts")
async def test_a_letter_that_took_days_is_an_objection_all_the_same(
    publisher: Publisher, customer: str
) -> None:
    await agree(publisher, customer)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    payload = await say(publisher, customer, "OBJECTION", declaredAt=yesterday.isoformat())
    assert datetime.fromisoformat(payload["optInEntry"]["declaredAt"]) == yesterday
    assert payload["optInEntry"]["optIn"]["status"] == "OBJECTION"


@pytest.mark.usefixtures("texts")
async def test_a_consent_that_is_sent_twice_is_written_once(
    publisher: Publisher, customer: str
) -> None:
    first = await agree(publisher, customer, idempotencyKey="1")
    assert await agree(publisher, customer, idempotencyKey="1") == first
    assert await log_of(publisher, customer) == ("SINGLE_OPT_IN", ["SINGLE_OPT_IN"])


@pytest.mark.usefixtures("texts")
async def test_an_anonymised_account_is_closed(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    token = (await agree(publisher, customer))["confirmationToken"]
    await publisher.owner.execute(
        "UPDATE customer SET anonymized_at = $2 WHERE tenant_id = $1", publisher.tenant_id, EPOCH
    )
    async with everything.unchanged():
        for payload in (await say(publisher, customer, "REVOKED"), await click(publisher, token)):
            assert refusals(payload) == [("CUSTOMER_ANONYMIZED", "")]


@pytest.mark.usefixtures("texts")
async def test_agents_neither_confirm_for_customers_nor_see_what_confirms(
    publisher: Publisher, customer: str, everything: Everything
) -> None:
    agent = await publisher.issue_token(*ROLES["agent"])
    single = await agree(publisher, customer)
    async with everything.unchanged():
        given = {"token": single["confirmationToken"], "source": "Telefon"}
        assert codes(await publisher.ask_to("recordDoubleOptIn", given, "", agent)) == ["FORBIDDEN"]
        given = {**OF, "version": "2027", "text": "Ja."}
        assert codes(await publisher.ask_to("defineOptInText", given, "", agent)) == ["FORBIDDEN"]
    query = "query ($id: ID!) { node(id: $id) { ... on OptInEntry { confirmationToken status } } }"
    answer = await publisher.ask(query, agent, id=single["id"])
    assert answer["data"]["node"] == {"confirmationToken": None, "status": "SINGLE_OPT_IN"}
    assert codes(answer) == ["FORBIDDEN"]


@pytest.mark.usefixtures("texts")
async def test_the_token_is_the_same_by_whichever_way_it_is_read(
    publisher: Publisher, customer: str
) -> None:
    single = await agree(publisher, customer)
    query = "query ($id: ID!) { node(id: $id) { ... on OptInEntry { confirmationToken } } }"
    node = (await publisher.data(query, id=single["id"]))["node"]
    assert node == {"confirmationToken": single["confirmationToken"]}


@pytest.mark.usefixtures("texts")
async def test_the_log_decides_whatever_is_written_to_the_state(
    publisher: Publisher, customer: str
) -> None:
    await agree(publisher, customer)
    await publisher.owner.execute(
        "UPDATE opt_in SET status = 'DOUBLE_OPT_IN' WHERE tenant_id = $1", publisher.tenant_id
    )
    assert await log_of(publisher, customer) == ("SINGLE_OPT_IN", ["SINGLE_OPT_IN"])


@pytest.mark.usefixtures("texts")
async def test_a_text_and_an_entry_are_never_changed(publisher: Publisher, customer: str) -> None:
    await agree(publisher, customer)
    for statement in (
        "UPDATE opt_in_text SET text = 'x'",
        "DELETE FROM opt_in_text",
        "UPDATE opt_in_entry SET ip = NULL",
        "DELETE FROM opt_in_entry",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await publisher.owner.execute(f"{statement} WHERE tenant_id = {publisher.tenant_id}")


def test_the_proof_of_calls_is_kept_for_five_years() -> None:
    assert YEARS_OF_PROOF == {OptInChannel.PHONE: 5}
