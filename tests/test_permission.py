"""What may be done to a prompt depends on the mode, and on whose login it goes with."""

import logging

import pytest

from headroom_mitm.permission import Permission
from headroom_mitm.settings import OPTIONS, Mode, Settings, Subscription, read

KEY = {"authorization": "Bearer sk-test"}
LOGIN = {"authorization": "Bearer sk-ant-oat01-abc"}
HOST = "api.openai.com"


class Options:
    """As mitmproxy has them, at their defaults but for a few."""

    def __init__(self, **changed: str) -> None:
        self.__dict__.update({option.name: option.default for option in OPTIONS}, **changed)


def chosen(mode: str = "compress", subscription: str = "audit") -> Settings:
    return read(Options(headroom_mode=mode, headroom_subscription=subscription))  # type: ignore[arg-type]  # it is read only


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("compress", (True, True)), ("lossless", (True, False)), ("audit", (False, False)), ("off", None)],
)
def test_the_mode_says_it_for_keys(mode: str, expected: tuple[bool, bool] | None) -> None:
    policy = Permission().policy(HOST, KEY, chosen(mode), answerable=True)
    assert (policy and (policy.change, policy.lossy)) == expected


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("subscription", list(Subscription))
@pytest.mark.parametrize(("host", "headers"), [(HOST, LOGIN), ("chatgpt.com", KEY)], ids=["token", "host"])
def test_a_subscription_is_never_allowed_more(mode: str, subscription: str, host: str, headers: dict[str, str]) -> None:
    policy = Permission().policy(host, headers, chosen(mode, subscription), answerable=True)
    allowed = Permission().policy(HOST, KEY, chosen(mode), answerable=True)
    if subscription == "compress":
        assert (policy and policy.change) == (allowed and allowed.change)
    else:
        assert policy is None or not policy.change
        assert policy is None or allowed is not None


def test_the_user_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    permission = Permission()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            permission.policy(HOST, LOGIN, chosen(), answerable=True)
        permission.policy(HOST, LOGIN, chosen(subscription="compress"), answerable=True)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("answerable", [True, False])
def test_who_can_answer_is_passed_on(*, answerable: bool) -> None:
    policy = Permission().policy(HOST, KEY, chosen(), answerable=answerable)
    assert policy is not None
    assert policy.answerable is answerable
