"""What passed is named once; what did not stays as CTest wrote it."""

import pytest
import report_decoder

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.test_report import ReportOfTests

COMPRESSOR = ReportOfTests()


def report(count: int, failed: int = 7, slow: int = 4) -> str:
    """Write what CTest says of tests one of which failed, and one took long."""
    wide = len(str(count))
    lines = ["Test project /srv/shop/build"]
    for number in range(1, count + 1):
        name = f"store.keeps_{'its_order' if number % 2 else 'totals'}_{number}"
        verdict = "***Failed " if number == failed else "   Passed "
        seconds = 12.5 if number == slow else 0
        lines += [
            f"{'':{2 * wide + 2}}Start {number:{wide}}: {name}",
            f"{number:{wide}}/{count} Test {f'#{number}':>{wide + 1}}: {name + ' ':.<40}{verdict}{seconds:7.2f} sec",
        ]
    return "\n".join([*lines, "", f"{count - 1} tests passed, 1 tests failed out of {count}", ""])


@pytest.mark.parametrize("count", [12, 150])
def test_names_stand_once_and_the_text_comes_back(count: int) -> None:
    text = report(count)
    form = COMPRESSOR.compress(Content(text), Level.LIGHT)
    assert form is not None
    assert form.lossless
    assert "(12.50)" in form.text
    assert form.text.count(f"totals_{count}\n") == 1
    assert report_decoder.decode(form.text) == text


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HARD], ids=lambda level: level.name)
def test_harder_only_failures_and_counts_stay(level: Level) -> None:
    form = COMPRESSOR.compress(Content(report(150)), level)
    assert form is not None
    assert "== 8-150 Passed\n[143 names left out: lines 16-301]" in form.text
    assert "***Failed" in form.text
    assert "149 tests passed, 1 tests failed out of 150" in form.text
    assert form.left_out == "lines 4-13 and 16-301 of 304"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("   Passed", "  Passed"),
        ("Start  9: store", "Start  9: stare"),
        ("totals_8 ...", "totals_8 (1.0) ..."),
        ("\n\n", "\n== 1-2 Passed\n"),
    ],
    ids=["columns", "another name", "a name with seconds", "a line like ours"],
)
def test_lines_that_are_written_otherwise_come_back(one: str, other: str) -> None:
    text = report(40).replace(one, other, 1)
    form = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert form is not None
    assert report_decoder.decode(form.text) == text
