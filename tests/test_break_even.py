"""A rewrite costs twelve reads of what it rewrites: it pays for much that is left out, or for little that is cached."""

from dataclasses import replace

import pytest

from headroom_mitm import cache_terms
from headroom_mitm.break_even import FURTHER_REQUESTS, Rewrite, balance, cached, further_requests
from headroom_mitm.cache_terms import Price

CLAUDE, HOUR = Price(1.25, 0.1), Price(2.0, 0.1)
USUAL = Rewrite(rewritten=20_000, prefix=30_000, saved=10_000, texts=1, calls=3)


@pytest.mark.parametrize(
    ("change", "price", "pays"),
    [
        ({"saved": 10_000}, CLAUDE, False),
        ({"saved": 13_000}, CLAUDE, True),
        ({"saved": 13_000}, HOUR, False),
        ({"saved": 13_000, "calls": 30}, CLAUDE, False),
        ({"saved": 13_000, "texts": 10}, CLAUDE, False),
        ({"rewritten": 0, "saved": 1_500}, CLAUDE, True),
        ({"rewritten": 0, "saved": 0, "texts": 0}, CLAUDE, False),
    ],
    ids=["too little", "much", "dear", "soon over", "asked for often", "nothing cached", "nothing saved"],
)
def test_it_pays_for_much(change: dict[str, int], price: Price, pays: bool) -> None:
    assert (balance(replace(USUAL, **change), price) > 0) is pays


def test_the_sum_can_be_checked_by_hand() -> None:
    """11 further requests: a token that is saved is worth 1.25 + 1.1, one that is rewritten costs 1.25 - 0.1."""
    asked = 0.2 * (30_000 * 0.1 + 4_000 * 2.35)
    assert balance(USUAL, CLAUDE) == int(10_000 * 2.35 - asked - 20_000 * 1.15 - 100 * 2.35)


def test_the_longer_a_conversation_lasts_the_less_is_to_come() -> None:
    assert [further_requests(calls) for calls in (0, 5, 8, 20, 1_000)] == [11, 9, 6, 3, 3]
    assert list(FURTHER_REQUESTS) == sorted(FURTHER_REQUESTS, reverse=True)


@pytest.mark.parametrize(
    ("size", "warm", "model", "tokens"),
    [
        (3_500, 0, "claude-sonnet-4-5", 0),
        (35_000, 0, "claude-sonnet-4-5", 10_000),
        (35_000, 31_500, "claude-sonnet-4-5", 1_000),
        (35_000, 70_000, "claude-sonnet-4-5", 0),
        (7_000, 0, "claude-haiku-4-5", 0),
        (7_000, 0, "gpt-5", 2_000),
        (3_500, 0, "gpt-5", 0),
    ],
)
def test_what_is_short_or_warm_is_not_written_again(size: int, warm: int, model: str, tokens: int) -> None:
    assert cached(size, warm, model) == tokens


@pytest.mark.parametrize(
    ("model", "lifetime", "price"),
    [
        ("claude-sonnet-4-5", "5m", (1.25, 0.1)),
        ("anthropic/claude-opus-4.8", "1h", (2.0, 0.1)),
        ("gpt-5", "5m", (1.0, 0.1)),
        ("openai/gpt-5.6-sol", "5m", (1.25, 0.1)),
        ("gpt-6.1-sol", "5m", (1.25, 0.1)),
        ("gpt-4o-mini", "5m", (1.0, 0.5)),
        ("gemini-2.5-pro", "5m", (1.0, 0.1)),
        ("some-model", "5m", (1.25, 0.1)),
        ("", "5m", (1.25, 0.1)),
    ],
)
def test_prices_follow_the_model(model: str, lifetime: str, price: tuple[float, float]) -> None:
    assert cache_terms.price(model, lifetime) == price


@pytest.mark.parametrize(
    ("model", "retention", "hours"),
    [
        ("gpt-5", "", 24),
        ("gpt-5", "in_memory", 1),
        ("gpt-4.1-mini", "24h", 24),
        ("gpt-4o", "", 1),
        ("gpt-4o", "24h", 24),
        ("gpt-5.5", "in_memory", 24),
        ("gpt-5.6", "", float("inf")),
        ("gpt-5.6", "in_memory", float("inf")),
        ("some-model", "", float("inf")),
    ],
)
def test_nobody_knows_how_long_an_unknown_model_is_kept(model: str, retention: str, hours: float) -> None:
    assert cache_terms.longest_kept(model, retention) == hours * 3600
