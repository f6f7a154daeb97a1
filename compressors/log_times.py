"""When the same trouble came again: the times of rows that are left out, behind what those rows say."""

from collections.abc import Iterator, Mapping, Sequence

from headroom_mitm.compressors.log_columns import Column, Kind
from headroom_mitm.compressors.log_stamps import Stamp

_MOST = 300  # times that are told of one template


def told(columns: Sequence[Column], stamps: Mapping[int, Stamp]) -> Iterator[str]:
    """Yield for each thing that rows say, but for measurements, ``this at day time time``; rows come with their stamps.

    Rows beyond so many are counted.
    """
    named = [column.values for column in columns if column.kind is not Kind.MEASURE]
    times: dict[str, list[Stamp]] = {}
    for row, stamp in stamps.items():
        times.setdefault(" ".join(values[row] for values in named), []).append(stamp)
    left = _MOST
    for said, found in times.items():
        shown = found[: max(0, left)]
        left -= len(found)
        more = [f"{len(found) - len(shown)} more until {found[-1].text}"] if len(shown) < len(found) else []
        what = f"{said} " if said else ""
        yield f"{what}at {' '.join([*_by_day(shown), *more])}"


def _by_day(stamps: Sequence[Stamp]) -> Iterator[str]:
    """Yield times, each day before the first of its times."""
    day = ""
    for stamp in stamps:
        around = f"{stamp.date.strip(' T:')}{stamp.rest}"
        if around and around != day:
            day = around
            yield around
        yield stamp.time
