"""What a client puts around an output stays verbatim; only the output inside is looked at."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.framing import unframe

OUTPUT = "line 1\n\nline 2"
CODEX = (
    "Chunk ID: 8a1b\nWall time: 0.0512 seconds\nProcess exited with code 0\nOriginal token count: 3\nOutput:\n",
    "",
)
FRAMES = {
    "none": ("", ""),
    "codex": CODEX,
    "codex, running": ("Wall time: 10 seconds\nProcess running with session ID 7\nOutput:\n", ""),
    "codex, cut": (
        "Wall time: 1 s\nProcess exited with code 0\nOriginal token count: 90\nTotal output lines: 9\n\nOutput:\n",
        "",
    ),
    "codex, old": ("Exit code: 1\nWall time: 0.1 seconds\nTotal output lines: 12\nOutput:\n", ""),
    "codex, code mode": ("Script completed\nWall time 0.1 seconds\nOutput:\n", ""),
    "claude code, failed": ("Exit code 1\n", ""),
    "claude code, reminded": ("", "\n\n<system-reminder>\nThe file is long.\n</system-reminder>\n"),
    "mini-swe-agent": ("<returncode>-9</returncode>\n<output>\n", "\n</output>"),
    "mini-swe-agent, failed": (
        "<exception>timed out</exception>\n<returncode>-1</returncode>\n<output>\n",
        "</output>",
    ),
    "mini-swe-agent, cut": (
        f"<returncode>0</returncode>\n<warning>\n{'It was too long. ' * 40}\n</warning><output_head>\n",
        "\n</output_tail>",
    ),
    "swe-agent": ("OBSERVATION:\n", ""),
    "swe-agent, its prompt": ("", "\n(Open file: n/a)\n(Current directory: /w)\nbash-$"),
    "swe-agent, its viewer": (
        "[File: /w/a.java (659 lines total)]\n(77 more lines above)\n",
        "\n(559 more lines below)\n(Open file: /w/a.java)\n(Current directory: /w)\nbash-$",
    ),
    "swe-agent, its prompt with a session": (
        "",
        "\n(Open file: n/a)\n(Current directory: /w)\n(Interactive session: n/a)\nbash-$",
    ),
    "claude code, kept in a file": (
        "<persisted-output>\nOutput too large (186.3KB). Full output saved to: /w/a.txt\n\nPreview (first 2KB):\n",
        "\n...\n</persisted-output>",
    ),
    "openhands, old": ("OBSERVATION:\n", "\n[Command -1 finished with exit code 0]"),
    "hermes": ("<tool_response>\n", "\n</tool_response>"),
    "function results": (
        "<function_results>\n<result>\n<stdout>\n",
        "\n</stdout>\n</result>\n</function_results>",
    ),
    "terminus": ("Previous response had warnings:\nWARNINGS: - Extra text\n\nNew Terminal Output:\n", ""),
    "aider": ("I ran this command:\n\npytest -q\n\nAnd got this output:\n\n", ""),
    "roo": (
        "[execute_command for 'ls -R'] Result:\nCommand executed in terminal 1 within '/w'. Exit code: 0\nOutput:\n",
        "",
    ),
    "cline, in a block of its own": ("Command executed.\nOutput:\n", ""),
    "cline": ("[read_file for 'a.ts'] Result:\n", ""),
    "stdout": ("<stdout>\n", "\n</stdout>"),
    "stdout and stderr": (
        "<bash_output>\n<stdout>\n",
        "\n</stdout>\n<stderr>\nwarning: slow\n</stderr>\n</bash_output>",
    ),
    "claude code, in the background": (
        "<retrieval_status>success</retrieval_status>\n\n<task_id>b1</task_id>\n\n<exit_code>0</exit_code>\n\n<output>\n",
        "\n</output>",
    ),
    "claude code, a background shell": (
        "<status>completed</status>\n\n<exit_code>0</exit_code>\n\n<stdout>\n",
        "\n</stdout>\n\n<timestamp>2025-11-22T10:00:00.000Z</timestamp>",
    ),
    "gemini": (
        "Command: ls -R | \\\n  head\nDirectory: (root)\nOutput: ",
        "\nError: (none)\nExit Code: 0\nSignal: (none)\nBackground PIDs: (none)\nProcess Group PGID: 4711",
    ),
    "gemini, short": ("Output: ", "\nProcess Group PGID: 4711"),
    "opencode, timed out": ("", "\n\n<bash_metadata>\nterminated after 120000 ms\n</bash_metadata>"),
    "codex, the middle cut": ("Total output lines: 900\n\n", ""),
    "fenced": ("```sh\n", "\n```"),
    "with its prompt": ("$ ls -R\n", ""),
    "a screen cleared": ("\x1b[H\x1b[2J", ""),
    "one in the other": ("Exit code 1\n<stdout>\n", "\n</stdout>"),
    "openhands, without function calling": ("EXECUTION RESULT of [execute_bash]:\n", ""),
    "openhands": (
        "",
        "\n[The command completed with exit code 0.]\n[Current working directory: /w]\n[Python Interpreter: /p]",
    ),
}


@pytest.mark.parametrize("output", [OUTPUT, "", '{"a": [1, 2]}'], ids=["lines", "nothing", "json"])
@pytest.mark.parametrize("name", FRAMES)
def test_the_output_is_found(name: str, output: str) -> None:
    head, tail = FRAMES[name]
    assert unframe(f"{head}{output}{tail}") == (head, output, tail)


def test_what_ends_colours_is_no_output_and_colours_are() -> None:
    assert unframe("\x1b[0m\x1b[31mred\x1b[0m\n") == ("\x1b[0m", "\x1b[31mred", "\x1b[0m\n")


@pytest.mark.parametrize("name", [name for name in FRAMES if name != "none"])
def test_what_stands_in_the_middle_is_no_frame(name: str) -> None:
    """An output that shows a frame, say of a log of such outputs, is an output."""
    head, tail = FRAMES[name]
    text = f"first\n{head}{OUTPUT}{tail}\nlast"
    assert unframe(text) == ("", text, "")


@pytest.mark.parametrize("name", FRAMES)
def test_a_long_output_changes_nothing(name: str) -> None:
    head, tail = FRAMES[name]
    assert unframe(head + OUTPUT * 10_000 + tail) == (head, OUTPUT * 10_000, tail)


PIECES = sorted({piece for frame in FRAMES.values() for piece in frame if piece} | {OUTPUT, "\n", "\0", "\ud800", "]"})


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=8).map("".join))
def test_the_pieces_are_the_text(text: str) -> None:
    """However frames are stacked, cut or repeated, nothing is lost and nothing twice."""
    assert "".join(unframe(text)) == text


def _seconds(text: str) -> float:
    """The best of a few runs, so that a busy machine does not count."""
    runs = []
    for _ in range(5):
        begun = time.thread_time()
        unframe(text)
        runs.append(time.thread_time() - begun)
    return min(runs)


@pytest.mark.parametrize(
    "unit",
    [
        "Wall time: ",
        "\n",
        "]\n[Command finished",
        "\n\n<system-reminder>\n",
        "\n</output>",
        "</stdout> ",
        "Exit code 1\n",
    ],
    ids=repr,
)
def test_the_cost_does_not_grow_with_the_text(unit: str) -> None:
    """Only the ends are searched: a text a hundred times as long takes no hundred times as long."""
    assert _seconds(unit * 400_000 + "x") < 60 * _seconds(unit * 4_000 + "x") + 0.05
