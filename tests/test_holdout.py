"""The draw is the same for all who draw, and the interval holds the truth as often as it says."""

import math
import random
from dataclasses import replace

import pytest
from sample_conversations import ANTHROPIC, asked, body, result
from simulated_months import LONG_ONES, STEADY, World, covered, month

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.holdout import LEAST, Holdout, Observed, compared, is_held
from headroom_mitm.ledger_figures import Comparison, Interval
from headroom_mitm.segments import Digest, digest

ACCOUNT = Digest(b"account")


def drawn(share: float, salt: bytes = b"salt", account: Digest = ACCOUNT) -> list[bool]:
    return [is_held(digest(b"%d" % number), account, salt, share) for number in range(4_000)]


def salt() -> bytes:
    return b"salt"


def test_the_share_is_held_out() -> None:
    for share in (0.0, 0.1, 0.5):
        assert abs(sum(drawn(share)) / 4_000 - share) < 4 * math.sqrt(share * (1 - share) / 4_000) + 1e-9


def test_a_larger_share_only_adds() -> None:
    """Whoever raises the share moves nobody back whose conversation goes on."""
    assert all(more or not less for less, more in zip(drawn(0.1), drawn(0.3), strict=True))


def test_it_depends_on_store_and_account() -> None:
    assert drawn(0.5) != drawn(0.5, salt=b"another")
    assert drawn(0.5) != drawn(0.5, account=Digest(b"another"))


def test_a_conversation_stays_where_it_is() -> None:
    """Over its turns, and in another process."""
    for number in range(30):
        first = ANTHROPIC.read(body(asked(f"question {number}")))
        later = ANTHROPIC.read(body([*asked(f"question {number}"), *result("1", "out")]))
        held = Holdout(salt).holds(first, ACCOUNT, 0.5)
        assert Holdout(salt).holds(later, ACCOUNT, 0.5) is held


def test_without_the_store_nobody_is_held_out_and_stays_so() -> None:
    """A conversation that was shortened as it began is not left alone later."""
    store = _Coming(40)
    holdout = Holdout(store.salt)
    prompts = [ANTHROPIC.read(body(asked(f"question {number}"))) for number in range(40)]
    assert not any(holdout.holds(prompt, ACCOUNT, 0.5) for prompt in prompts)
    assert not any(holdout.holds(prompt, ACCOUNT, 0.5) for prompt in prompts)
    assert any(Holdout(salt).holds(prompt, ACCOUNT, 0.5) for prompt in prompts)


def test_what_goes_on_from_an_answer_is_where_that_was() -> None:
    """Such a request does not say how its conversation began."""
    prompt = ANTHROPIC.read(body(asked(), previous_response_id="resp_1"))
    prompt = replace(prompt, answered=True)
    holdout = Holdout(salt)
    assert not holdout.holds(prompt, ACCOUNT, 0.5)
    holdout.answered("resp_1", held=True)
    assert holdout.holds(prompt, ACCOUNT, 0.5)


@pytest.mark.parametrize(
    ("free", "held", "why"), [(99, 0, "no conversation"), (99, LEAST - 1, "not enough"), (LEAST - 1, 99, "not enough")]
)
def test_too_little_gives_no_figure(free: int, held: int, why: str) -> None:
    found = compared([Observed(number >= free, 1.0 + number, 9) for number in range(free + held)])
    assert (found.per_turn, found.per_session) == (None, None)
    assert found.why.startswith(why)
    assert (found.conversations, found.held) == (free, held)


def test_the_value_is_the_ratio_of_what_arms_cost() -> None:
    """Of all turns, not of the sessions' ratios: money is what counts."""
    chance = random.Random(3)
    found = compared(month(STEADY, 2_000, 0.5, chance))
    assert found.per_turn is not None
    assert found.per_session is not None
    assert found.dollars_per_session is not None
    for interval in (found.per_turn, found.per_session, found.dollars_per_session):
        assert interval.low < interval.value < interval.high
    assert found.per_session.low < 0.15 < found.per_session.high


def test_it_is_a_function_of_what_was_observed() -> None:
    observed = month(STEADY, 200, 0.3, random.Random(5))
    assert compared(observed) == compared(list(observed))


def test_all_that_begins_alike_is_one_draw() -> None:
    """A hundred sessions of one beginning tell less than a hundred of their own, and are counted as sessions."""
    chance = random.Random(11)
    alone = month(STEADY, 400, 0.3, chance)
    apart = compared(alone)
    joined = compared([*_joined([one for one in alone if one.held]), *_joined([one for one in alone if not one.held])])
    assert (joined.conversations, joined.held) == (apart.conversations, apart.held)
    assert _width(joined) > 0
    assert joined.per_turn is not None
    assert apart.per_turn is not None
    assert joined.per_turn.value == pytest.approx(apart.per_turn.value)


@pytest.mark.parametrize("world", [STEADY, LONG_ONES], ids=["steady", "long"])
def test_the_interval_holds_the_true_saving_in_90_of_100_months(world: World) -> None:
    by_turn, by_session, unknown = covered(world, 100, 220, 0.25)
    assert unknown == 0
    assert by_turn >= 90
    assert by_session >= 90


class _Coming:
    """A store that is there after so many questions."""

    def __init__(self, away: int) -> None:
        self._away = away

    def salt(self) -> bytes:
        self._away -= 1
        if self._away >= 0:
            raise StoreUnavailable("gone")
        return salt()


def _joined(found: list[Observed]) -> list[Observed]:
    pairs = zip(found[::2], found[1::2], strict=False)
    joined = [Observed(a.held, a.cost + b.cost, a.turns + b.turns, a.sessions + b.sessions) for a, b in pairs]
    return [*joined, *(found[-1:] if len(found) % 2 else [])]


def _width(found: Comparison) -> float:
    interval = found.per_session or Interval(0, 0, 0)
    return interval.high - interval.low
