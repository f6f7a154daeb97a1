"""A bounded memory forgets what was unused longest, and never more than it must."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.recent import AGES, Recent


def test_what_was_unused_longest_goes_first() -> None:
    recent: Recent[str, int] = Recent(2)
    for key in ("a", "b"):
        recent.put(key, ord(key))
    assert recent.get("a") == 97
    recent.put("c", 99)
    assert recent.get_all("abc") == {"a": 97, "c": 99}


def test_reading_many_counts_as_use() -> None:
    recent: Recent[str, int] = Recent(3)
    for key in "abc":
        recent.put(key, 1)
    recent.get_all("ax")
    recent.put("d", 1)
    recent.put("e", 1)
    assert set(recent.get_all("abcde")) == {"a", "d", "e"}


@pytest.mark.parametrize("value", [False, 0, ""], ids=repr)
def test_a_value_that_is_nothing_is_a_value(value: object) -> None:
    recent: Recent[str, object] = Recent(2)
    recent.put("a", value)
    assert recent.get("a") == value
    assert recent.get_all("ab") == {"a": value}


def test_the_first_value_may_be_the_one_that_stays() -> None:
    recent: Recent[str, int] = Recent(2)
    assert recent.put_first("a", 1) == 1
    assert recent.put_first("b", 1) == 1
    assert recent.put_first("a", 2) == 1
    recent.put("c", 1)
    assert recent.get_all("abc") == {"a": 1, "c": 1}


def test_a_value_in_place_of_another_weighs_once() -> None:
    recent: Recent[str, str] = Recent(10, len)
    for _ in range(5):
        recent.put("a", "xxxxx")
    recent.put("b", "xxxxx")
    assert len(recent) == 2


def test_what_is_heavier_than_all_there_may_be_stays_alone() -> None:
    """The newest is always there: its owner is about to ask for it."""
    recent: Recent[str, str] = Recent(10, len)
    recent.put("a", "x")
    recent.put("b", "x" * 11)
    assert recent.get_all("ab") == {"b": "x" * 11}
    recent.put("c", "x")
    assert recent.get_all("bc") == {"c": "x"}


def test_what_nobody_uses_fades() -> None:
    recent: Recent[str, int] = Recent(10)
    for key in "abcdef":
        recent.put(key, 1)
    for _ in range(AGES):
        recent.fade()
    assert recent.get("a") == 1
    assert recent.get_all("bx") == {"b": 1}
    assert recent.put_first("c", 2) == 1
    recent.put("d", 2)
    assert recent.take("e") == 1
    assert len(recent) == 5
    recent.fade()
    assert len(recent) == 4
    for _ in range(AGES - 1):
        recent.fade()
    assert recent.get_all("abcdef") == {"a": 1, "b": 1, "c": 1, "d": 2}


def test_much_may_fade_at_once() -> None:
    recent: Recent[int, int] = Recent(10_000)
    for key in range(1_000):
        recent.put(key, 1)
    recent.fade()
    for _ in range(AGES - 1):
        recent.fade()
        assert len(recent) == 1_000
    recent.put(1_000, 1)
    recent.fade()
    assert recent.get_all(range(2_000)) == {1_000: 1}


def test_what_has_faded_weighs_nothing() -> None:
    recent: Recent[str, str] = Recent(10, len)
    recent.put("a", "x" * 10)
    for _ in range(AGES + 1):
        recent.fade()
    assert len(recent) == 0
    recent.put("b", "xxxxx")
    recent.put("c", "xxxxx")
    assert recent.get_all("abc") == {"b": "xxxxx", "c": "xxxxx"}


def test_what_is_too_much_goes_across_times() -> None:
    """The longest unused goes first, whenever it was used, and a time that is over with it."""
    recent: Recent[int, str] = Recent(2)
    for number in range(4 * AGES):
        recent.put(number, "x")
        recent.fade()
    assert recent.get_all(range(100)) == {4 * AGES - 2: "x", 4 * AGES - 1: "x"}


@given(st.lists(st.tuples(st.integers(0, 9), st.text(max_size=9), st.booleans())), st.integers(1, 20))
def test_the_weight_never_exceeds_the_capacity(puts: list[tuple[int, str, bool]], capacity: int) -> None:
    recent: Recent[int, str] = Recent(capacity, len)
    latest: dict[int, str] = {}
    for key, value, fades in puts:
        recent.put(key, value)
        if fades:
            recent.fade()
        latest[key] = value
        there = recent.get_all(range(10))
        assert there.items() <= latest.items()
        assert sum(map(len, there.values())) <= capacity or len(there) == 1


def test_threads_do_not_lose_count() -> None:
    recent: Recent[int, str] = Recent(100, len)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: recent.put(number % 50, "x" * (1 + number % 7)), range(20_000)))
    for key in range(50, 150):
        recent.put(key, "x")
    assert len(recent) == 100


def test_some_memories_fade_later() -> None:
    early: Recent[str, int] = Recent(10)
    late: Recent[str, int] = Recent(10, ages=2 * AGES)
    for each in (early, late):
        each.put("a", 1)
        for _ in range(AGES + 1):
            each.fade()
    assert (len(early), len(late)) == (0, 1)
    for _ in range(AGES):
        late.fade()
    assert len(late) == 0
