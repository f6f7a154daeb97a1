"""The most that leaving out the times of a log may save: true wherever it is told, and told where it helps."""

import math
import random

import pytest

from headroom_mitm import tokens
from headroom_mitm.compressors.base import Content, Level
from headroom_mitm.compressors.log_lines import LogLines

LOG = LogLines()
STAMPS = {"zone": "2026-03-01T12:{:02}:{:02}.{:03}Z", "plain": "[2026-03-01 12:{:02}:{:02},{:03}]"}
ROWS = (
    "INFO request {a} served in {b} ms",
    "DEBUG keys={a} ratio=0.{b:02}",
    "INFO session {c:08x} opened by user {a} on /srv/data/{b}/x",
)


def log(kind: str, count: int, row: str = ROWS[0], *, seed: int = 1) -> str:
    dice = random.Random(seed)
    lines = []
    for number in range(count):
        at = STAMPS[kind].format(number // 60, number % 60, dice.randrange(1000))
        said = (row if number % 5 else ROWS[1]).format(
            a=number * 7919, b=number % 90, c=dice.randrange(1 << 32), t=number // 9
        )
        lines.append(f"{at} {said}")
    lines[count // 2] = "12:00:59.000 ERROR payment 4711 failed: card declined"
    return "\n".join(lines)


@pytest.mark.parametrize("level", [Level.LIGHT, Level.MEDIUM, Level.HARD])
@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("kind", STAMPS)
def test_no_form_saves_more(kind: str, row: str, level: Level) -> None:
    for count in (20, 70, 150):
        text = log(kind, count, row)
        bound = LOG.most_saved(Content(text), level)
        whole, part = (LOG.compress(Content(text), one) for one in (Level.LOSSLESS, level))
        assert whole is not None
        assert part is not None
        shorter = part.text + part.left_out
        assert tokens.count(whole.text) - tokens.count(shorter) <= bound
        assert tokens.about(whole.text) - tokens.about(shorter) <= 2 * bound


@pytest.mark.parametrize("kind", STAMPS)
def test_it_is_told_of_rows_that_name_things(kind: str) -> None:
    text = log(kind, 70)
    form = LOG.compress(Content(text), Level.LIGHT)
    assert form is not None
    assert not form.lossless
    assert LOG.most_saved(Content(text), Level.LIGHT) < 800


UNKNOWN = {
    "rows that may go": "\n".join(f"2026-03-01T12:00:{number:02} INFO check took {number} ms" for number in range(60)),
    "what was overwritten": log("zone", 70) + "\n" + "\r".join(f"{share} % of 9" for share in range(20)),
    "words without a form": "\n".join(f"{word * 3} {word}" for word in "abcdefghijklmnopq"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_it_is_not_known_of(name: str) -> None:
    assert LOG.most_saved(Content(UNKNOWN[name]), Level.LIGHT) == math.inf


def test_it_is_not_known_where_neighbours_share_a_value() -> None:
    text = log("zone", 70, f"{ROWS[0]} by thread-{{t}}")
    assert LOG.most_saved(Content(text), Level.LIGHT) == math.inf


def test_it_is_not_known_where_a_time_comes_again() -> None:
    text = log("zone", 70)
    lines = text.split("\n")
    lines[41] = lines[40][:24] + lines[41][24:]
    assert LOG.most_saved(Content("\n".join(lines)), Level.LIGHT) == math.inf


def test_it_is_not_known_where_tokens_are_counted_otherwise() -> None:
    assert LOG.most_saved(Content(log("zone", 70), count=len), Level.LIGHT) == math.inf
