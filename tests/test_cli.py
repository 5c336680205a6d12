"""The command line, in this process, on a database of the test's own."""

import asyncio
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from app import cli
from app.auth.tokens import hash_token
from app.commands.errors import CommandError
from app.embedded.ports import free_ports
from app.settings import Settings
from app.settings import settings as settings_of_process
from tests.conftest import Database

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a command as an operator who has configured everything."""
    for name, value in settings.model_dump(exclude_defaults=True).items():
        text = getattr(value, "get_secret_value", lambda value=value: str(value))()
        monkeypatch.setenv(f"ABOKONTO_{name.upper()}", text)
    settings_of_process.cache_clear()

    def run(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(cli.cli, arguments, input=input)

    yield run
    settings_of_process.cache_clear()


def _ok(result: Result) -> str:
    if result.exception:
        raise result.exception
    assert result.exit_code == 0
    return result.stdout.strip()


def _refused(result: Result, message: str) -> None:
    assert isinstance(result.exception, CommandError), result.output
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)


def _rows(database: Database, query: str, *arguments: object) -> list[asyncpg.Record]:
    async def ask() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(database.owner_database_url)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    return asyncio.run(ask())


@pytest.fixture
def tenant(run: Run) -> str:
    _ok(run("tenant", "create", "verlag", "--name", "Verlag"))
    return "verlag"


@pytest.fixture
def agent(run: Run, tenant: str) -> str:
    email = "anna@verlag.example"
    _ok(
        run(
            *("staff", "create", "--tenant", tenant, "--email", email, "--name", "Anna"),
            *("--password", "stdin"),
            input="a password of some length\n",
        )
    )
    return email


def test_a_token_of_staff_is_printed_alone_and_kept_as_a_hash(
    run: Run, database: Database, tenant: str, agent: str
) -> None:
    result = run(
        "token", "create", "--tenant", tenant, "--name", "laptop", "--staff", agent, "--days", "7"
    )
    token = _ok(result)
    assert token.startswith("abo_staff_")
    assert "shown once" in result.stderr
    query = "SELECT expires_at - now() AS rest FROM access_token WHERE hash = $1"
    [row] = _rows(database, query, hash_token(token))
    assert 6 < row["rest"].total_seconds() / 86_400 <= 7
    assert token not in str(_rows(database, "SELECT to_jsonb(t)::text FROM access_token t"))


def test_a_partners_token_is_bound_to_networks(run: Run, database: Database, tenant: str) -> None:
    create = ("token", "create", "--tenant", tenant, "--name", "shop", "--scope", "customer:read")
    token = _ok(run(*create, "--network", "192.0.2.0/24", "--network", "2001:db8::/32"))
    query = "SELECT allowed_networks::text[] AS networks FROM access_token WHERE hash = $1"
    [row] = _rows(database, query, hash_token(token))
    assert row["networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    _refused(run(*create, "--network", "192.0.2.1/24"), "That is no network")


RULES = "SELECT two_factor_required, four_eyes, book_years, invoice_years, letter_years, login_days"
HISTORY = "SELECT action, record_type, actor_kind, before::jsonb, after::jsonb FROM history"


@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        (("two-factor", "--required"), {"two_factor_required": True}),
        (("four-eyes", "--required"), {"four_eyes": True}),
        (("retention", "--books", "12"), {"book_years": 12}),
        (
            ("retention", "--invoices", "9", "--letters", "0", "--logins", "30"),
            {"invoice_years": 9, "letter_years": 0, "login_days": 30},
        ),
    ],
)
def test_a_tenants_rules_are_changed_and_kept_in_its_history(
    run: Run,
    database: Database,
    tenant: str,
    arguments: tuple[str, ...],
    changed: dict[str, Any],
) -> None:
    [known] = _rows(database, f"{RULES} FROM tenant WHERE slug = $1", tenant)
    _ok(run("tenant", arguments[0], tenant, *arguments[1:]))
    [now] = _rows(database, f"{RULES} FROM tenant WHERE slug = $1", tenant)
    assert dict(now) == {**known, **changed}
    [entry] = _rows(database, HISTORY)
    assert entry["action"] == "tenant.rules_changed"
    assert (entry["record_type"], entry["actor_kind"]) == ("TenantSettings", "SYSTEM")
    assert json.loads(entry["before"]) == {name: known[name] for name in changed}
    assert json.loads(entry["after"]) == changed
    # What is so already is no change.
    _ok(run("tenant", arguments[0], tenant, *arguments[1:]))
    assert len(_rows(database, HISTORY)) == 1


def test_rules_can_be_lifted_and_those_that_can_not_be_are_told(
    run: Run, database: Database, tenant: str
) -> None:
    for command, column in (("two-factor", "two_factor_required"), ("four-eyes", "four_eyes")):
        for option, required in (("--required", True), ("--optional", False)):
            _ok(run("tenant", command, tenant, option))
            [row] = _rows(database, f"{RULES} FROM tenant")
            assert row[column] is required
        _refused(run("tenant", command, "nowhere", "--required"), "There is no tenant nowhere")
    for option, value in (("--books", "101"), ("--letters", "-1"), ("--logins", "0")):
        _refused(run("tenant", "retention", tenant, option, value), "This is between")
    _refused(run("tenant", "retention", tenant), "Say what is kept how long")
    [row] = _rows(database, f"{RULES} FROM tenant")
    assert list(row.values()) == [False, False, 10, 8, 6, 365]


def test_a_password_is_reset_shown_once_and_ends_sessions(
    run: Run, database: Database, agent: str
) -> None:
    _ok(run("tenant", "create", "other", "--name", "Other"))
    before = _sign_in(database)
    result = run("staff", "reset-password", agent.upper())
    password = _ok(result)
    assert re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", password)
    assert "shown once" in result.stderr
    [row] = _rows(database, "SELECT password_hash, one_time_until - now() AS rest FROM staff")
    assert row["password_hash"] not in (before, password)
    assert 23.9 < row["rest"].total_seconds() / 3600 <= 24
    assert _rows(database, "SELECT 1 FROM access_token WHERE revoked_at IS NULL") == []
    [entry] = _rows(database, f"{HISTORY} JOIN tenant ON tenant.id = history.tenant_id")
    assert (entry["action"], entry["record_type"]) == ("staff.password_reset", "StaffMembership")
    kept = _rows(database, "SELECT to_jsonb(h)::text AS row FROM history AS h")
    assert password not in str(kept)
    _refused(run("staff", "reset-password", "x@example.org"), "no member of staff with x@")


def test_a_second_factor_is_taken_away_with_its_codes(
    run: Run, database: Database, agent: str
) -> None:
    _refused(run("staff", "remove-second-factor", agent), "has no second factor")
    _refused(run("staff", "remove-second-factor", "x@example.org"), "no member of staff with x@")
    _sign_in(database)
    _rows(
        database,
        "UPDATE staff SET totp_secret = 'x', totp_step = 7, two_factor_since = now()",
    )
    _rows(
        database,
        "INSERT INTO staff_recovery_code (staff_id, hash) SELECT id, sha256('x') FROM staff",
    )
    _ok(run("staff", "remove-second-factor", agent))
    [row] = _rows(database, "SELECT totp_secret, totp_step, two_factor_since FROM staff")
    assert list(row.values()) == [None, None, None]
    assert _rows(database, "SELECT 1 FROM staff_recovery_code") == []
    assert _rows(database, "SELECT 1 FROM access_token WHERE revoked_at IS NULL") == []
    [entry] = _rows(database, HISTORY)
    assert entry["action"] == "staff.two_factor_deactivated"


def _sign_in(database: Database) -> str:
    """Give the one member of staff a session; the hash of their password."""
    _rows(
        database,
        "INSERT INTO access_token (tenant_id, kind, staff_id, name, hash, signed_in_by, expires_at,"
        " idle_seconds) SELECT tenant_id, 'STAFF', staff_id, 'Session', sha256('x'), 'PASSWORD',"
        " now() + interval '1 day', 3600 FROM staff_membership",
    )
    [row] = _rows(database, "SELECT password_hash FROM staff")
    kept: str = row["password_hash"]
    return kept


def test_a_password_known_from_breaches_is_refused(
    run: Run, database: Database, tenant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tmp_path / "breached.txt"
    listed.write_text(hashlib.sha1(b"password1234").hexdigest().upper() + ":3\r\n")  # noqa: S324  The list's own hashes.
    monkeypatch.setenv("ABOKONTO_BREACHED_PASSWORDS_FILE", str(listed))
    settings_of_process.cache_clear()
    create = ("staff", "create", "--tenant", tenant, "--name", "X", "--password", "stdin")
    refused = run(*create, "--email", "x@example.org", input="password1234\n")
    _refused(refused, "known from breaches")
    assert _rows(database, "SELECT 1 FROM staff") == []


def test_a_password_is_kept_as_a_hash(database: Database, agent: str) -> None:
    [row] = _rows(database, "SELECT email, password_hash FROM staff")
    assert row["email"] == agent
    assert row["password_hash"].startswith("$argon2id$")


def test_a_partners_token_has_its_scopes_and_ends_when_revoked(
    run: Run, database: Database, tenant: str
) -> None:
    token = _ok(
        run(
            *("token", "create", "--tenant", tenant, "--name", "shop", "--forever"),
            *("--scope", "customer:read", "--scope", "invoice:read"),
        )
    )
    assert token.startswith("abo_partner_")
    query = "SELECT permissions, expires_at, revoked_at FROM access_token WHERE hash = $1"
    [row] = _rows(database, query, hash_token(token))
    assert sorted(row["permissions"]) == ["customer:read", "invoice:read"]
    assert row["expires_at"] is None
    assert row["revoked_at"] is None
    _ok(run("token", "revoke", input=f"{token}\n"))
    [row] = _rows(database, query, hash_token(token))
    assert row["revoked_at"] is not None
    _refused(run("token", "revoke", token), "no such token")


@pytest.mark.parametrize(
    "arguments",
    [(), ("--staff", "anna@verlag.example", "--scope", "customer:read")],
    ids=["neither", "both"],
)
def test_a_token_is_either_for_staff_or_for_a_partner(
    run: Run, tenant: str, arguments: tuple[str, ...]
) -> None:
    result = run("token", "create", "--tenant", tenant, "--name", "x", *arguments)
    _refused(result, "either --staff or")


def test_what_is_unknown_or_taken_is_told(run: Run, database: Database, tenant: str) -> None:
    _refused(run("tenant", "create", tenant, "--name", "Again"), "already")
    _refused(run("tenant", "create", "Not A Slug", "--name", "X"), "lower-case")
    common = ("staff", "create", "--name", "X", "--password", "none")
    email = ("--email", "x@example.org")
    _refused(run(*common, *email, "--tenant", "other"), "no tenant other")
    _refused(run(*common, *email, "--tenant", tenant, "--role", "king"), "no role king")
    _refused(run(*common, "--email", "x", "--tenant", tenant), "no e-mail address")
    _refused(
        run("token", "create", "--tenant", tenant, "--name", "x", "--scope", "all"), "no scope all"
    )
    assert _rows(database, "SELECT 1 FROM staff") == []
    assert _rows(database, "SELECT 1 FROM access_token") == []
    assert len(_rows(database, "SELECT 1 FROM tenant")) == 1


@pytest.mark.usefixtures("tenant")
def test_migrating_again_changes_nothing(run: Run, database: Database) -> None:
    _ok(run("migrate"))
    assert len(_rows(database, "SELECT 1 FROM tenant")) == 1


def test_an_empty_database_is_told(run: Run, database: Database) -> None:
    _rows(database, "DROP TABLE tenant CASCADE")
    _refused(run("tenant", "create", "verlag", "--name", "Verlag"), "abokonto migrate")


def test_a_server_refuses_a_database_of_another_version(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rows(database, "UPDATE alembic_version SET version_num = 'older'")
    monkeypatch.setenv("ABOKONTO_PORT", str(free_ports(1)[0]))
    _refused(run("serve"), "abokonto migrate")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://app:secret@127.0.0.1:1/abokonto", "127.0.0.1:1/abokonto"),
        ("mysql://app:secret@127.0.0.1/abokonto", "invalid DSN"),
    ],
)
def test_a_database_that_is_not_there_is_told_without_the_password(
    run: Run, monkeypatch: pytest.MonkeyPatch, url: str, reason: str
) -> None:
    monkeypatch.setenv("ABOKONTO_OWNER_DATABASE_URL", url)
    result = run("migrate")
    _refused(result, reason)
    assert "secret" not in str(result.exception)


def test_a_wrong_password_is_told(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = database.owner_database_url.replace("owner@", "wrong@")
    assert url != database.owner_database_url
    monkeypatch.setenv("ABOKONTO_OWNER_DATABASE_URL", url)
    _refused(run("migrate"), "password authentication failed")


def test_migrating_needs_the_owner(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ABOKONTO_OWNER_DATABASE_URL")
    _refused(run("migrate"), "Set ABOKONTO_OWNER_DATABASE_URL")


def test_a_store_that_is_not_there_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABOKONTO_S3_ENDPOINT_URL", "http://127.0.0.1:1")
    _refused(run("migrate"), "object store can't be used")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ABOKONTO_WORKERS", "0"),
        ("ABOKONTO_PORT", "http"),
        ("ABOKONTO_MAX_DEPTH", "deep"),
        ("ABOKONTO_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_setting_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    _refused(run("migrate"), f"{variable} is wrong")


@pytest.mark.usefixtures("run")
def test_what_can_be_put_right_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ABOKONTO_WORKERS", "0")
    monkeypatch.setattr(sys, "argv", ["abokonto", "migrate"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith("abokonto: ABOKONTO_WORKERS is wrong")


def test_the_schema_is_printed(run: Run) -> None:
    assert "type Query" in _ok(run("schema"))


ACCOUNT = """query Account($number: String!, $first: Int = 3) { customer(by: {number: $number}) {
    lastName activities(first: $first) { totalCount nodes { id text } } } }
query Others { customers { nodes { id } } }"""


def test_a_query_is_explained(run: Run, database: Database, tenant: str) -> None:
    options = ("--tenant", tenant, "--operation", "Account", "--variables", '{"number": "K\'1"}')
    shown = _ok(run("explain", "-", *options, input=ACCOUNT))
    sql, _, plan = shown.partition("\n\n-- $1 ")
    assert sql.startswith("SELECT caller.kind,\n  caller.token_id,\n")
    assert max(map(len, sql.splitlines())) < 400
    assert ': "K\'1"\n' in plan
    assert "Index Scan" in plan
    assert "actual time" not in plan
    assert "actual time" in _ok(run("explain", ACCOUNT, *options, "--analyze"))
    assert _ok(run("explain", ACCOUNT, *options, "--sql-only")) in shown
    assert _rows(database, "SELECT 1 FROM access_token") == []


def test_a_query_is_explained_to_the_holder_of_a_token(
    run: Run, tenant: str, tmp_path: Path
) -> None:
    scope = ("--scope", "customer:read")
    token = _ok(run("token", "create", "--tenant", tenant, "--name", "x", *scope, "--forever"))
    file = tmp_path / "query.graphql"
    file.write_text("{ customers(first: 1) { nodes { number } } }")
    assert "FROM customer" in _ok(run("explain", f"@{file}", "--token", token, "--sql-only"))
    _refused(run("explain", "@nowhere", "--token", token), "nowhere can't be read")
    _refused(run("explain", "{ viewer { name } }", "--token", "abo_x"), "token is unknown")


@pytest.mark.parametrize(
    ("query", "options", "reason"),
    [
        ("{ nobody }", (), "Cannot query field 'nobody'"),
        ("{", (), "Syntax Error"),
        ("subscription { x }", (), "The document is wrong"),
        ("query A { viewer { name } } query B { viewer { name } }", (), "several operations"),
        ("{ viewer { name } }", ("--operation", "X"), "no operation of that name"),
        ("{ viewer { name } }", ("--variables", "{"), "no JSON"),
        ("{ viewer { name } }", ("--variables", "[]"), "JSON object"),
        ("query($id: ID!) { node(id: $id) { id } }", (), "The variables are wrong"),
        ('{ node(id: "x") { id } }', (), "not an id of this API"),
        ("{ __schema { description } }", (), "__schema"),
        (f"{{ viewer {{ {'k' * 64}: name }} }}", (), "kkk"),
    ],
)
def test_what_can_not_be_explained_is_told(
    run: Run, tenant: str, query: str, options: tuple[str, ...], reason: str
) -> None:
    _refused(run("explain", query, "--tenant", tenant, *options), reason)


def test_explaining_needs_somebody_who_asks(run: Run, tenant: str) -> None:
    query = "{ viewer { name } }"
    _refused(run("explain", query), "either --token or --tenant")
    _refused(run("explain", query, "--token", "x", "--tenant", tenant), "either --token or")
    _refused(run("explain", query, "--tenant", "other"), "no tenant other")


def test_tax_rates_are_added_and_listed(run: Run) -> None:
    french = ("tax-rate", "add", "--country", "FR", "--class", "REDUCED")
    _refused(run(*french, "--percent", "2,1", "--from", "2999-01-01"), "2,1 is no percentage")
    _refused(run(*french, "--percent", "2.125", "--from", "2999-01-01"), "is no percentage")
    _refused(
        run(*french, "--percent", "2.1", "--from", "2999-01-02", "--until", "2999-01-01"),
        "ends before it begins",
    )
    added = _ok(run(*french, "--percent", "2.1", "--from", "2024-01-01", "--until", "2999-12-31"))
    assert added == "FR  REDUCED     2.10  2024-01-01 to 2999-12-31"
    assert _ok(run("tax-rate", "list", "--country", "FR")) == added
    assert "DE  STANDARD   16.00  2020-07-01 to 2020-12-31" in _ok(run("tax-rate", "list"))
