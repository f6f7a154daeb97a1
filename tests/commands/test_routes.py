"""What leads requests past the proxy, as environments say it."""

import pytest

from headroom_mitm.commands.routes import is_loopback, other_servers, past_the_proxy, without
from headroom_mitm.hosts import parse_hosts


@pytest.mark.parametrize(
    ("no_proxy", "past"),
    [
        ("", []),
        ("localhost,127.0.0.1,.corp.example", []),
        ("*", ["*"]),
        ("localhost, anthropic.com", ["anthropic.com"]),
        (".openai.com chatgpt.com", [".openai.com", "chatgpt.com"]),
        ("*.googleapis.com,API.OPENAI.COM:443", ["*.googleapis.com", "API.OPENAI.COM:443"]),
        ("notanthropic.com,openai.com.example", []),
    ],
)
def test_entries_of_no_proxy_that_except_llm_hosts_are_found(no_proxy: str, past: list[str]) -> None:
    assert past_the_proxy(no_proxy) == past


def test_the_other_entries_stay() -> None:
    assert without("localhost, anthropic.com 10.0.0.1", ["anthropic.com"]) == "localhost,10.0.0.1"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, ""),
        ({"ANTHROPIC_BASE_URL": "https://api.anthropic.com"}, ""),
        ({"OPENAI_BASE_URL": "https://me.openai.azure.com/openai/v1"}, ""),
        ({"OPENAI_BASE_URL": "http://localhost:11434/v1"}, ""),
        ({"ANTHROPIC_BASE_URL": "https://gateway.example/v1"}, "headroom_hosts=gateway.example"),
        ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:4000"}, "HTTP_PROXY"),
        ({"OPENAI_API_BASE": "https://x:port"}, "no address"),
        ({"CLAUDE_CODE_USE_BEDROCK": "1"}, "not read"),
        ({"CLAUDE_CODE_USE_BEDROCK": "0"}, ""),
    ],
    ids=str,
)
def test_servers_that_are_not_looked_at_are_named_with_what_to_do(environment: dict[str, str], said: str) -> None:
    found = list(other_servers(environment))
    assert bool(found) == bool(said)
    assert all(said in reason and setting.partition("=")[0] in environment for setting, reason in found)


@pytest.mark.parametrize(
    ("url", "is_here"),
    [
        ("http://127.0.0.1:8787", True),
        ("localhost:8787", True),
        ("http://[::1]:8787", True),
        ("http://proxy.corp.example:3128", False),
        ("http://192.0.2.1:8787", False),
    ],
)
def test_addresses_on_this_machine_are_known(url: str, is_here: bool) -> None:
    assert is_loopback(url) is is_here


def test_a_server_that_the_user_named_as_a_host_is_looked_at() -> None:
    environment = {"ANTHROPIC_BASE_URL": "https://gateway.example/v1"}
    assert not list(other_servers(environment, parse_hosts(["gateway.example"])))
