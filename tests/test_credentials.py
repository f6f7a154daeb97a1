"""A credential says who pays: subscription traffic is not rewritten unless the user says so."""

import pytest
from mitmproxy.http import Headers

from headroom_mitm.credentials import account, is_subscription

SUBSCRIPTIONS = [
    ("api.anthropic.com", {"Authorization": "Bearer sk-ant-oat01-abc"}),
    ("API.ANTHROPIC.COM", {"authorization": "bearer sk-ant-oat01-abc"}),
    ("api.anthropic.com", {"authorization": "BEARER  sk-ant-oat01-abc "}),
    ("api.anthropic.com", {"authorization": "Bearer sk-ant-oat01-abc", "x-api-key": "sk-ant-api03-abc"}),
    ("llm.example.com", {"authorization": "Bearer sk-ant-oat01-abc"}),
    ("chatgpt.com", {"authorization": "Bearer eyJhbGciOi"}),
    ("chatgpt.com.", {}),
    ("api.githubcopilot.com", {"authorization": "Bearer tid=1;exp=2"}),
    ("api.business.githubcopilot.com", {"authorization": "Bearer whatever"}),
    ("llm.example.com", {"authorization": "Bearer ghu_abc"}),
    ("llm.example.com", {"authorization": "Bearer gho_abc"}),
    ("llm.example.com", {"authorization": "Bearer tid=1;exp=2"}),
    ("cloudcode-pa.googleapis.com", {"authorization": "Bearer ya29.abc"}),
]
KEYS = [
    ("api.anthropic.com", {"x-api-key": "sk-ant-api03-abc"}),
    ("api.anthropic.com", {"authorization": "Bearer sk-ant-api03-abc"}),
    ("api.openai.com", {"authorization": "Bearer sk-proj-abc"}),
    ("api.openai.com", {"authorization": "Bearer sk-abc"}),
    ("openrouter.ai", {"authorization": "Bearer sk-or-v1-abc"}),
    ("generativelanguage.googleapis.com", {"x-goog-api-key": "AIzaabc"}),
    ("us-central1-aiplatform.googleapis.com", {"authorization": "Bearer ya29.abc"}),
    ("example.openai.azure.com", {"api-key": "abc"}),
    ("notchatgpt.com", {"authorization": "Bearer abc"}),
    ("chatgpt.com.example.com", {"authorization": "Bearer abc"}),
    ("api.anthropic.com", {"authorization": "Basic sk-ant-oat01-abc"}),
    ("api.anthropic.com", {"authorization": "sk-ant-oat01-abc"}),
    ("api.anthropic.com", {"authorization": ""}),
    ("localhost", {}),
]


def _ids(rows: list[tuple[str, dict[str, str]]]) -> list[str]:
    return [f"{host} {' '.join(headers.values())}" for host, headers in rows]


@pytest.mark.parametrize(("host", "headers"), SUBSCRIPTIONS, ids=_ids(SUBSCRIPTIONS))
def test_a_login_is_known(host: str, headers: dict[str, str]) -> None:
    assert is_subscription(host, Headers(**headers))


@pytest.mark.parametrize(("host", "headers"), KEYS, ids=_ids(KEYS))
def test_a_key_is_not_taken_for_one(host: str, headers: dict[str, str]) -> None:
    assert not is_subscription(host, Headers(**headers))


def test_an_account_is_told_by_its_credential() -> None:
    """Whatever else a request carries. The credential itself is not kept."""
    mine = account({"x-api-key": "sk-ant-api03-mine", "user-agent": "a"})
    assert mine == account({"x-api-key": "sk-ant-api03-mine", "user-agent": "b"})
    assert mine != account({"x-api-key": "sk-ant-api03-other"})
    assert mine != account({"authorization": "sk-ant-api03-mine"})
    assert b"mine" not in mine
