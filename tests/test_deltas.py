"""A result that repeats an earlier one says only what changed, and a reader can put it together again exactly."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_compressors import SMALL, Shorten, rows

from headroom_mitm import deltas
from headroom_mitm.aligner import Aligner
from headroom_mitm.pipeline import Pipeline, Policy, Ticket
from headroom_mitm.roundtrip.rounds import Retold
from headroom_mitm.router import Router
from headroom_mitm.store import open_store
from headroom_mitm.wire.anthropic_messages import AnthropicMessages

WIRE = AnthropicMessages()
NO_COMPRESSORS = Router(())
FILE = "\n".join(f"def function_{number}(argument): return argument * {number * 7919 % 1009}" for number in range(40))
EDITED = FILE.replace("argument * 0", "argument + 1")


class Talk:
    """A conversation in which a file is read again and again."""

    def __init__(self, tmp_path: Any, router: Router = NO_COMPRESSORS) -> None:
        store = open_store(str(tmp_path / "s.sqlite"))
        self.pipeline = Pipeline(Aligner(store, lambda: 0.0), router, Retold(store, lambda: 0.0))
        self.more: dict[str, Any] = {}
        self.messages: list[dict[str, Any]] = [{"role": "user", "content": "Go on."}]

    def read(self, call_id: str, text: str, name: str = "Read", **arguments: str) -> None:
        call = {"type": "tool_use", "id": call_id, "name": name, "input": arguments or {"file_path": "/a/b.py"}}
        self.messages.append({"role": "assistant", "content": [call]})
        self.messages.append(
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": text}]}
        )

    def read_at_once(self, *results: tuple[str, str]) -> None:
        """Add calls that the model has made side by side."""
        calls = [{"type": "tool_use", "id": name, "name": "Read", "input": {"file_path": "/a"}} for name, _ in results]
        blocks = [{"type": "tool_result", "tool_use_id": name, "content": text} for name, text in results]
        self.messages += [{"role": "assistant", "content": calls}, {"role": "user", "content": blocks}]

    def send(self, policy: Policy | None = None) -> dict[str, str]:
        """Send the request; return what left for each call."""
        policy = policy or Policy(answerable=False)
        body = json.dumps({"model": "m", "messages": self.messages, **self.more}).encode()
        prompt, plan = self.pipeline.plan(WIRE, body, policy)
        outcome = self.pipeline.complete(WIRE, prompt, plan, policy, Ticket())
        assert outcome is not None
        blocks = [
            b for m in json.loads(outcome.body)["messages"] if isinstance(m["content"], list) for b in m["content"]
        ]
        return {block["tool_use_id"]: block["content"] for block in blocks if block["type"] == "tool_result"}


def applied(old: str, diff: list[str]) -> str:
    """Apply a unified diff, trusting nothing but its own line numbers."""
    source, result, at = old.split("\n"), [], 0
    for line in diff:
        if match := re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", line):
            start = int(match[1]) - (match[2] != "0")
            result += source[at:start]
            at = start
        elif line.startswith("+"):
            result.append(line[1:])
        else:
            assert source[at] == line[1:]
            result += [line[1:]] if line.startswith(" ") else []
            at += 1
    return "\n".join(result + source[at:])


def test_what_is_read_again_unchanged_is_a_reference(tmp_path: Any) -> None:
    """The second result names the first call and says how many lines are the same."""
    talk = Talk(tmp_path)
    talk.read("c1", FILE)
    talk.send()
    talk.read("c2", FILE)
    left = talk.send()
    assert left["c1"] == FILE
    assert left["c2"] == '[Unchanged, all 40 lines: the same text as the result above of Read "/a/b.py".]'


def test_what_changed_is_a_diff_against_a_text_that_stands_above(tmp_path: Any) -> None:
    """A third reading is told against the first one, since the second is a diff itself."""
    talk = Talk(tmp_path)
    third = EDITED.replace("function_30", "renamed_30")
    for call_id, text in (("c1", FILE), ("c2", EDITED), ("c3", third)):
        talk.read(call_id, text)
        left = talk.send()
    assert left["c1"] == FILE
    for call_id, text in (("c2", EDITED), ("c3", third)):
        head, *diff = left[call_id].split("\n")
        assert 'Read "/a/b.py"' in head
        assert applied(FILE, diff) == text


def test_it_stays_the_same_in_every_later_request(tmp_path: Any) -> None:
    """A delta is a decision like any other: replayed."""
    talk = Talk(tmp_path)
    for call_id in ("c1", "c2"):
        talk.read(call_id, FILE)
        first = talk.send()
    talk.read("c3", "something else " * 40, name="Bash", command="ls")
    assert {key: talk.send()[key] for key in first} == first


def test_without_the_text_it_rests_on_it_is_whole_again(tmp_path: Any) -> None:
    """A client that cuts off its past gets the text; one that goes back to the longer past gets the delta again."""
    talk = Talk(tmp_path)
    for call_id in ("c1", "c2"):
        talk.read(call_id, FILE)
        talk.send()
    whole = list(talk.messages)
    talk.messages = [talk.messages[0], *talk.messages[3:]]
    assert talk.send() == {"c2": FILE}
    assert talk.send() == {"c2": FILE}
    talk.messages = whole
    assert talk.send()["c2"].startswith("[Unchanged")


def test_two_calls_of_one_kind_are_told_apart(tmp_path: Any) -> None:
    """Where there were several such calls before, the reference says which one is meant."""
    talk = Talk(tmp_path)
    other = "\n".join(f"quite another text, number {number}" for number in range(40))
    for call_id, text in (("c1", FILE), ("c2", other), ("c3", other)):
        talk.read(call_id, text)
        left = talk.send()
    assert left["c2"] == other
    assert "number 2 of 2 so far" in left["c3"]


def test_other_calls_errors_and_excluded_kinds_are_left_alone(tmp_path: Any) -> None:
    """Unchanged is said of the same call, or the same file, only; an error is never a base and never a delta."""
    talk = Talk(tmp_path)
    talk.read("c1", FILE)
    talk.send()
    talk.read("c2", FILE, file_path="/other.py")
    first, note, last = talk.send()["c2"].split("\n")
    assert (first, last) == (FILE.split("\n")[0], FILE.split("\n")[-1])
    where = 'the result above of Read "/a/b.py"'
    assert note == f"[The same 38 lines as between these two in {where}.]"
    talk.read("c3", FILE)
    talk.messages[-1]["content"][0]["is_error"] = True
    assert talk.send()["c3"] == FILE
    talk.read("c4", FILE)
    assert talk.send(Policy(excludes=lambda name: name == deltas.NAME))["c4"] == FILE


def test_lines_of_a_file_that_stand_above_are_not_said_again(tmp_path: Any) -> None:
    """Other lines of a file, or the same lines in another command's output: what is in common is a note."""
    talk = Talk(tmp_path)
    whole = FILE.split("\n")
    talk.read("c1", FILE, name="Bash", command="cat /a/b.py")
    talk.send()
    talk.read("c2", "\n".join(["Found:", *whole[5:30], "one more line"]), name="Bash", command="grep -A 25 def /a/b.py")
    head, first, note, last, tail = talk.send()["c2"].split("\n")
    assert (head, first, last, tail) == ("Found:", whole[5], whole[29], "one more line")
    assert note.startswith("[The same 23 lines")
    assert 'Bash "cat /a/b.py"' in note


def test_what_is_gone_is_not_said_at_length(tmp_path: Any) -> None:
    """Where a diff would be mostly what is not there any more, notes say what is still the same."""
    talk = Talk(tmp_path)
    talk.read("c1", FILE, name="Bash", command="make check")
    talk.send()
    lines = FILE.split("\n")
    talk.read("c2", "\n".join([*lines[:12], "all is well now", *lines[30:]]), name="Bash", command="make check")
    left = talk.send()["c2"]
    assert "all is well now" in left.split("\n")
    assert left.count("[The same ") == 2
    assert lines[20] not in left


def test_what_clients_write_around_an_output_is_said_each_time(tmp_path: Any) -> None:
    """Times and exit codes are new in each result; the output inside is the same."""
    talk = Talk(tmp_path)
    for call_id, seconds in (("c1", 1), ("c2", 2)):
        frame = f"Wall time: {seconds} seconds\nProcess exited with code 0\nOutput:\n"
        talk.read(call_id, frame + FILE)
        left = talk.send()[call_id]
    assert left.startswith(f"{frame}[Unchanged, all 40 lines")


def test_a_file_that_a_shell_read_is_the_same_file(tmp_path: Any) -> None:
    """``cat`` and a reading tool name one file."""
    talk = Talk(tmp_path)
    talk.read("c1", FILE, name="Bash", command="cat /a/b.py")
    talk.send()
    talk.read("c2", FILE)
    assert 'Bash "cat /a/b.py"' in talk.send()["c2"]


def numbered(text: str) -> str:
    return "\n".join(f"{number:>6}\t{line}" for number, line in enumerate(text.split("\n"), 1))


def test_line_numbers_are_aside(tmp_path: Any) -> None:
    """A line put into a numbered file changes the number of every line below: the diff says the line alone."""
    talk = Talk(tmp_path)
    longer = FILE.replace("def function_20", "# new\ndef function_20")
    for call_id, text in (("c1", numbered(FILE)), ("c2", numbered(longer))):
        talk.read(call_id, text)
        left = talk.send()
    head, *diff = left["c2"].split("\n")
    assert "line numbers aside" in head
    assert numbered(applied(FILE, diff)) == numbered(longer)
    assert [line for line in diff if line[0] in "+-"] == ["+# new"]


def test_a_base_whose_numbers_are_left_out_still_stands(tmp_path: Any) -> None:
    """Every line of it is verbatim, so a reference to it holds in the next request, too."""
    talk = Talk(tmp_path, Router())
    for call_id in ("c1", "c2"):
        talk.read(call_id, numbered(FILE))
        left = talk.send()
    assert left["c1"].startswith("[Numbered at declarations and every 20th line.]")
    assert left["c2"].startswith("[Unchanged")
    assert talk.send() == left


def test_what_a_base_names_by_its_numbers_is_no_passage_there(tmp_path: Any) -> None:
    """A reader looks for the first and the last line of a passage, and finds them where they are shown."""
    talk = Talk(tmp_path, Router())
    lines = [f"{line}  # {'as it says ' * 20}" for line in FILE.split("\n")]
    talk.read("c1", numbered("\n".join([*lines, *lines[8:16], *lines[:4]])))
    assert "[41-48: same as 9-16]" in talk.send()["c1"]
    talk.read("c2", "\n".join(["new", *lines[8:16], *lines[:2], "newer"]), command="cat c2", name="Bash")
    assert "\n".join(["new", lines[8], "[The same 6 lines as between these two in"]) in talk.send()["c2"]
    assert "\n".join([lines[15], *lines[:2], "newer"]) in talk.send()["c2"]


def test_a_little_in_common_is_told_where_no_compressor_does_better(tmp_path: Any) -> None:
    """A log of which a few lines stand above has a form of its own; a file of which as many do has none."""
    talk = Talk(tmp_path, Router())
    lines = FILE.split("\n")
    log = "\n".join(
        f"2026-03-01T10:00:{n % 60:02} INFO worker {n} has taken job {n * 7919} off the queue" for n in range(200)
    )
    other = [f"def other_{number}(argument): return {number * 104729 % 1009}" for number in range(80)]
    for call_id, text in (
        ("c1", FILE),
        ("c2", "\n".join([*lines[:20], log])),
        ("c3", "\n".join([*other, *lines[:20]])),
    ):
        talk.read(call_id, text, command=f"make {call_id}", name="Bash")
        left = talk.send()
    assert "[The same " not in left["c2"]
    assert "[The same 18 lines" in left["c3"]
    talk.read("c4", "\n".join(["again:", *other[10:40]]), command="make c4", name="Bash")
    assert "[The same 28 lines" in talk.send()["c4"]


def test_what_an_editor_shows_of_its_own_arguments_is_not_said_again(tmp_path: Any) -> None:
    """The call is in the same request; which argument is meant is said, as others may have such lines, too."""
    lines = FILE.split("\n")
    shown = numbered("\n".join(["import this", *lines[:20], "print(1)"]))
    talk = Talk(tmp_path)
    talk.read(
        "c1", f"Edited:\n{shown}", name="Edit", old_string="\n".join(lines[2:9]), new_string="\n".join(lines[:20])
    )
    said = talk.send()["c1"].split("\n")
    assert said[3:] == [
        f"2\t{lines[0]}",
        "[The same 18 lines as between these two in new_string of the call.]",
        f"21\t{lines[19]}",
        "print(1)",
    ]


def test_a_long_path_is_named_by_the_end_that_no_other_call_has(tmp_path: Any) -> None:
    """A note should not cost as much as what it stands for."""
    talk = Talk(tmp_path)
    paths = ["/srv/work/project/source/one/parts.py", "/srv/work/project/source/two/parts.py"]
    for number, path in enumerate([*paths, paths[0]]):
        talk.read(f"c{number}", FILE if path == paths[0] else FILE.upper(), file_path=path)
        left = talk.send()
    assert left["c2"].endswith('the same text as the result above of Read "…/one/parts.py".]')


@pytest.mark.parametrize(
    ("commands", "named"),
    [
        (["sed -n '1,40p' source/parts.py", "sed -n '1,90p' source/pages.py"], "sed -n '1,40p' source…"),
        (["sed -n '1,40p' source/parts.py", "sed -n '1,40p' source/pages.py"], "sed -n '1,40p' source/parts…"),
        (["grep -rn word a.py", "ls"], "grep -rn word a.py"),
    ],
    ids=["beginning", "longer beginning", "all of a short one"],
)
def test_a_command_is_named_by_the_beginning_that_no_other_call_has(
    tmp_path: Any, commands: list[str], named: str
) -> None:
    talk = Talk(tmp_path)
    for number, command in enumerate([*commands, commands[0]]):
        talk.read(f"c{number}", FILE if command == commands[0] else FILE.upper(), name="Bash", command=command)
        left = talk.send()
    assert left["c2"].endswith(f'the same text as the result above of Bash "{named}".]')


def test_a_result_is_told_against_another_of_the_same_request(tmp_path: Any) -> None:
    """A model that calls tools side by side may read a file twice; a client may send one result twice."""
    talk = Talk(tmp_path)
    talk.read_at_once(("c1", FILE), ("c2", EDITED), ("c1", FILE))
    left = talk.send()
    assert left["c1"] == FILE
    assert 'in the result above of Read "/a".]' in left["c2"]
    assert talk.send() == left


def test_what_another_worker_has_decided_otherwise_meanwhile_is_no_base(tmp_path: Any) -> None:
    """It has written it in another form: then nothing of the same request is told against it."""
    talk, other = Talk(tmp_path), Talk(tmp_path, Router((Shorten(),)))
    first, second = (f"{rows(SMALL)}\n{end}" for end in ("end", "the end"))
    talk.read_at_once(("c1", first), ("c2", second))
    other.read_at_once(("c1", first))
    policy = Policy(answerable=False)
    prompt, plan = talk.pipeline.plan(WIRE, json.dumps({"model": "m", "messages": talk.messages}).encode(), policy)
    shortened = other.send()["c1"]
    outcome = talk.pipeline.complete(WIRE, prompt, plan, policy, Ticket())
    assert outcome is not None
    assert [block["content"] for block in json.loads(outcome.body)["messages"][2]["content"]] == [shortened, second]
    assert talk.send() == {"c1": shortened, "c2": second}


def test_what_the_provider_may_forget_is_no_base(tmp_path: Any) -> None:
    """A client that lets the provider clear old results gets every result whole."""
    talk = Talk(tmp_path)
    talk.more = {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}
    for call_id in ("c1", "c2"):
        talk.read(call_id, FILE)
        left = talk.send()
    assert left == {"c1": FILE, "c2": FILE}


LINES = st.lists(st.sampled_from(["", "a", "b", "c", " a", "+a", "-b", "@@ -1 +1 @@", "x" * 40, "é\r"]), max_size=40)


@given(old=LINES, new=LINES)
def test_a_diff_gives_the_text_back_exactly(old: list[str], new: list[str]) -> None:
    """Whatever the lines look like."""
    before, after = "\n".join(old), "\n".join(new)
    if before == after:
        return
    diff = deltas.diff(before, after)
    assert applied(before, diff) == after
