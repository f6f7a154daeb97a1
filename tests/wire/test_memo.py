from concurrent.futures import ThreadPoolExecutor

import pytest

from headroom_mitm.segments import digest
from headroom_mitm.wire.memo import Memo


class Reader:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def __call__(self, raw: bytes) -> int:
        self.asked.append(raw)
        return int(raw)


def test_the_same_bytes_are_read_once() -> None:
    reader = Reader()
    memo = Memo(reader)
    assert [memo.get(digest(raw), raw) for raw in (b"1", b"2", b"1")] == [1, 2, 1]
    assert reader.asked == [b"1", b"2"]


def test_the_longest_unused_is_forgotten() -> None:
    reader = Reader()
    memo = Memo(reader, entries=2)
    for raw in (b"1", b"2", b"1", b"3", b"1", b"2"):
        memo.get(digest(raw), raw)
    assert reader.asked == [b"1", b"2", b"3", b"2"]
    assert len(memo) == 2


def test_what_is_raised_is_not_remembered() -> None:
    reader = Reader()
    memo = Memo(reader)
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            memo.get(digest(b"x"), b"x")
    assert reader.asked == [b"x", b"x"]
    assert len(memo) == 0


def test_threads_share_it_and_it_stays_bounded() -> None:
    memo = Memo(int, entries=8)
    raws = [b"%d" % (number % 20) for number in range(2000)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda raw: memo.get(digest(raw), raw), raws)) == [int(raw) for raw in raws]
    assert len(memo) == 8
