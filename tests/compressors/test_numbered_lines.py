"""Line numbers are said at every twentieth line; all lines stay verbatim, and all numbers come back."""

import numbered_lines_decoder
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm import tokens
from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.numbered_lines import NumberedLines

COMPRESSOR = NumberedLines()
CODE = [f"\tline {number} of a file that says nothing" for number in range(40)]
LONG = [f"\tline {number} of a long file: {number * 7919 % 1009} {'and so on ' * 6}" for number in range(120)]
BLOCK = [f"\t\tstep {number} of what is done twice in this file" for number in range(5)]


def numbered(lines: list[str], first: int = 1, form: str = "{:>6}\t") -> str:
    return "\n".join(form.format(number) + line for number, line in enumerate(lines, first))


@pytest.mark.parametrize("form", ["{:>6}\t", "{:>6}→", "{}\t", "{}: ", "{}|", "{:>5}| ", "{}:", "{:>4}:"])
@pytest.mark.parametrize("first", [1, 95, 991, 99_990])
def test_every_form_of_numbers_comes_back(form: str, first: int) -> None:
    """Aligned or not, and where numbers grow by a digit."""
    text = numbered(CODE * 2, first, form)
    folded = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert folded is not None
    assert folded.lossless
    assert len(folded.text) < len(text)
    assert numbered_lines_decoder.decode(folded.text) == text


def test_only_the_first_number_is_aligned() -> None:
    """It says how the others were."""
    folded = COMPRESSOR.compress(Content(numbered(CODE)), Level.LOSSLESS)
    assert folded is not None
    assert folded.text.split("\n")[1].startswith("     1\t")
    assert "\n20\t\tline 19 of" in folded.text


def test_where_edits_name_lines_more_of_them_show_their_numbers() -> None:
    """A viewer that puts a bare colon behind a number belongs to an editor that is told numbers."""
    folded = COMPRESSOR.compress(Content(numbered(CODE, 1, "{}:")), Level.LOSSLESS)
    assert folded is not None
    assert "\n10:\tline 9 of" in folded.text
    assert "every 10th" in folded.text.split("\n")[0]


def test_what_stands_around_stays() -> None:
    """A client's words before the first and behind the last line are no lines of the file."""
    text = f"Here is the file:\n{numbered(CODE)}\n\n(the file goes on)"
    folded = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert folded is not None
    assert folded.text.startswith("Here is the file:\n[Lines 1-40, numbered")
    assert folded.text.endswith("\n\n(the file goes on)")
    assert numbered_lines_decoder.decode(folded.text) == text


def test_a_space_behind_the_colon_may_be_the_text_s() -> None:
    """As in a file that is shown from within a comment on."""
    text = numbered([" * a comment that goes on", " */", "", *CODE], 78, "{}:")
    folded = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert folded is not None
    assert folded.text.startswith("[Numbered at declarations and every 10th line (a colon behind each number).]")
    assert numbered_lines_decoder.decode(folded.text) == text


def test_a_line_that_looks_numbered_keeps_its_number() -> None:
    """The text of a line may be a numbered line itself."""
    text = numbered([*CODE[:5], "     7\tlooks like line 7", *CODE[6:]])
    folded = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert folded is not None
    assert "\n6\t     7\tlooks like line 7" in folded.text
    assert numbered_lines_decoder.decode(folded.text) == text


def test_a_block_that_comes_again_is_named_by_its_numbers() -> None:
    """Where it stands above, its first line shows its number."""
    text = numbered([*LONG[:12], *BLOCK, *LONG[12:], *BLOCK, CODE[30]])
    folded = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert folded is not None
    assert f"\n13\t{BLOCK[0]}\n{BLOCK[1]}\n" in folded.text
    assert folded.text.endswith(f"{LONG[-1]}\n[126-130: same as 13-17]\n{CODE[30]}")
    assert numbered_lines_decoder.decode(folded.text) == text


@pytest.mark.parametrize(
    ("lines", "worked_on"), [(CODE, False), (LONG, True)], ids=["short", "a file that is worked on"]
)
def test_what_is_likely_to_be_edited_has_each_line_in_its_place(lines: list[str], worked_on: bool) -> None:
    text = numbered([*lines, *BLOCK, *lines, *BLOCK])
    folded = COMPRESSOR.compress(Content(text, worked_on=worked_on), Level.LOSSLESS)
    assert folded is not None
    assert "same as" not in folded.text
    assert len(folded.text.split("\n")) == 1 + len(text.split("\n"))


@pytest.mark.parametrize(
    "block",
    [BLOCK[:2], ["", "", "", "\t}", "\t}"], [f"\t\t\t\t\t\t{n} {{" for n in range(6)]],
    ids=["two lines", "hardly a word", "short lines"],
)
def test_what_is_short_is_said_again(block: list[str]) -> None:
    """To look it up would cost a reader more."""
    text = numbered([*LONG[:12], *block, *LONG[12:], *block, CODE[30]])
    folded = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert folded is not None
    assert "same as" not in folded.text


def test_a_line_that_looks_like_our_note_keeps_its_number() -> None:
    """A file may hold what we write."""
    text = numbered([*CODE[:5], "[6-9: same as 1-4]", *CODE[6:]])
    folded = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert folded is not None
    assert "\n6\t[6-9: same as 1-4]\n" in folded.text
    assert numbered_lines_decoder.decode(folded.text) == text


@given(picked=st.lists(st.sampled_from([*CODE[:6], *BLOCK, "", "\t}"]), min_size=12, max_size=80))
def test_blocks_come_back_exactly(picked: list[str]) -> None:
    """Wherever they stand."""
    text = numbered([*LONG, *picked], 7)
    folded = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert folded is not None
    assert numbered_lines_decoder.decode(folded.text) == text


@pytest.mark.parametrize(
    "text",
    ["", "no numbers at all\n" * 30, numbered(CODE[:5]), "\n".join(f"{n * 2}: every other" for n in range(30))],
    ids=["empty", "not numbered", "short", "not one by one"],
)
def test_other_texts_are_left_alone(text: str) -> None:
    """Hits of a search have numbers too, but not one by one."""
    assert COMPRESSOR.score(Content(text)) <= 0 or COMPRESSOR.compress(Content(text), Level.LOSSLESS) is None


@pytest.mark.parametrize("form", ["{:>6}\t", "{:>5}→", "{}:", "{}|", "{}: "])
@pytest.mark.parametrize("lines", [CODE, LONG, ["" for _ in range(40)], [" " * 60 + "x" for _ in range(40)]])
def test_as_many_tokens_are_spared_as_it_says(form: str, lines: list[str]) -> None:
    """It says so without counting."""
    text = numbered(lines, 7, form)
    folded = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert folded is None or 0 <= folded.spared <= tokens.count(text) - tokens.count(folded.text)


@given(lines=st.lists(st.text("ab1 :\t→|\r\x00", max_size=12), min_size=12, max_size=60), first=st.integers(0, 2000))
@pytest.mark.parametrize("form", ["{:>6}\t", "{}:"])
def test_it_is_exact(form: str, lines: list[str], first: int) -> None:
    """Whatever the lines hold."""
    text = numbered(lines, first, form)
    folded = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    # None where nearly all lines look numbered by themselves, or where short numbers cost less than the note.
    assert folded is not None or form == "{}:" or sum(line[:1].isdigit() for line in lines) > 4
    assert folded is None or numbered_lines_decoder.decode(folded.text) == text
