"""The slope of a series with its interval: the line of Theil and Sen through medians of minutes."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

Point = tuple[float, float]
"""When, in hours, and how much."""
Z = 1.96
"""Of the normal distribution, for 95 %."""
LEAST_POINTS = 8


@dataclass(frozen=True, slots=True)
class Trend:
    """How much more in an hour; with 95 % probability it is from ``low`` to ``high``."""

    slope: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.slope:+.2f} ({self.low:+.2f} to {self.high:+.2f}) an hour"


def trend(points: Sequence[Point]) -> Trend:
    """Return the median of the slopes of all pairs, and Sen's interval.

    Memory that is taken once stays, so neighbours are alike and tell less than as many points that are independent: the
    interval is made wider by what the residuals of neighbours have in common.
    """
    if len(points) < LEAST_POINTS:
        return Trend(0.0, -math.inf, math.inf)
    slopes = sorted((b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] > a[0])
    slope, count = statistics.median(slopes), len(points)
    spread = math.sqrt(count * (count - 1) * (2 * count + 5) / 18) * _wider(points, slope)
    reach = min(Z * spread, len(slopes))
    low = slopes[max(0, round((len(slopes) - reach) / 2) - 1)]
    high = slopes[min(len(slopes) - 1, round((len(slopes) + reach) / 2))]
    return Trend(slope, low, high)


def minutes(points: Sequence[Point]) -> list[Point]:
    """Return the median of each minute."""
    found: dict[int, list[Point]] = {}
    for point in points:
        found.setdefault(int(point[0] * 60), []).append(point)
    return [
        (statistics.median(at for at, _ in some), statistics.median(value for _, value in some))
        for some in found.values()
    ]


def least_squares(points: Sequence[Point]) -> float:
    """Return the usual slope, an hour, for comparison."""
    if len(points) < LEAST_POINTS:
        return 0.0
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def _wider(points: Sequence[Point], slope: float) -> float:
    residuals = [value - slope * at for at, value in points]
    mean = statistics.fmean(residuals)
    centred = [residual - mean for residual in residuals]
    whole = sum(one * one for one in centred)
    shared = sum(a * b for a, b in pairwise(centred)) / whole if whole else 0.0
    alike = min(max(shared, 0.0), 0.9)
    return math.sqrt((1 + alike) / (1 - alike))
