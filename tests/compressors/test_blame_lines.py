"""git blame in its shorter form: exact, also where only a part of a file is shown."""

import blame_lines_decoder
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_golden import GOLDEN, read

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.blame_lines import BlameLines

COMPRESSOR = BlameLines()
INPUTS = [read(path)[0].text for path in sorted((GOLDEN / "blame_lines").glob("*"))]


@given(st.sampled_from(INPUTS), st.integers(0, 20), st.integers(8, 30))
def test_any_part_comes_back(text: str, begin: int, count: int) -> None:
    """``| head`` and ``| sed`` leave the columns as wide as the whole file needs them."""
    part = "\n".join(text.split("\n")[begin : begin + count])
    found = COMPRESSOR.compress(Content(part), Level.LOSSLESS)
    assert found is None or blame_lines_decoder.decode(found.text) == part


@pytest.mark.parametrize("odd", ["1a2b3c4 (A. Name 2024-01-02 10:00:00 +0000 9)no space", "fatal: no such path", ""])
def test_a_line_of_another_kind_leaves_all_as_it_is(odd: str) -> None:
    lines = INPUTS[0].split("\n")
    assert COMPRESSOR.compress(Content("\n".join([*lines[:5], odd, *lines[5:]])), Level.LOSSLESS) is None


def test_every_line_names_its_commit() -> None:
    """A reader looks up one number; nothing depends on the line above."""
    found = COMPRESSOR.compress(Content(INPUTS[0]), Level.HARD)
    assert found is not None
    assert found.lossless
    assert "C2 2) \n" in found.text
