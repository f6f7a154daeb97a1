"""Each golden file shows what a compressor makes of a text.

A file is the input, a line ``# output``, and what must come out. Its first line may say how the compressor is called:
``# flags: level=light tool=Bash subject=everything up to the end of the line``.
"""

import re
from pathlib import Path

import pytest

from headroom_mitm.compressors import COMPRESSORS
from headroom_mitm.compressors.base import Content, Level

GOLDEN = Path(__file__).parents[1] / "golden"
FLAGS = re.compile(r"# flags:(?: level=(?P<level>\w+))?(?: tool=(?P<tool>\S+))?(?: subject=(?P<subject>.*))?\n")
BY_NAME = {compressor.name: compressor for compressor in COMPRESSORS}


def read(path: Path) -> tuple[Content, Level, str]:
    """Return what the compressor is given, and what must come out."""
    text, output = path.read_bytes().decode().split("\n# output\n")
    flags = FLAGS.match(text)
    said = flags.groupdict() if flags else {}
    content = Content(text[flags.end() if flags else 0 :], said.get("tool") or "", said.get("subject") or "")
    return content, Level[(said.get("level") or "lossless").upper()], output.removesuffix("\n")


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_output_is_the_golden_one(path: Path) -> None:
    content, level, output = read(path)
    found = BY_NAME[path.parent.name].compress(content, level)
    assert found is not None
    assert found.text == output


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=lambda compressor: compressor.name)
def test_every_compressor_can_be_learnt_from_its_golden_files(compressor: object) -> None:
    assert len(list(GOLDEN.glob(f"{compressor.name}/*"))) >= 3
