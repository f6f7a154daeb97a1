"""What clients put around the output of a command: it stays verbatim, only the output inside is looked at.

Agents without function calling put such outputs into what the user says. There the frame is the proof that a machine
wrote the text: ``is_observation``.
"""

import functools
import re
from typing import NamedTuple


class Framed(NamedTuple):
    """A text in three pieces; joined they are the text again."""

    head: str
    payload: str
    tail: str


_CODE = r"(?:<exception>[^<]{0,1000}</exception>\n)?<returncode>-?\d+</returncode>\n"
_CUT = r"(?:<warning>[^<]{1,1500}</warning>\s{0,4})?<output_head>\n?"
_OPEN_FILE = r"\n\(Open file: [^\n]*\)(?:\n\([A-Z][a-z ]{2,30}: [^\n]*\)){1,4}\nbash-\$\s*\Z"
_SHOWN_FILE = r"\[File: [^\n]* \(\d+ lines total\)\]\r?\n(?:\(\d+ more lines? above\)\r?\n)?"
LABEL = r"\[(?!ask_|attempt_)[a-z_]{3,40}(?: for '[^\n]{1,800})?\] Result:"
"""In front of an output, or in a block of its own in front of it; what people answer when asked is none."""
_EXECUTED = r"Command executed[^\n]{0,400}\nOutput:\n"
_SCREEN = r"(?:Previous response had warnings:\n(?:[^\n]+\n){1,8}\n)?(?:New Terminal Output|Current Terminal Screen):\n"
_FUNCTION_RESULT = r"<function_results>\s?<result>\s?(?:<tool_name>[^<\n]*</tool_name>\s?)?<(?:stdout|output)>\n?"

# What agents write around an output in the user's place, beginning and end. Both must be there.
_OBSERVATIONS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(head), re.compile(tail))
    for head, tail in (
        (rf"{_CODE}<output>\n?", r"\n?</output>\s*\Z"),  # mini-swe-agent
        (_CODE + _CUT, r"\n?</output_tail>\s*\Z"),  # mini-swe-agent, cut in the middle
        (r"OBSERVATION:\r?\n", ""),  # SWE-agent
        (rf"(?:{_SHOWN_FILE})?", rf"(?:\n\(\d+ more lines? below\))?{_OPEN_FILE}"),  # SWE-agent, with its file viewer
        (r"EXECUTION RESULT of \[[^\]\n]{1,80}\]:\n", ""),  # OpenHands
        (r"<tool_response>\n?", r"\n?</tool_response>\s*\Z"),  # Hermes, Qwen
        (_FUNCTION_RESULT, r"\n?</(?:stdout|output)>\s*</result>\s*</function_results>\s*\Z"),
        (r"Observation:\n", ""),  # smolagents
        (_SCREEN, ""),  # Terminus
        (r"I ran this command:\n\n[^\n]{1,800}\n\nAnd got this output:\n\n", ""),  # Aider
        (LABEL + rf"\n+(?:{_EXECUTED})?", ""),  # Cline, Roo
    )
)

_FIELD = r"<[a-z_-]{2,30}>[^<\n]{0,200}</[a-z_-]{2,30}>"
_TAGS = ("stdout", "output", "result")
_CODES = r"(?:\x1b\[(?:0?m|\?\d{1,4}[hl]|[0-9;]{0,8}[HJK])){1,8}"
"""What clears a screen or ends colours; a colour is part of the output."""

# Anchored, linear, and tried on the beginning only. Each ends where the output begins; the first that fits counts.
_HEADS: tuple[re.Pattern[str], ...] = (
    # Codex: chunk, duration, exit code, size
    re.compile(
        r"(?:Chunk ID: [^\n]*\n)?Wall time: [^\n]*\n(?:Process (?:exited|running) [^\n]*\n)?"
        r"(?:Original token count: \d+\n)?(?:Total output lines: \d+\n\n?)?Output:\n"
    ),
    re.compile(r"(?:Script|Command) completed\nWall time[^\n]*\nOutput:\n+"),  # Codex, code mode
    re.compile(
        r"Exit code:? \d+\n(?:Wall time: [^\n]*\n)?(?:Total output lines: \d+\n)?(?:Output:\n\n?)?"
    ),  # Claude Code, Codex
    re.compile(_SHOWN_FILE),  # SWE-agent
    *(head for head, _ in _OBSERVATIONS if not head.match("")),
    re.compile(rf"(?:{_FIELD}\n{{1,2}}){{0,8}}(?:<bash_output>\n)?<(?:{'|'.join(_TAGS)})>\n"),  # Claude Code and others
    re.compile(_EXECUTED),  # Cline, Roo
    re.compile(r"(?:Command: [\s\S]{1,1500}?\nDirectory: [^\n]*\n)?(?:Output|Stdout): "),  # Gemini CLI
    re.compile(r"(?:Warning: truncated output [^\n]*\n)?Total output lines: \d+\n\n?"),  # Codex, cut
    re.compile(r"```[\w+-]{0,20}\n"),
    re.compile(r"\$ [^\n]{1,500}\n"),  # a prompt
    re.compile(_CODES),
    re.compile(r"<persisted-output>\n[^\n]{1,400}\n\nPreview \(first [^)\n]{1,20}\):\n"),  # Claude Code
)
_HEAD = re.compile("|".join(f"(?:{head.pattern})" for head in _HEADS))
_MAY_BE_HEAD = re.compile(r"[A-Z<`$\x1b]|\[[A-Za-z_]")
"""What each of the heads begins with: most texts begin with something else, or with a bracket and no word."""
_ENDINGS: tuple[re.Pattern[str], ...] = (
    *(tail for _, tail in _OBSERVATIONS if tail.pattern),
    *(
        re.compile(
            rf"\n?</{tag}>(?:\s*<stderr>[^<]{{0,1500}}</stderr>)?(?:\s*{_FIELD}){{0,4}}(?:\s*</bash_output>)?\s*\Z"
        )
        for tag in _TAGS
    ),
    re.compile(
        r"\n(?:(?:Stderr|Error|Exit Code|Signal|Background PIDs): [^\n]*\n){0,5}Process Group PGID: [^\n]*\s*\Z"
    ),
    re.compile(r"\n```\s*\Z"),
    re.compile(rf"{_CODES}\s*\Z"),
    re.compile(r"\n\n<bash_metadata>\n[^<]{1,1000}</bash_metadata>\s*\Z"),  # opencode
    re.compile(r"\n(?:\.\.\.\n)?</persisted-output>\s*\Z"),
    re.compile(
        r"(?:\n\[(?:The command completed with|Command (?:-?\d+ )?finished|Current working directory:"
        r"|(?:Jupyter|Python) [^\]:]{1,40}:)[^\n]*\]){1,4}\s*\Z"
    ),
    re.compile(r"\n\n<system-reminder>\n(?:(?!</system-reminder>)[\s\S]){1,4000}</system-reminder>\s*\Z"),
)
_SIGNS = (
    "</output>",
    "</output_tail>",
    "\n(Open file: ",
    "</tool_response>",
    "</function_results>",
    *(f"</{tag}>" for tag in _TAGS),
    "\nProcess Group PGID: ",
    "\n```",
    "\x1b[",
    "</bash_metadata>",
    "</persisted-output>",
    "\n[",
    "</system-reminder>",
)
"""What each of the endings has in it, whatever else: to look for that takes a hundredth of the time, and for its first
character, white space aside, a tenth of that."""
_TAILS = {
    first: tuple((sign, ending) for sign, ending in zip(_SIGNS, _ENDINGS, strict=True) if sign.lstrip()[0] == first)
    for first in sorted({sign.lstrip()[0] for sign in _SIGNS})
}
_NESTED = 3
"""Heads that may stand one behind the other: an exit code, then a tag."""
_LOOK = 2_000
_LOOK_BACK = 4_200
_REMEMBERED = 200_000  # characters


def unframe(text: str) -> Framed:
    """Split a text into the client's head, the output, and the client's tail; the first and the last may be empty."""
    # Asked for by all who look at a text on its way; only what is large is not worth remembering.
    return _remembered(text) if len(text) <= _REMEMBERED else _split(text)


@functools.lru_cache(maxsize=32)
def _remembered(text: str) -> Framed:
    return _split(text)


def _split(text: str) -> Framed:
    beginning = text[:_LOOK]
    start = 0
    for _ in range(_NESTED):
        head = _HEAD.match(beginning, start) if _MAY_BE_HEAD.match(beginning, start) else None
        if head is None:
            break
        start = head.end()
    # The end is looked for in the last few thousand characters: a search over everything would not be linear.
    offset = max(start, len(text) - _LOOK_BACK)
    ending = text[offset:]
    near = [tail for first, tails in _TAILS.items() if first in ending for tail in tails]
    found = [pattern.search(ending) for sign, pattern in near if sign in ending]
    end = min([match.start() for match in found if match], default=len(ending)) + offset
    return Framed(text[:start], text[start:end], text[end:])


def is_observation(text: str) -> bool:
    """Say whether a text has, from its first character to its last, the form in which an agent hands over an output."""
    beginning, ending = text[:_LOOK], text[-_LOOK_BACK:]
    return any(head.match(beginning) and tail.search(ending) for head, tail in _OBSERVATIONS)
