"""Passages are found whatever numbers stand in front of lines, and a reader with the earlier text gets all back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm import quotes
from headroom_mitm.compressors import numbered_lines
from headroom_mitm.quotes import Readings

WHERE = 'Read with "/a.py"'
OLD = [f"line {number}: {number * 7919 % 1009} and what else there is to say" for number in range(60)]
PLAIN = Readings(OLD)
NOTE = re.compile(r"\[The same (\d+) lines as between these two (?:in .*|there)\.\]")
HEAD = re.compile(r"\[(?:Lines \d+-(\d+), n|N)umbered at declarations and every .*\]")
SAME = re.compile(r"\[(\d+)-(\d+): same as (\d+)-\d+\]")
NUMBER = re.compile(r"( *)(\d+)(\t|→|: )")


def numbered(lines: list[str], first: int = 1, form: str = "{:>6}\t") -> str:
    return "\n".join(form.format(number) + line for number, line in enumerate(lines, first))


def restored(old: list[str], text: str) -> str:
    """Give back what was told, by what it says itself and the lines of the earlier text."""
    lines = text.split("\n")
    at = next((number for number, line in enumerate(lines) if HEAD.fullmatch(line)), None)
    if at is None:
        return "\n".join(_put_back(old, lines))
    last = HEAD.fullmatch(lines[at])[1]  # type: ignore[index]
    spaces, digits, mark = NUMBER.match(lines[at + 1]).groups()  # type: ignore[union-attr]
    width, first = len(spaces) + len(digits) if spaces else 0, int(digits)
    bare = _unfolded(_put_back(old, [re.sub(rf"\A *\d+{mark}", "", line) for line in lines[at + 1 :]]), first)
    end = 1 + int(last) - first if last else len(bare)
    body = [f"{number:>{width}}{mark}{line}" for number, line in enumerate(bare[:end], first)]
    return "\n".join([*lines[:at], *body, *bare[end:]])


def _unfolded(lines: list[str], first: int) -> list[str]:
    """Put blocks back that are named by their numbers."""
    result: list[str] = []
    for line in lines:
        match = SAME.fullmatch(line)
        start, stop, above = (int(match[n]) - first for n in (1, 2, 3)) if match else (-1, 0, 0)
        result += result[above : above + 1 + stop - start] if start == len(result) else [line]
    return result


def _put_back(old: list[str], lines: list[str]) -> list[str]:
    result: list[str] = []
    for number, line in enumerate(lines):
        if (match := NOTE.fullmatch(line)) is None:
            result.append(line)
            continue
        count, ends = int(match[1]), (lines[number - 1], lines[number + 1])
        places = [at for at in range(len(old) - count - 1) if (old[at], old[at + count + 1]) == ends]
        assert len(places) == 1
        result += old[places[0] + 1 : places[0] + count + 1]
    return result


@pytest.mark.parametrize("old_form", ["{:>6}\t", "{}: ", ""])
@pytest.mark.parametrize("new_form", ["{:>6}\t", "{:>6}→", "{}: ", ""])
def test_lines_are_the_same_whatever_their_numbers(old_form: str, new_form: str) -> None:
    """A file is read after an edit further up has moved its lines, or with another tool."""
    lines = ["something new", *OLD[10:40], "and more", "of it"]
    above = numbered(OLD, 1, old_form) if old_form else "\n".join(OLD)
    new = numbered(lines, 90, new_form) if new_form else "\n".join(lines)
    told = quotes.told(quotes.readings(above), new, WHERE)
    assert told is not None
    assert "[The same 28 lines" in told
    assert restored(OLD, told) == new


def test_numbered_lines_within_other_words_are_the_same_lines() -> None:
    """As where an editor shows what it would have done, and says why it has not."""
    above = numbered(OLD, 1, "{}:")
    said = "\n".join(["Your edit has errors. It would have been:", numbered(OLD[10:40], 11, "{}:"), "Try again."] * 2)
    told = quotes.told(quotes.readings(above), said, WHERE)
    assert told is not None
    assert "\n".join(_put_back(above.split("\n"), told.split("\n"))) == said


def test_numbers_stand_where_a_passage_begins_and_ends() -> None:
    """A reader should not have to reckon what line it goes on with."""
    told = quotes.told(PLAIN, numbered(OLD[10:40], 11), WHERE)
    assert told is not None
    head, first, note, last = told.split("\n")
    assert head.startswith("[Numbered at declarations and every 20th line.]")
    assert first == f"    11\t{OLD[10]}"
    assert note.startswith("[The same 28 lines")
    assert last == f"40\t{OLD[39]}"


def test_blocks_that_come_again_in_the_rest_are_named_by_their_numbers() -> None:
    """Those of which each line is shown above, and none that an earlier text has told already."""
    twice = [f"step {number} of what is done twice" for number in range(6)]
    more = [f"of {number} there is more to say: {'again and ' * 10}{number * 7919 % 1009}" for number in range(80)]
    text = numbered([*twice, *OLD[10:40], *more, *twice, "again", *OLD[10:40], *twice], 50)
    told = quotes.told(PLAIN, text, WHERE)
    assert told is not None
    assert re.findall(r"\[.*: same as .*\]", told) == [
        "[166-171: same as 50-55]",
        "[203-208: same as 50-55]",
    ]
    assert restored(OLD, told) == text


def test_a_few_numbered_lines_show_all_their_numbers() -> None:
    told = quotes.told(PLAIN, numbered(["new", *OLD[10:18], "newer"]), WHERE)
    assert told is not None
    lines = told.split("\n")
    assert [lines[0], lines[1], lines[3], lines[4]] == [
        "     1\tnew",
        f"2\t{OLD[10]}",
        f"9\t{OLD[17]}",
        "10\tnewer",
    ]


def test_what_stands_around_numbered_lines_stays() -> None:
    """A client's words before the first and behind the last line are no lines of the file."""
    text = f"Here is the file:\n{numbered(OLD[10:40])}\n\n(the file goes on)"
    told = quotes.told(PLAIN, text, WHERE)
    assert told is not None
    assert told.startswith("Here is the file:\n[Lines 1-30, numbered")
    assert restored(OLD, told) == text
    assert quotes.told(PLAIN, f"{text}\n[The same ", WHERE) is None


def test_what_is_left_can_be_quoted_again() -> None:
    """Only the lines that a reader finds above: what a note stands for is not there."""
    text = numbered([*OLD[10:30], *(f"{line}, now" for line in OLD[30:50])])
    told = quotes.told(PLAIN, text, WHERE)
    assert told is not None
    left = quotes.left(text, told)
    assert OLD[29] in left.bare
    assert OLD[28] not in left.bare
    assert f"{OLD[45]}, now" in left.bare
    again = quotes.told(left, numbered([f"{line}, now" for line in OLD[32:48]]), WHERE)
    assert again is not None
    assert "[The same 14 lines" in again


LINES = st.sampled_from([*OLD[:12], "", "}", "12: looks numbered", "    return value of the function that was called"])


@given(
    old=st.lists(LINES, max_size=40),
    new=st.lists(LINES, max_size=40),
    first=st.integers(0, 120),
    data=st.data(),
)
@pytest.mark.parametrize("form", ["{:>6}\t", "{}→"])
def test_it_is_exact(form: str, old: list[str], new: list[str], first: int, data: st.DataObject) -> None:
    """Whatever is in common, and however often it stands there."""
    if old:
        start = data.draw(st.integers(0, len(old) - 1))
        new = [*new, *old[start : start + data.draw(st.integers(0, 30))], *new[:3]]
    told = quotes.told(Readings(old), numbered(new, first, form), WHERE)
    # Of a few numbered lines all show their numbers; they are looked at above.
    assert told is None or len(new) < numbered_lines.SHORTEST or restored(old, told) == numbered(new, first, form)
