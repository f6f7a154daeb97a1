"""What a conversation has left behind: asked for again since, or large, old, and never come back to."""

from typing import Any

import pytest
from sample_conversations import ANTHROPIC, asked, body

from headroom_mitm.file_reads import path_of
from headroom_mitm.old_results import LARGE, TURNS, left_behind, rendered, shortened
from headroom_mitm.router import raw
from headroom_mitm.segments import Prompt
from headroom_mitm.wording import TOOL_NAME

Turn = tuple[str, dict[str, Any], str]


def lines(count: int, seed: str = "plain") -> str:
    """Return words of which none is a name or a number of its own."""
    return "\n".join(f"{seed} words that nobody will ever come back to later {'x' * (n % 7)}" for n in range(count))


LONG = lines(120) + "\n/srv/data/only_here.txt 48151623\ndone"


def prompt(*turns: Turn, said: str = "I go on.", is_error: bool = False) -> Prompt:
    messages = asked()
    for number, (tool, given, text) in enumerate(turns):
        call = {"type": "tool_use", "id": f"call_{number}", "name": tool, "input": given}
        text_before = {"type": "text", "text": said if number else "I begin."}
        messages.append({"role": "assistant", "content": [text_before, call]})
        back = {"type": "tool_result", "tool_use_id": f"call_{number}", "content": text, "is_error": is_error}
        messages.append({"role": "user", "content": [back]})
    return ANTHROPIC.read(body(messages))


def ran(command: str, text: str = LONG) -> Turn:
    return "Bash", {"command": command}, text


def read(path: str, text: str = LONG) -> Turn:
    return "Read", {"file_path": path}, text


REST = [ran(f"step {chr(97 + number)}", lines(8, f"step {chr(97 + number)}")) for number in range(TURNS + 1)]


def found(of: Prompt) -> tuple[set[int], set[int]]:
    known = {segment.key: raw(segment, "sent before") for segment in of.segments}
    behind = left_behind(of, known)
    return set(behind.gone), set(behind.old)


@pytest.mark.parametrize(
    ("turns", "more", "gone", "old"),
    [
        ([ran("make"), *REST], {}, {0}, set()),
        ([ran("make"), *REST[:-1]], {}, set(), set()),
        ([ran("make"), *REST], {"said": "It is in /srv/data/only_here.txt now."}, set(), {0}),
        ([ran("make"), *REST], {"said": "Number 48151623 it is."}, set(), {0}),
        ([ran("make"), *REST], {"is_error": True}, set(), set()),
        ([ran("make"), ran("make", LONG + " again")], {}, {0}, set()),
        ([read("/srv/a.py"), *REST], {}, set(), {0}),
        ([read("/srv/a.py"), *REST, ran("edit /srv/a.py", "ok")], {}, set(), set()),
        ([read("/srv/a.py"), read("/srv/a.py", LONG + " changed")], {}, {0}, set()),
        ([read("/srv/a.py"), read("/srv/a.py", "only a few other lines of it\n" * 20)], {}, set(), set()),
    ],
    ids=[
        "never come back to",
        "too new",
        "a path is taken up",
        "a number is taken up",
        "an error",
        "run again",
        "a file",
        "a file that is worked on",
        "read again",
        "other lines of it read",
    ],
)
def test_only_what_is_left_behind_is_found(
    turns: list[Turn], more: dict[str, Any], gone: set[int], old: set[int]
) -> None:
    assert found(prompt(*turns, **more)) == (gone, old)


def test_what_another_text_is_told_against_stays() -> None:
    of = prompt(ran("make"), ran("make", LONG + " again"), *REST)
    first, second, *rest = of.segments
    known = {segment.key: raw(segment, "sent before") for segment in rest}
    known |= {first.key: raw(first, "sent before"), second.key: raw(second, "told")}
    told = known[second.key]
    known[second.key] = type(told)(*(getattr(told, name) for name in told.__slots__[:-1]), base=first.key)
    assert 0 not in left_behind(of, known).gone


def test_parallel_calls_are_one_turn() -> None:
    """Many results of one answer do not make those before them old."""
    messages = asked()
    for group in ([ran("make")], REST):
        calls = [
            {"type": "tool_use", "id": f"{command['command']}", "name": tool, "input": command}
            for tool, command, _ in group
        ]
        backs = [
            {"type": "tool_result", "tool_use_id": f"{command['command']}", "content": text}
            for _, command, text in group
        ]
        messages += [{"role": "assistant", "content": calls}, {"role": "user", "content": backs}]
    assert found(ANTHROPIC.read(body(messages))) == (set(), set())


def test_what_is_left_says_how_it_began_ended_and_failed() -> None:
    text = "\n".join(["$ make all", *["compiling"] * 40, "app.c:7: error: no ;", *["compiling"] * 40, "2 failed", ""])
    assert str(shortened(text, "0123abcd", of_file=False)).split("\n") == [
        "$ make all",
        f"[Left out here, not missing: lines 2-41, 43-81 of 84, an old result. To read it: {TOOL_NAME}, id=0123abcd]",
        "app.c:7: error: no ;",
        "[… lines 43-81 …]",
        "compiling",
        "2 failed",
        "",
    ]


def test_of_a_file_the_first_line_stays() -> None:
    form = shortened("import os\n" + "raise ValueError('error')\n" * 30, "0123abcd", of_file=True)
    assert form is not None
    assert form.split("\n")[0] == "import os"
    assert len(form.split("\n")) == 2


@pytest.mark.parametrize(
    "text",
    ["one line", "\n".join(["an error"] * 60), "x" * 301 + "\n" + "word\n" * 60, "short\n" * 6],
    ids=["nothing to leave out", "all trouble", "a long first line", "too little to save"],
)
def test_what_would_hide_something_stays(text: str) -> None:
    (segment,) = prompt(ran("make", text.ljust(LARGE))).segments
    assert rendered(segment, text, of_file=False) is None


def test_the_original_is_named_by_its_key() -> None:
    (segment,) = prompt(ran("make")).segments
    rendering = rendered(segment, LONG, of_file=False)
    assert rendering is not None
    assert not rendering.lossless
    assert f"id={rendering.id}]" in str(rendering.text)
    assert rendering.original == segment.digest
    assert rendering.tokens_after < rendering.tokens_before / 5


def test_the_samples_are_what_they_say() -> None:
    calls = prompt(read("/srv/a.py"), ran("make")).calls
    assert [bool(path_of(call)) for call in calls.values()] == [True, False]
