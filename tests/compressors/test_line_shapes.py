"""What a compressor of lines takes grows with its text, whatever that is made of."""

import time

import pytest
from line_shapes import SHAPES, SUBJECTS

from headroom_mitm.compressors import COMPRESSORS
from headroom_mitm.compressors.base import Compressor, Content, Level

BY_NAME = {compressor.name: compressor for compressor in COMPRESSORS}
SMALL, FACTOR = 6_000, 4  # characters; the large text has so many times as many
SLACK = 3  # what grows with the square takes 16 times as long for four times the text: more than 12 is red
LEAST = 0.002  # seconds: of less no ratio is taken
every_shape = pytest.mark.parametrize(
    ("kind", "shape"), [(kind, shape) for kind, shapes in SHAPES.items() for shape in shapes]
)


def taken(compressor: Compressor, text: str, subject: str) -> float:
    """Return the seconds of processor time at the level that takes longest, tokens not counted."""

    def once(level: Level) -> float:
        content = Content(text, "bash", subject, count=len)
        begun = time.thread_time()
        compressor.compress(content, level)
        return time.thread_time() - begun

    return max(min(once(level), once(level)) for level in (Level.LOSSLESS, Level.HARD))


@every_shape
def test_four_times_the_text_takes_about_four_times_as_long(kind: str, shape: str) -> None:
    make, subject = SHAPES[kind][shape], SUBJECTS.get(kind, "")
    small = taken(BY_NAME[kind], make(SMALL), subject)
    large = taken(BY_NAME[kind], make(SMALL * FACTOR), subject)
    assert large < FACTOR * SLACK * max(small, LEAST)
