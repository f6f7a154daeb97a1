"""Prices come from one dated table; what it does not know has no price, which is not a price of zero."""

import pytest

from headroom_mitm.hosts import HOSTS, PRESENCE_HOST
from headroom_mitm.prices import Counted, Rates, date, dollars, provider_of, rates

TODAY = "2026-11-22"


@pytest.mark.parametrize(
    ("host", "model", "provider"),
    [
        ("api.anthropic.com", "", "anthropic"),
        ("my-resource.openai.azure.com", "gpt-5", "azure"),
        ("europe-west1-aiplatform.googleapis.com", "", None),
        ("gateway.example.com", "claude-sonnet-4-5", "anthropic"),
        ("gateway.example.com", "house-model", None),
        ("evilapi.anthropic.com.example.com", "", None),
        ("api.githubcopilot.com", "gpt-5", None),
        ("chatgpt.com", "gpt-5", None),
    ],
)
def test_whose_prices_hold(host: str, model: str, provider: str | None) -> None:
    assert provider_of(host, model) == provider


def test_every_row_of_the_table_of_hosts_is_thought_of() -> None:
    """A host that is added there and sells by the token needs a row here."""
    unpriced = {host.pattern for host in HOSTS if provider_of(host.pattern.removeprefix("*."), "") is None}
    unpriced = {name for name in unpriced if "aiplatform" not in name}
    copilot = {f"api.{plan}githubcopilot.com" for plan in ("", "individual.", "business.", "enterprise.")}
    ours = {PRESENCE_HOST, "localhost", "127.0.0.1"}
    assert unpriced == copilot | ours | {"chatgpt.com", "cloudcode-pa.googleapis.com"}


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("anthropic", "claude-sonnet-4-5-20250929", Rates(3.0, 0.3, 3.75, 6.0, 15.0)),
        ("anthropic", "claude-haiku-4-5", Rates(1.0, 0.1, 1.25, 2.0, 5.0)),
        ("openai", "gpt-5", Rates(1.25, 0.125, 1.25, 1.25, 10.0)),
    ],
)
def test_known_prices(provider: str, model: str, expected: Rates) -> None:
    assert rates(provider, model, TODAY) == expected


def test_a_long_prompt_may_be_dearer() -> None:
    """All of its tokens are, not only those beyond."""
    usual, long = (rates("anthropic", "claude-sonnet-4-5", TODAY, size) for size in (200_000, 200_001))
    assert usual is not None
    assert long is not None
    assert (long.fresh, long.output) == (2 * usual.fresh, 1.5 * usual.output)


def test_the_price_of_a_day_holds() -> None:
    """The surcharge for long prompts ended in March 2026."""
    before, after = (rates("anthropic", "claude-opus-4-6", day, 300_000) for day in ("2026-03-12", "2026-03-13"))
    assert before is not None
    assert after is not None
    assert (before.fresh, after.fresh) == (10.0, 5.0)


@pytest.mark.parametrize(("provider", "model"), [(None, "gpt-5"), ("openai", "house-model"), ("anthropic", "gpt-5")])
def test_unknown_is_no_price(provider: str | None, model: str) -> None:
    assert rates(provider, model, TODAY) is None


def test_each_token_is_paid_for_once() -> None:
    at = Rates(fresh=1.0, read=10.0, write_5m=100.0, write_1h=1000.0, output=10_000.0)
    assert dollars(Counted(1, 2, 3, 4, 5), at) == pytest.approx(54_321 / 1_000_000)
    assert (Counted(1, 2, 3, 4, 5) + Counted(1, 1, 1, 1, 1)).input == 14


def test_the_table_says_of_which_day_it_is() -> None:
    assert date() >= "2026-11-22"
