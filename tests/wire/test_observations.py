"""Outputs in the user's place are read like results, where a frame and a command prove them; people's words are not."""

import json
import time
from typing import Any

import pytest

from headroom_mitm.segments import Prompt, Role
from headroom_mitm.wire import BY_NAME, document
from headroom_mitm.wire.base import Wire

ANTHROPIC, CHAT = BY_NAME["anthropic_messages"], BY_NAME["openai_chat"]
WIRES = pytest.mark.parametrize("wire", BY_NAME.values(), ids=lambda wire: wire.name)
MESSAGES = {"openai_responses": "input", "gemini_generate": "contents"} | dict.fromkeys(
    ("anthropic_messages", "openai_chat"), "messages"
)
TASK = {"role": "user", "content": "Find the fault."}
OUTPUT = "validators.py\ntest_validators.py"
FENCE = "THOUGHT: I look.\n\n```bash\nls -R\n```"
XML = "I look.\n\n<function=bash>\n<parameter=command>ls -R</parameter>\n</function>"
MINI = f"<returncode>0</returncode>\n<output>\n{OUTPUT}\n</output>"
SPOKEN = {
    "mini-swe-agent": (FENCE, MINI, "bash", "ls -R"),
    "mini-swe-agent, version 2": (
        "I look.\n```mswea_bash_command\nls -R\n```\n",
        f"<exception>timed out</exception>\n<returncode>-1</returncode>\n<output>\n{OUTPUT}</output>",
        "bash",
        "ls -R",
    ),
    "mini-swe-agent, cut": (
        FENCE,
        (
            "<returncode>0</returncode>\n<warning>\nThe output was too long.\n</warning><output_head>\nvalidators.py\n"
            "</output_head>\n<elided_chars>\n9 characters elided\n</elided_chars>\n<output_tail>\nb.py\n</output_tail>"
        ),
        "bash",
        "ls -R",
    ),
    "SWE-agent": (XML, f"OBSERVATION:\n{OUTPUT}", "bash", "ls -R"),
    "SWE-agent, its editor": (
        (
            "<function=str_replace_editor>\n<parameter=command>view</parameter>\n<parameter=path>/w/a.py</parameter>\n"
            "<parameter=view_range>[1, 9]</parameter>\n</function>"
        ),
        f"OBSERVATION:\nHere's the result of running `cat -n` on /w/a.py:\n     1\t{OUTPUT}",
        "str_replace_editor",
        "view /w/a.py [1, 9]",
    ),
    "SWE-agent, its viewer": (
        "I open it.\n```\nopen src/A.java 93\n```",
        (
            "[File: /w/src/A.java (95 lines total)]\n(77 more lines above)\n78: */\n(17 more lines below)\n"
            "(Open file: /w/src/A.java)\n(Current directory: /w)\nbash-$"
        ),
        "bash",
        "open src/A.java 93",
    ),
    "OpenHands": (
        "<function=execute_bash>\n<parameter=command>\nls -R\n</parameter>\n</function>",
        f"EXECUTION RESULT of [execute_bash]:\n{OUTPUT}\n[The command completed with exit code 0.]",
        "execute_bash",
        "ls -R",
    ),
    "OpenHands, old": ("<execute_bash>\nls -R\n</execute_bash>", f"OBSERVATION:\n{OUTPUT}", "execute_bash", "ls -R"),
    "Hermes": (
        '<tool_call>\n{"name": "list", "arguments": {"path": "/w"}}\n</tool_call>',
        f"<tool_response>\n{OUTPUT}\n</tool_response>",
        "list",
        "/w",
    ),
    "function results": (
        "<function_calls>\n<invoke>\n<tool_name>sh</tool_name>\n<parameters>\n<command>ls -R</command>\n</parameters>",
        (
            f"<function_results>\n<result>\n<tool_name>sh</tool_name>\n<stdout>\n{OUTPUT}\n</stdout>\n</result>\n"
            "</function_results>"
        ),
        "sh",
        "ls -R",
    ),
    "an invoked function": (
        '<function_calls>\n<invoke name="sh">\n<parameter name="command">ls -R</parameter>\n</invoke>',
        f"<function_results>\n<result>\n<output>\n{OUTPUT}\n</output>\n</result>\n</function_results>",
        "sh",
        "ls -R",
    ),
    "smolagents": ("<code>\nprint(ls())\n</code>", f"Observation:\nExecution logs:\n{OUTPUT}", "code", "print(ls())"),
    "Terminus": (
        '{"analysis": "", "commands": [{"keystrokes": "ls -R\\n", "duration": 0.1}]}',
        f"New Terminal Output:\n{OUTPUT}",
        "bash",
        "ls -R\\n",
    ),
    "Aider": (
        "Let me see.\n\n```bash\nls -R\n```",
        f"I ran this command:\n\nls -R\n\nAnd got this output:\n\n{OUTPUT}\n",
        "bash",
        "ls -R",
    ),
    "Cline": (
        "<read_file>\n<path>src/a.ts</path>\n</read_file>",
        f"[read_file for 'src/a.ts'] Result:\n{OUTPUT}",
        "read_file",
        "src/a.ts",
    ),
}


def prompt(wire: Wire, *messages: dict[str, Any]) -> Prompt:
    body = {MESSAGES[wire.name]: [FORMS.get(wire.name, dict)(message) for message in (TASK, *messages)]}
    return wire.read(json.dumps({"model": "m", **body}).encode())


def item(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message as the Responses have it."""
    content = message["content"]
    kind = "output_text" if message["role"] == "assistant" else "input_text"
    parts = [part | {"type": kind} for part in content] if isinstance(content, list) else content
    return {"type": "message", "role": message["role"], "content": parts}


def contents(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message as Gemini has it."""
    content = message["content"]
    texts = [part["text"] for part in content] if isinstance(content, list) else [content]
    role = "model" if message["role"] == "assistant" else "user"
    return {"role": role, "parts": [{"text": text} for text in texts]}


def said(text: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def handed(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


FORMS = {"openai_responses": item, "gemini_generate": contents}


@WIRES
@pytest.mark.parametrize(("command", "output", "name", "subject"), SPOKEN.values(), ids=SPOKEN.keys())
def test_an_output_is_a_result_of_the_command_before_it(
    wire: Wire, command: str, output: str, name: str, subject: str
) -> None:
    found = prompt(wire, said(command), handed(output))
    (segment,) = found.segments
    assert (segment.role, segment.newest, document.string(found.body, segment.span)) == (Role.USER, True, output)
    call = found.calls[segment.call_id]
    assert (call.name, call.subject) == (name, subject)


WORDS = {
    "no command": ("I have an idea. What do you think of it?", MINI),
    "a fence that is not run": ("It prints this:\n```json\n{}\n```", MINI),
    "an empty fence": ("```bash\n```", MINI),
    "no frame": (FENCE, f"I ran it and got this:\n{OUTPUT}"),
    "words behind the frame": (FENCE, f"{MINI}\nWhy are there two?"),
    "words before the frame": (FENCE, f"Why are there two?\n{MINI}"),
    "half a frame": (FENCE, f"<returncode>0</returncode>\n<output>\n{OUTPUT}"),
    "another end": (FENCE, f"<tool_response>\n{OUTPUT}\n</output>"),
    "an answer of a person": (
        "<ask_followup_question>\n<question>Which?</question>\n</ask_followup_question>\n```\nls\n```",
        "[ask_followup_question for 'Which?'] Result:\n<answer>\nThe first one.\n</answer>",
    ),
    "an output and what a person said": (
        FENCE,
        f"[execute_command for 'ls'] Result:\n{OUTPUT}\nThe user provided the following feedback:\nStop.",
    ),
    "a refusal": (FENCE, "Command not executed. The user rejected your command with the following message: no"),
}


@WIRES
@pytest.mark.parametrize(("command", "output"), WORDS.values(), ids=WORDS.keys())
def test_what_people_say_is_never_read(wire: Wire, command: str, output: str) -> None:
    assert prompt(wire, said(command), handed(output)).segments == ()


@WIRES
def test_the_first_message_is_never_read(wire: Wire) -> None:
    assert prompt(wire, handed(MINI), said(FENCE)).segments == ()


@WIRES
def test_each_answer_stands_for_itself(wire: Wire) -> None:
    """A command further up proves nothing; one and the same message may bring outputs and words."""
    assert prompt(wire, said(FENCE), said("Done."), handed(MINI)).segments == ()
    parts = [{"type": "text", "text": text} for text in ("Why?", MINI, "Go on.")]
    (segment,) = prompt(wire, said(FENCE), handed(parts)).segments
    assert segment.part == 1


@WIRES
def test_an_output_keeps_its_name_wherever_it_stands(wire: Wire) -> None:
    """In a fork, behind a cut-off past, with the command in a list, with another marker."""
    turn = said(FENCE), handed(MINI)
    (alone,) = prompt(wire, *turn).segments
    *_, later = prompt(wire, said("```bash\npwd\n```"), handed(MINI), *turn).segments
    marked = [{"type": "text", "text": FENCE, "cache_control": {"type": "ephemeral"}}]
    (listed,) = prompt(wire, said(marked), turn[1]).segments
    (other,) = prompt(wire, said(FENCE.replace("ls", "cat")), turn[1]).segments
    assert alone.key == later.key == listed.key != other.key


def test_declared_tools_and_their_results_come_first() -> None:
    """A message that calls a tool holds no other command; its results keep their ids."""
    call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": OUTPUT}
    blocks = [result, {"type": "text", "text": MINI}]
    found = prompt(ANTHROPIC, said([{"type": "text", "text": FENCE}, call]), handed(blocks))
    assert [(segment.call_id, segment.role) for segment in found.segments] == [("t1", Role.TOOL)]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (["[execute_command for 'ls'] Result:", OUTPUT, "<environment_details>\n</environment_details>"], [1]),
        (["[execute_command for 'ls'] Result:", "The user denied this operation."], []),
        (["[execute_command for 'ls'] Result:", f"{OUTPUT}\n<feedback>\nNo.\n</feedback>"], []),
        ([OUTPUT, "[execute_command for 'ls'] Result:"], []),
    ],
    ids=["an output", "a refusal", "an answer of a person", "a label behind"],
)
def test_a_label_may_stand_in_a_block_of_its_own(content: list[str], parts: list[int]) -> None:
    """As Cline writes it, where the block behind may also hold what a person said."""
    command = said("<execute_command>\n<command>ls</command>\n</execute_command>")
    blocks = [{"type": "text", "text": text} for text in content]
    assert [segment.part for segment in prompt(ANTHROPIC, command, handed(blocks)).segments] == parts


@pytest.mark.parametrize(
    "unit", ["```bash\n", "<function=a>", "<parameter=a>", "<tool_call>{", "<a_b><path>", '"keystrokes": "\\', "<code>"]
)
def test_the_cost_grows_with_the_text_at_most(unit: str) -> None:
    def seconds(count: int) -> float:
        runs = []
        for _ in range(3):
            begun = time.thread_time()
            prompt(CHAT, said(unit * count), handed(MINI))
            runs.append(time.thread_time() - begun)
        return min(runs)

    assert seconds(40_000) < 60 * seconds(4_000) + 0.05
