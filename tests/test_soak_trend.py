"""The soak's verdict can fail: a leak is told from noise, and what cannot be told is not called flat."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from soaking.trend import Point, least_squares, minutes, trend

NOISE = 1.5
"""MiB, between samples five seconds apart."""


def hour(slope: float, *, walks: float = 0.0) -> list[Point]:
    """Samples of an hour that grow by so much in it."""
    draw, level = random.Random(7), 300.0
    points = []
    for number in range(720):
        level += draw.gauss(0, walks)
        points.append((number / 720, level + slope * number / 720 + draw.gauss(0, NOISE)))
    return points


@pytest.mark.parametrize("slope", [-20.0, 0.0, 3.0, 40.0])
def test_the_interval_holds_the_slope(slope: float) -> None:
    found = trend(minutes(hour(slope)))
    assert found.low <= slope <= found.high
    assert found.high - found.low < 4
    assert abs(least_squares(hour(slope)) - slope) < 2


def test_a_leak_is_seen() -> None:
    assert trend(minutes(hour(20.0))).low > 8


def test_what_neighbours_have_in_common_widens_the_interval() -> None:
    """Memory that is taken stays: sixty such points are not sixty looks."""
    steady, walking = trend(minutes(hour(0.0))), trend(minutes(hour(0.0, walks=0.3)))
    assert walking.high - walking.low > 2 * (steady.high - steady.low)


def test_one_rush_is_no_trend() -> None:
    rush = [(at, value + (100 if 0.5 < at < 0.55 else 0)) for at, value in hour(0.0)]
    assert abs(trend(minutes(rush)).slope) < 2


def test_too_few_points_say_nothing() -> None:
    found = trend([(0.0, 1.0), (1.0, 1.0)])
    assert (found.low, found.high) == (float("-inf"), float("inf"))


def test_of_a_minute_the_median_counts() -> None:
    assert minutes([(0.0, 1.0), (0.001, 9.0), (0.002, 2.0), (0.02, 5.0)]) == [(0.001, 2.0), (0.02, 5.0)]
