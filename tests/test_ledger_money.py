"""The counterfactual: each text costs without us what it would have cost where it stands."""

import pytest

from headroom_mitm.ledger_money import HIDDEN_CALL, Change, Priced, Sent, bill, without
from headroom_mitm.usage import Counted

SONNET = Priced("anthropic", "claude-sonnet-4-5", "2026-11-22")
OLD = Change(at=20_000, size=1_000, by=-4_000, is_old=True)
NEW = Change(at=40_500, size=400, by=-600, is_old=False)
HIT = Counted(fresh=10, read=40_000, write_5m=990, output=50)
MISS = Counted(fresh=10, write_5m=40_990, output=50)
AUTOMATIC = Counted(fresh=1_000, read=40_000, output=50)

CASES = {
    "old, read": (HIT, OLD, Counted(10, 44_000, 990, 0, 50)),
    "new, written": (HIT, NEW, Counted(10, 40_000, 1_590, 0, 50)),
    "old, missed": (MISS, OLD, Counted(10, 0, 44_990, 0, 50)),
    "new, not written": (AUTOMATIC, NEW, Counted(1_600, 40_000, 0, 0, 50)),
    "new, asked again": (Counted(fresh=10, read=40_990), NEW, Counted(10, 41_590)),
    "an hour": (Counted(write_1h=41_000), OLD, Counted(0, 0, 0, 45_000)),
    "ours, added": (HIT, Change(0, 95, 95, is_old=True), Counted(10, 39_905, 990, 0, 50)),
    "half a step more read": (Counted(fresh=1_100, read=39_900), Change(39_000, 900, -50, is_old=True),
                              Counted(1_100, 39_950)),
}  # fmt: skip


@pytest.mark.parametrize(("counted", "change", "expected"), CASES.values(), ids=CASES)
def test_a_text_counts_where_it_stands(counted: Counted, change: Change, expected: Counted) -> None:
    assert without(counted, Sent(total=41_000, sent_before=40_000, changes=(change,))) == expected


def test_sizes_are_those_of_the_providers_count() -> None:
    sent = Sent(total=41_000, sent_before=40_000, changes=(OLD,), ratio=1.25)
    assert without(HIT, sent).read == 45_000


@pytest.mark.parametrize("counted", [Counted(), HIT])
def test_nothing_changed_is_nothing_saved(counted: Counted) -> None:
    assert without(counted, Sent(41_000, 40_000)) is counted


def test_what_our_tool_may_have_made_the_cache_miss_is_no_saving() -> None:
    """Where it comes into a conversation that goes on, the past would have been read without it."""
    change = Change(0, 95, 95, is_old=True)
    found = without(MISS, Sent(total=41_000, sent_before=40_000, changes=(change,), turned=True))
    assert found == Counted(10, 40_000 - 95, 990, 0, 50)
    read = without(HIT, Sent(total=41_000, sent_before=40_000, changes=(change,), turned=True))
    assert read == without(HIT, Sent(total=41_000, sent_before=40_000, changes=(change,)))


def test_no_figure_is_less_than_nothing() -> None:
    found = without(Counted(fresh=5, read=3), Sent(8, 0, (Change(0, 1, 100, is_old=True),)))
    assert min(found.fresh, found.read) >= 0


def test_a_bill_has_what_was_paid_and_what_would_have_been() -> None:
    found = bill([HIT], without(HIT, Sent(41_000, 40_000, (OLD,))), SONNET, calls=0, marked=False)
    assert found is not None
    assert found.paid == pytest.approx((10 * 3 + 40_000 * 0.3 + 990 * 3.75 + 50 * 15) / 1e6)
    assert found.saved == pytest.approx(4_000 * 0.3 / 1e6)
    assert (found.rounds, found.caching) == (0.0, 0.0)


def test_further_rounds_are_paid_and_would_not_have_been() -> None:
    second = Counted(fresh=4_000, read=41_000, output=20)
    found = bill([HIT, second], HIT, SONNET, calls=1, marked=False)
    alone = bill([HIT], HIT, SONNET, calls=0, marked=False)
    assert found is not None
    assert alone is not None
    assert found.rounds == pytest.approx((4_000 * 3 + 41_000 * 0.3 + 20 * 15) / 1e6)
    assert found.paid == pytest.approx(alone.paid + found.rounds)
    assert found.without == pytest.approx(alone.without + (20 - HIDDEN_CALL) * 15 / 1e6)
    assert found.saved < 0


def test_what_our_markers_bring_is_told_apart() -> None:
    """Without them all would have been fresh: dearer where much is read, cheaper where much is written."""
    for counted, is_gain in ((HIT, True), (MISS, False)):
        found = bill([counted], counted, SONNET, calls=0, marked=True)
        assert found is not None
        assert (found.caching > 0) is is_gain
        assert found.saved == 0
    assert bill([HIT], HIT, SONNET, calls=0, marked=False) != bill([HIT], HIT, SONNET, calls=0, marked=True)


@pytest.mark.parametrize("priced", [Priced("anthropic", "nobody", "2026-11-22"), Priced(None, "gpt-5", "2026-11-22")])
def test_an_unknown_price_is_no_bill(priced: Priced) -> None:
    assert bill([HIT], HIT, priced, calls=0, marked=False) is None
    assert bill([], Counted(), SONNET, calls=0, marked=False) is None
