"""What a child behind the proxy finds in its environment."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from headroom_mitm.certificates import Authority
from headroom_mitm.commands.child import client_of, environment_for

AUTHORITY = Authority(Path("/home/user/.headroom"), "CN=x", "", datetime.now(UTC), ())
PROXY = "http://127.0.0.1:8787"


@pytest.mark.parametrize(
    ("program", "client"),
    [
        ("claude", "claude"),
        ("/usr/local/bin/codex", "codex"),
        ("C:\\Tools\\Gemini.CMD", "gemini"),
        ("python3.12", "python"),
        ("uvx", "python"),
        ("my-agent", None),
        ("pythonic", None),
    ],
)
def test_a_client_is_known_by_its_name(program: str, client: str | None) -> None:
    assert client_of(program) == client


def test_only_what_the_client_needs_is_added() -> None:
    found = environment_for("claude", {"HOME": "/h"}, PROXY, AUTHORITY)
    assert found.variables == {
        "HOME": "/h",
        "HTTPS_PROXY": PROXY,
        "NODE_EXTRA_CA_CERTS": str(AUTHORITY.certificate),
    }
    assert not found.notes


def test_a_program_that_is_not_known_gets_what_any_client_needs() -> None:
    added = set(environment_for(None, {}, PROXY, AUTHORITY).variables)
    assert added == {
        "HTTPS_PROXY",
        "NODE_EXTRA_CA_CERTS",
        "CODEX_CA_CERTIFICATE",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    }


def test_the_name_in_lower_case_says_the_same_where_it_is_set() -> None:
    """Many clients read it first."""
    found = environment_for("aider", {"https_proxy": "http://corp:3128"}, PROXY, AUTHORITY).variables
    assert found["https_proxy"] == found["HTTPS_PROXY"] == PROXY


def test_exceptions_stay_but_those_for_llm_hosts() -> None:
    found = environment_for("claude", {"no_proxy": "localhost,.anthropic.com"}, PROXY, AUTHORITY)
    assert found.variables["no_proxy"] == "localhost"
    assert ".anthropic.com" in found.notes[0]


def test_exceptions_that_a_client_needs_join_those_of_the_user() -> None:
    found = environment_for("opencode", {"NO_PROXY": "corp.example"}, PROXY, AUTHORITY)
    assert found.variables["NO_PROXY"] == "corp.example,localhost,127.0.0.1"


def test_further_authorities_of_the_user_are_kept_in_mind() -> None:
    found = environment_for("claude", {"NODE_EXTRA_CA_CERTS": "/corp.pem"}, PROXY, AUTHORITY)
    assert found.certificates == {"NODE_EXTRA_CA_CERTS": (Path("/corp.pem"), AUTHORITY.certificate)}


def test_lines_of_env_that_were_evaluated_before_are_no_further_authorities() -> None:
    base = {"NODE_EXTRA_CA_CERTS": str(AUTHORITY.certificate), "HTTPS_PROXY": PROXY}
    assert not environment_for("claude", base, PROXY, AUTHORITY).certificates
