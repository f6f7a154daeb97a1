"""What became of a text is told by the turns behind it, in every format alike: it was needed, or it was not."""

import json
from typing import Any

import pytest
from sample_conversations import ANTHROPIC

from headroom_mitm.outcomes import MISSED_WITHIN, Aftermath, Behind
from headroom_mitm.segments import Prompt

FILE = "\n".join(f"    {number}\tvalue_{number} = compute({number})" for number in range(1, 40))
FURTHER = "\n".join(f"    {number}\tother_{number} = compute({number})" for number in range(40, 80))
NOT_FOUND = "String to replace not found in file.\nString: value_3 = compute(3)"

Step = tuple[str, dict[str, Any], str]
"""A call of the model and its result: tool, arguments, text."""

READ: Step = ("Read", {"file_path": "/srv/app.py"}, FILE)
TESTS: Step = ("Bash", {"command": "pytest -q"}, "3 passed")
OTHER: Step = ("Bash", {"command": "ls"}, "app.py")


def conversation(*steps: Step, error: int | None = None) -> Prompt:
    """Return a request with these steps, each in a turn of its own; the result of one may be marked as an error."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "task"}]
    for number, (tool, arguments, text) in enumerate(steps):
        use = {"type": "tool_use", "id": f"t{number}", "name": tool, "input": arguments}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": text, "is_error": number == error}
        messages += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    return ANTHROPIC.read(json.dumps({"model": "claude-sonnet-4-5", "tools": [], "messages": messages}).encode())


def first(*steps: Step, error: int | None = None) -> Aftermath:
    prompt = conversation(*steps, error=error)
    return Behind(prompt).of(prompt.segments[0])


def edit(text: str, path: str = "/srv/app.py") -> Step:
    return ("Edit", {"file_path": path, "old_string": "a", "new_string": "b"}, text)


def test_nothing_behind_a_text_says_nothing() -> None:
    assert first(READ) == Aftermath(turns=0)


def test_turns_are_counted() -> None:
    assert first(READ, OTHER, OTHER).turns == 2


@pytest.mark.parametrize(("most", "looked_at"), [(0, 1), (1, 2), (3, 4), (9, 4)])
def test_no_further_back_is_looked_than_that(most: int, looked_at: int) -> None:
    prompt = conversation(READ, OTHER, OTHER, TESTS)
    behind, whole = Behind(prompt, most), Behind(prompt)
    assert [segment in behind for segment in reversed(prompt.segments)] == [True] * looked_at + [False] * (
        4 - looked_at
    )
    assert list(map(behind.of, behind.recent)) == list(map(whole.of, prompt.segments[-looked_at:]))


@pytest.mark.parametrize(
    ("again", "missed"),
    [
        (("Read", {"file_path": "/srv/app.py"}, FILE), True),
        (("Bash", {"command": "cat /srv/app.py"}, FILE.replace("\t", "  ")), True),
        (("Read", {"file_path": "/srv/app.py", "offset": 40}, FURTHER), False),
        (("Read", {"file_path": "/srv/other.py"}, FILE), False),
        (("Bash", {"command": "wc -l /srv/app.py"}, "39 /srv/app.py"), False),
    ],
    ids=["the same read", "by another tool", "its next page", "another file", "something else of it"],
)
def test_a_file_is_missed_if_its_lines_are_read_again(again: Step, missed: bool) -> None:
    assert first(READ, again).missed is missed


@pytest.mark.parametrize("between", [0, MISSED_WITHIN - 1, MISSED_WITHIN])
def test_the_same_command_means_it_for_a_few_turns(between: int) -> None:
    """Later there are other reasons to run it again."""
    assert first(TESTS, *[OTHER] * between, TESTS).missed is (between < MISSED_WITHIN)


@pytest.mark.parametrize(
    ("step", "spoilt"),
    [
        (edit(NOT_FOUND), True),
        (edit("<tool_use_error>File has been modified since read</tool_use_error>"), True),
        (edit("The file has been updated."), False),
        (edit(NOT_FOUND, "/srv/other.py"), False),
        (
            ("str_replace_editor", {"command": "str_replace", "path": "/srv/app.py"}, "No replacement was performed"),
            True,
        ),
        (("str_replace_editor", {"command": "view", "path": "/srv/app.py"}, "Error: no such file"), False),
    ],
    ids=["no match", "refused", "done", "of another file", "by command", "no edit"],
)
def test_an_edit_that_fails_on_the_file_is_a_miss(step: Step, spoilt: bool) -> None:
    assert first(READ, OTHER, step).missed is spoilt


@pytest.mark.parametrize(
    "text",
    [
        "Exit code 1\nFAILED tests/test_app.py",
        "Error: cannot find module",
        "Traceback (most recent call last):\n  File",
        "Wall time: 1.0 seconds\nProcess exited with code 2\nOutput:\n",
        "<returncode>1</returncode>\n<output>",
    ],
)
def test_an_error_right_behind_is_told_by_how_it_begins(text: str) -> None:
    failed: Step = ("Bash", {"command": "make"}, text)
    assert first(READ, failed).error
    assert not first(READ, OTHER, failed).error
    assert not first(READ, ("Bash", {"command": "make"}, f"all is well\n{text}")).error


def test_an_error_right_behind_is_told_by_its_mark() -> None:
    assert first(READ, OTHER, error=1).error
    assert not first(READ, OTHER, error=0).error


def test_what_came_again_is_measured() -> None:
    assert first(READ, READ).brought > 100
    assert first(READ, edit(NOT_FOUND)).brought == 0
