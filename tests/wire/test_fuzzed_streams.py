"""Whatever comes, in whatever pieces: no exception, no lost byte. ``scripts/fuzz.py streams`` tries more of them."""

import random

import pytest
from fuzzed_streams import check

SHARE = 100


@pytest.mark.parametrize("start", range(0, 1000, SHARE))
def test_a_stream_is_the_same_however_it_is_cut(start: int) -> None:
    assert sum(check(random.Random(seed)) for seed in range(start, start + SHARE)) > 0
