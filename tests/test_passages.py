"""What a text has in common with an earlier one is said by notes, and a reader with the earlier one can undo them."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm import passages
from headroom_mitm.passages import Lines, find, told, written

WHERE = 'the result above of bash "cat a.py"'
OLD = [f"line {number}: {number * 7919 % 1009} and what else there is to say" for number in range(60)]
NOTE = re.compile(r"\[The same (\d+) lines as between these two (?:in .*|there)\.\]")


def restored(before: list[str], lines: list[str]) -> list[str]:
    """Put the passages back, by what the notes and the lines around them say and nothing else."""
    result: list[str] = []
    for number, line in enumerate(lines):
        match = NOTE.fullmatch(line)
        if match is None:
            result.append(line)
            continue
        count = int(match[1])
        (start,) = (
            at
            for at in range(len(before) - count - 1)
            if (before[at], before[at + count + 1]) == (lines[number - 1], lines[number + 1])
        )
        result += before[start + 1 : start + count + 1]
    return result


def test_a_passage_keeps_its_first_and_last_line() -> None:
    new = ["=== a.py", *OLD[10:30], "something new", *OLD[40:50]]
    assert told(OLD, new, WHERE) == [
        "=== a.py",
        OLD[10],
        f"[The same 18 lines as between these two in {WHERE}.]",
        OLD[29],
        "something new",
        OLD[40],
        "[The same 8 lines as between these two there.]",
        OLD[49],
    ]


def test_lines_that_stay_are_written_as_is_said() -> None:
    """With their numbers, for one, and always where a passage begins or ends."""
    new = ["=== a.py", *OLD[10:30], "something new"]
    found = find(OLD, new)
    form = list(written(found, len(new), WHERE, lambda at, *, always: f"{at}: {new[at]}" if always else new[at]))
    assert [form[0], form[1], form[3], form[4]] == ["=== a.py", f"1: {OLD[10]}", f"20: {OLD[29]}", "something new"]


@pytest.mark.parametrize(
    "new",
    [
        OLD[:4],
        ["a", "b", "c", "d", "e", "f"],
        [line[:1] for line in OLD],
        [*OLD[10:30], "[The same 3 lines as between these two there.]"],
        [],
    ],
    ids=["too few lines", "nothing in common", "short lines", "looks like a note", "nothing"],
)
def test_what_is_not_worth_a_note_or_would_be_misread_stays(new: list[str]) -> None:
    assert told(OLD, new, WHERE) is None


def test_a_passage_is_only_as_long_as_one_place_answers_to_it() -> None:
    """Where two places have the same first line, count and last line, a reader could take the wrong one."""
    ends = ["begin the block here", "end of the whole block"]
    one, other = ([ends[0], *OLD[at : at + 9], ends[1]] for at in (0, 20))
    old = [*one, *other]
    form = told(old, other, WHERE)
    assert form is not None
    assert restored(old, form) == other


LINES = st.sampled_from([*OLD[:12], "", "}", "    return value of the function that was called before"])


@given(st.lists(LINES, max_size=40), st.lists(LINES, max_size=40), st.data())
def test_the_earlier_text_and_the_notes_are_the_text(old: list[str], new: list[str], data: st.DataObject) -> None:
    """Whatever is in common, and however often it stands there."""
    if old:
        start = data.draw(st.integers(0, len(old) - 1))
        new = [*new, *old[start : start + data.draw(st.integers(0, 30))], *new[:3]]
    form = told(old, new, WHERE)
    assert form is None or restored(old, form) == new


def test_the_text_with_most_lines_in_common_is_the_nearest() -> None:
    """Lines without a word count for nothing; of equals, the last one."""
    lines = Lines()
    added = {name: lines.add(name, text) for name, text in ((b"a", OLD[:9]), (b"b", OLD[:12]), (b"c", OLD))}
    assert lines.known(b"a") is added[b"a"]
    assert lines.known(b"z") is None
    assert passages.nearest((name, len(one & added[b"b"])) for name, one in added.items()) == b"c"
    assert passages.nearest([(b"a", len(added[b"a"] & lines.add(b"d", OLD[:2])))]) is None
    assert lines.add(b"e", ["", "}", "  ---", ""]) == frozenset()


def test_lines_that_are_not_at_hand_any_more_are_known_nevertheless() -> None:
    lines = Lines()
    first = lines.add(b"first", OLD)
    for number in range(passages.AT_HAND // len(OLD) + 1):
        lines.add(b"%d" % number, OLD)
    again = lines.known(b"first")
    assert again == first
    assert again is not first


@pytest.mark.parametrize(
    ("old", "new"),
    [(["x = 1"], ["x = 1"]), (OLD, OLD), (["a b", "c d"], ["a b", "c d"]), ([*OLD, "begin"], ["begin", *OLD[:3]])],
    ids=["one line", "many lines", "two lines", "false starts"],
)
def test_the_cost_grows_with_the_text_at_most(old: list[str], new: list[str]) -> None:
    def seconds(count: int) -> float:
        runs = []
        for _ in range(3):
            begun = time.thread_time()
            told(old * count, new * count, WHERE)
            runs.append(time.thread_time() - begun)
        return min(runs)

    assert seconds(4_000) < 60 * seconds(400) + 0.05
