"""What clients put around the output of a command: it stays verbatim, only the output inside is looked at."""

import re
from typing import NamedTuple


class Framed(NamedTuple):
    """A text in three pieces; joined they are the text again."""

    head: str
    payload: str
    tail: str


# Anchored, linear, and tried on the first 400 characters only. Each ends where the output begins.
_HEADS: tuple[re.Pattern[str], ...] = (
    # Codex: chunk, duration, exit code, size
    re.compile(
        r"(?:Chunk ID: [^\n]*\n)?Wall time: [^\n]*\n(?:Process (?:exited|running) [^\n]*\n)?"
        r"(?:Original token count: \d+\n)?(?:Total output lines: \d+\n\n?)?Output:\n"
    ),
    re.compile(r"(?:Script|Command) completed\nWall time[^\n]*\nOutput:\n+"),  # Codex, code mode
    re.compile(
        r"Exit code:? \d+\n(?:Wall time: [^\n]*\n)?(?:Total output lines: \d+\n)?(?:Output:\n)?"
    ),  # Claude Code, Codex
    re.compile(r"<returncode>-?\d+</returncode>\n<output>\n?"),  # mini-swe-agent
    re.compile(r"OBSERVATION:\r?\n"),  # SWE-agent
    re.compile(r"<stdout>\n?"),
)
_TAILS: tuple[re.Pattern[str], ...] = (
    re.compile(r"\n</output>\s*\Z"),
    re.compile(r"\n?</stdout>\s*\Z"),
    re.compile(
        r"(?:\n\[(?:The command completed with|Current working directory:|Python Interpreter:|Command finished)"
        r"[^\n]*\])"
        r"{1,4}\s*\Z"
    ),
    re.compile(r"\n\n<system-reminder>\n(?:(?!</system-reminder>)[\s\S]){1,4000}</system-reminder>\s*\Z"),
)
_LOOK = 400
_LOOK_BACK = 4_200


def unframe(text: str) -> Framed:
    """Split a text into the client's head, the output, and the client's tail; the first and the last may be empty."""
    start = next((match.end() for pattern in _HEADS if (match := pattern.match(text[:_LOOK]))), 0)
    # The end is looked for in the last few thousand characters: a search over everything would not be linear.
    offset = max(start, len(text) - _LOOK_BACK)
    ending = text[offset:]
    end = min((match.start() for pattern in _TAILS if (match := pattern.search(ending))), default=len(ending)) + offset
    return Framed(text[:start], text[start:end], text[end:])
