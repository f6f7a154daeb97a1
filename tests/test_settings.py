"""Every option is declared, and a wrong value is refused in words that name the right ones."""

import time
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import exceptions
from mitmproxy.addonmanager import Loader
from mitmproxy.options import Options
from mitmproxy.test import taddons

from headroom_mitm import settings
from headroom_mitm.compressors import Level
from headroom_mitm.hosts import detect
from headroom_mitm.settings import OPTIONS, Mode, Settings, Stabilize, Subscription, Ttl
from headroom_mitm.store.sealing import new_key

NAMES = ("headroom_mode", "headroom_store", "headroom_hosts", "headroom_exclude", "headroom_subscription")
CHOICES = [
    ("headroom_mode", Mode),
    ("headroom_subscription", Subscription),
    ("headroom_ttl", Ttl),
    ("headroom_stabilize", Stabilize),
]


@pytest.fixture
def options() -> Options:
    with taddons.context() as context:
        settings.declare(Loader(context.master))
        return context.options


def read(options: Options, **values: Any) -> Settings:
    options.update(**values)
    return settings.read(options)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_promised_is_declared(options: Options, name: str) -> None:
    assert name in options


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_what_is_declared_is_read(options: Options, option: settings.Option) -> None:
    """Each option begins with our name, says what it is for, and has a default that is right."""
    assert option.name.startswith("headroom_")
    assert option.help.endswith(".")
    assert option.name.removeprefix("headroom_") in Settings.__slots__
    assert getattr(options, option.name) == option.default
    assert settings.read(options)


@pytest.mark.parametrize(("name", "kind"), CHOICES)
def test_the_help_names_every_choice(options: Options, name: str, kind: Any) -> None:
    text = next(option.help for option in OPTIONS if option.name == name)
    assert all(choice in text for choice in kind)
    for choice in kind:
        assert getattr(read(options, **{name: str(choice)}), name.removeprefix("headroom_")) is choice


def test_defaults_compress_keys_and_only_audit_logins(options: Options) -> None:
    found = settings.read(options)
    assert (found.mode, found.subscription) == (Mode.COMPRESS, Subscription.AUDIT)
    assert (found.hosts, found.exclude, found.deadline) == ((), (), 2.0)


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("headroom_mode", "fast", ["compress", "lossless", "audit", "off"]),
        ("headroom_mode", "", ["compress", "lossless", "audit", "off"]),
        ("headroom_mode", "Compress", ["compress"]),
        ("headroom_subscription", "lossless", ["audit", "compress", "off"]),
        ("headroom_hosts", ["https://llm.example.com"], ["host", "=format", "anthropic_messages", "gemini_generate"]),
        ("headroom_hosts", ["llm.example.com=openai"], ["openai_chat", "openai_responses"]),
        ("headroom_hosts", ["good.example.com", ""], ["host"]),
        ("headroom_hosts", ["llm.example.com:99999"], ["host:port"]),
        ("headroom_log", "~nobody-of-this-name/log", ["nobody here"]),
        *(("headroom_deadline", text, ["above 0", "60"]) for text in ("", "0", "-1", "61", "nan", "inf", "2s", "1,5")),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused(options: Options, name: str, value: Any, right: list[str]) -> None:
    with pytest.raises(exceptions.OptionsError) as raised:
        read(options, **{name: value})
    assert str(raised.value).startswith(name)
    assert all(word in str(raised.value) for word in right)


@pytest.mark.parametrize("value", ["2", "0.5", "60", " 1 ", "1e1"])
def test_a_deadline_is_in_seconds(options: Options, value: str) -> None:
    assert read(options, headroom_deadline=value).deadline == float(value)


def test_hosts_are_detected_beside_the_table(options: Options) -> None:
    hosts = read(options, headroom_hosts=["llm.example.com=openai_chat", "*.corp.example"]).hosts
    assert detect("llm.example.com", 8443, "POST", "/x/chat/completions", hosts) == "openai_chat"
    assert detect("llm.example.com", 443, "POST", "/v1/messages", hosts) is None
    assert detect("a.corp.example", 443, "POST", "/v1/messages?beta=true", hosts) == "anthropic_messages"


@pytest.mark.parametrize(
    ("patterns", "excluded", "left"),
    [
        ([], (), ("Bash", "")),
        (["Bash"], ("Bash",), ("bash", "BashOutput")),
        (["mcp__github__*", "log_lines"], ("mcp__github__get", "log_lines"), ("mcp__gitlab__get", "log_line")),
        (["*"], ("Bash", "log_lines", ""), ()),
        (["[x"], ("[x",), ("x",)),
        (
            ["mcp:github"],
            ("mcp__github__get", "github__get", "mcp_github_get", "github.get"),
            ("mcp__gitlab__get", "github"),
        ),
        (["mcp:my-db"], ("mcp__my-db__query",), ("mcp__my_db__query", "mcp__my-dbs__query")),
    ],
    ids=str,
)
def test_patterns_exclude(options: Options, patterns: list[str], excluded: tuple[str, ...], left: Any) -> None:
    found = read(options, headroom_exclude=patterns)
    assert all(map(found.excludes, excluded))
    assert not any(map(found.excludes, left))


def test_levels_are_set_by_name(options: Options) -> None:
    found = read(options, headroom_levels=["log_lines=hard", "Bash:git log=LOSSLESS", "a=b=light"])
    assert found.levels == {"log_lines": Level.HARD, "Bash:git log": Level.LOSSLESS, "a=b": Level.LIGHT}


@pytest.mark.parametrize("text", ["log_lines", "=hard", "log_lines=harder", "log_lines="])
def test_a_level_that_is_none_is_refused(options: Options, text: str) -> None:
    with pytest.raises(exceptions.OptionsError, match=r"headroom_levels: .* lossless, light, medium, hard"):
        read(options, headroom_levels=[text])


def test_the_store_is_kept_at_home(options: Options, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEADROOM_HOME", str(tmp_path))
    assert settings.read(options).store == str(tmp_path / "store.sqlite")
    assert read(options, headroom_store="redis://localhost:6379/0").store == "redis://localhost:6379/0"


@pytest.mark.parametrize("unset", [None, ""], ids=["unset", "empty"])
def test_home_is_below_the_users(monkeypatch: pytest.MonkeyPatch, unset: str | None) -> None:
    monkeypatch.delenv("HEADROOM_HOME", raising=False)
    if unset is not None:
        monkeypatch.setenv("HEADROOM_HOME", unset)
    assert settings.home() == Path("~/.headroom").expanduser()


def test_a_file_may_tell_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests and benches. As long as it tells none, it is the system's time."""
    file = tmp_path / "clock"
    monkeypatch.setenv("HEADROOM_CLOCK_FILE", str(file))
    told = settings.clock()
    assert abs(told() - time.time()) < 60
    file.write_text("360.5\n")
    assert told() == 360.5
    file.write_text("")
    assert abs(told() - time.time()) < 60
    monkeypatch.delenv("HEADROOM_CLOCK_FILE")
    assert told() > 360.5
    assert settings.clock() is time.time


@pytest.mark.parametrize(
    ("store", "key", "is_told"),
    [
        ("redis://localhost", "", True),
        ("redis+cluster://a,b", "", True),
        ("redis://localhost", new_key(), False),
        ("store.sqlite", "", False),
    ],
    ids=["a server", "a cluster", "with a key", "a file"],
)
def test_who_shares_a_server_is_told_to_share_the_key(
    store: str,
    key: str,
    is_told: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """With a key of its own, each machine would take for lost what the others have decided."""
    monkeypatch.setenv("HEADROOM_HOME", str(tmp_path))
    monkeypatch.setenv("HEADROOM_KEY", key)
    assert settings.keys(store)().secrets
    assert ("HEADROOM_KEY" in caplog.text) is is_told


@pytest.mark.parametrize(
    ("environment", "chosen"),
    [
        ({}, False),
        ({"GLIBC_TUNABLES": "glibc.malloc.check=1"}, False),
        ({"MALLOC_ARENA_MAX": "2"}, True),
        ({"GLIBC_TUNABLES": "glibc.malloc.check=1:glibc.malloc.arena_max=2"}, True),
    ],
    ids=repr,
)
def test_how_many_heaps_there_are_may_be_the_users_choice(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], chosen: bool
) -> None:
    for name in ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert settings.are_heaps_chosen() is chosen
