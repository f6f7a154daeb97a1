"""What is looked at, and what is said where it is not as it should be."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headroom_mitm.certificates import Authority, ensure_authority
from headroom_mitm.cli import main
from headroom_mitm.commands.diagnosis import Finding, State
from headroom_mitm.commands.doctor import examine_versions
from headroom_mitm.commands.examine_clients import examine_attribution, examine_clients
from headroom_mitm.commands.examine_proxy import examine_authority, examine_environment, examine_proxy
from headroom_mitm.commands.examine_store import examine_store
from headroom_mitm.commands.mitmproxy_options import arguments_for, effective
from headroom_mitm.hosts import HOSTS, domains
from headroom_mitm.ledger import CHANGED, index_name, row_name
from headroom_mitm.settings import keys
from headroom_mitm.store import open_store

NOW = datetime(2026, 11, 22, tzinfo=UTC)
URL = "http://127.0.0.1:8787"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("HEADROOM_HOME", str(folder))
    monkeypatch.delenv("HEADROOM_KEY", raising=False)
    return folder


@pytest.fixture
def authority(home: Path) -> Authority:
    return ensure_authority(home, domains(HOSTS), NOW)


def only(*names: str) -> Callable[[str], str | None]:
    """Find these programs and no others."""
    return lambda name: f"/bin/{name}" if name in names else None


def state_of(findings: Mapping[str, Finding], name: str) -> State:
    return findings[name].state


def by_name(*findings: Finding) -> dict[str, Finding]:
    return {one.name: one for one in findings}


@pytest.mark.parametrize(
    ("version", "state"),
    [("11.0.2", State.OK), ("12.2.3", State.OK), ("10.4.2", State.WARNING), ("13.0.0", State.WARNING)],
)
def test_versions_that_were_not_tried_are_named(version: str, state: State) -> None:
    found = by_name(*examine_versions(version))
    assert state_of(found, "versions") is state
    assert version in found["versions"].said


@pytest.mark.parametrize(
    ("age", "state"),
    [(timedelta(0), State.OK), (timedelta(days=5 * 365 - 10), State.WARNING), (timedelta(days=6 * 365), State.PROBLEM)],
    ids=["new", "ends soon", "ended"],
)
def test_an_authority_that_ends_has_to_be_renewed(
    home: Path, authority: Authority, age: timedelta, state: State
) -> None:
    found = by_name(*examine_authority(effective(arguments_for([], home)), NOW + age))
    assert state_of(found, "authority") is state
    assert ("--renew" in found["authority"].advice) == (state is not State.OK)


def test_without_an_authority_none_is_made(home: Path) -> None:
    (found,) = examine_authority(effective(arguments_for([], home)), NOW)
    assert (found.state, home.exists()) == (State.WARNING, False)


def test_hosts_that_came_later_and_keys_that_are_open_are_named(home: Path, authority: Authority) -> None:
    (home / "mitmproxy-ca.pem").chmod(0o644)
    options = effective(arguments_for(["--set", "headroom_hosts=llm.example"], home))
    found = by_name(*examine_authority(options, NOW))
    assert "llm.example" in found["authority's hosts"].said
    assert state_of(found, "authority's key") is State.PROBLEM


def test_where_nothing_listens_that_is_said(home: Path, authority: Authority) -> None:
    (found,) = examine_proxy(effective(arguments_for(["-p", "1"], home)))
    assert (found.state, "nothing listens" in found.said) == (State.WARNING, True)


@pytest.mark.parametrize(
    ("environment", "name", "state"),
    [
        ({}, "HTTPS_PROXY", State.WARNING),
        ({"HTTPS_PROXY": URL}, "HTTPS_PROXY", State.OK),
        ({"HTTPS_PROXY": URL, "https_proxy": "http://corp:3128"}, "HTTPS_PROXY", State.WARNING),
        ({"NO_PROXY": "api.anthropic.com"}, "NO_PROXY", State.PROBLEM),
        ({"ANTHROPIC_BASE_URL": "https://gateway.example"}, "base URL", State.WARNING),
    ],
    ids=str,
)
def test_variables_that_lead_elsewhere_are_named(
    home: Path, environment: dict[str, str], name: str, state: State
) -> None:
    found = by_name(*examine_environment(environment, effective(arguments_for([], home))))
    assert state_of(found, name) is state


@pytest.mark.parametrize(
    ("client", "variables", "state"),
    [
        ("claude", {}, State.OK),
        ("claude", {"HTTPS_PROXY": URL}, State.PROBLEM),
        ("claude", {"HTTPS_PROXY": URL, "NODE_EXTRA_CA_CERTS": "ours"}, State.OK),
        ("claude", {"HTTPS_PROXY": URL, "NODE_EXTRA_CA_CERTS": "other"}, State.PROBLEM),
        ("codex", {"HTTPS_PROXY": URL, "CODEX_CA_CERTIFICATE": "bundle"}, State.OK),
        ("python3", {"HTTPS_PROXY": URL, "SSL_CERT_FILE": "bundle"}, State.WARNING),
        ("python3", {"HTTPS_PROXY": URL, "SSL_CERT_FILE": "bundle", "REQUESTS_CA_BUNDLE": "bundle"}, State.OK),
    ],
    ids=str,
)
def test_a_client_that_is_led_to_the_proxy_must_trust_it(
    authority: Authority, tmp_path: Path, client: str, variables: dict[str, str], state: State
) -> None:
    other = ensure_authority(tmp_path / "other", ["x.example"], NOW)
    files = {"ours": authority.certificate, "bundle": authority.bundle, "other": other.certificate}
    environment = {name: str(files.get(value, value)) for name, value in variables.items()}
    found = list(examine_clients(environment, authority, tmp_path, only(client)))
    assert found[0].state is state, found[0]
    assert bool(found[0].advice) == (state is not State.OK)


def test_settings_files_of_clients_are_read(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    told = {"env": {"ANTHROPIC_BASE_URL": "http://localhost:4000", "NODE_EXTRA_CA_CERTS": "/x.pem"}}
    (tmp_path / ".claude" / "settings.json").write_text(json.dumps(told))
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text('[model_providers.mine]\nbase_url = "https://gw.example/v1"\n')
    said = [one.said for one in examine_clients({}, authority, tmp_path, only()) if one.state is State.WARNING]
    assert ["localhost:4000" in said[0], "no effect" in said[1], "gw.example" in said[2]] == [True] * 3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"env": []}'])
def test_settings_files_that_say_nothing_are_passed_over(authority: Authority, tmp_path: Path, text: str) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text(text)
    assert [one.name for one in examine_clients({}, authority, tmp_path, only())] == ["system's store"]


def test_the_changing_line_of_claude_code_is_told_with_its_switch() -> None:
    assert list(examine_attribution({}, only())) == []
    (found,) = examine_attribution({}, only("claude"))
    assert "CLAUDE_CODE_ATTRIBUTION_HEADER=0" in found.said
    (found,) = examine_attribution({"CLAUDE_CODE_ATTRIBUTION_HEADER": "0"}, only("claude"))
    assert "sends none" in found.said


def test_a_store_is_opened_and_written_to(home: Path) -> None:
    file = home / "store.sqlite"
    (found,) = examine_store(str(file))
    assert (found.state, file.exists()) == (State.OK, False)
    store = open_store(str(file))
    store.tallies.add({"x": {"y": 1.0}})
    store.close()
    found = by_name(*examine_store(str(file)))
    assert [one.state for one in found.values()] == [State.OK] * 3
    store = open_store(str(file))
    assert store.tallies.names("doctor") == []
    store.close()


def test_a_damaged_store_is_a_problem(home: Path) -> None:
    home.mkdir()
    (home / "store.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 100)
    found = by_name(*examine_store(str(home / "store.sqlite")))
    assert state_of(found, "store's file") is State.PROBLEM


def test_a_store_that_is_not_there_is_a_problem() -> None:
    (found,) = examine_store("redis://user:secret@127.0.0.1:1/0")
    assert (found.state, "secret" in found.said) == (State.PROBLEM, False)


def test_caches_are_judged_by_what_was_reported(home: Path) -> None:
    file = str(home / "store.sqlite")
    store = open_store(file, keys=keys(file))
    today = str(datetime.now(UTC).date())
    row = f"{today}|{CHANGED}|claude|other"
    store.tallies.add({index_name(today): {row: 1.0}})
    store.tallies.add({row_name(row): {"requests": 40.0, "measured": 40.0, "fresh": 900.0, "read": 100.0}})
    store.close()
    found = by_name(*examine_store(file))
    assert (found["caches"].state, "10 %" in found["caches"].said) == (State.WARNING, True)


def test_the_program_prints_it_and_ends_with_1_for_a_problem(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["doctor", "--port", "1"]) == 0
    assert "nothing listens at http://127.0.0.1:1" in capsys.readouterr().out
    monkeypatch.setenv("NO_PROXY", "*")
    assert main(["doctor", "--port", "1", "--json"]) == 1
    told = {one["name"]: one["state"] for one in json.loads(capsys.readouterr().out)}
    assert told["NO_PROXY"] == "problem"
