"""Long strings without what is in their middle: hashes, long texts. Lines of them that speak of trouble stay."""

import re

from headroom_mitm.compressors.log_alarms import is_alarm

MARK = "…("
"""Begins what says that something is left out. A text that has it already is never pruned."""
_OPAQUE = re.compile(r"[A-Za-z0-9+/_=%~-]{40,}")
_WORDLIKE = re.compile(r"(?:[a-z]{2,}[/_-]){2}|//")
_LOOKED_AT = 120  # characters of a run that tell whether it is made of words
_BEGINNING = 16  # characters that stay of a run
_LINE = re.compile(r"(?<=\n)[^\n]+\n")
_LONGEST_LINE = 300  # characters; a longer one is no message
_SMALL = 4  # times what may stay: a text that is no longer and speaks of trouble stays whole


def shortened(text: str, longest_run: int, longest: int, head: int) -> tuple[str, int]:
    """Return a text with ``…(+9)`` for each 9 characters that are left out, and how many are in all.

    ``longest_run``: of letters and digits, such as a hash; ``longest``: the text; ``head``: what stays at its front.
    """
    gone = 0

    def opaque(match: re.Match[str]) -> str:
        nonlocal gone
        run = match[0]
        start = run[:_LOOKED_AT]
        if len(run) <= longest_run or _WORDLIKE.search(start) or not any(map(str.isdigit, start)):
            return run
        gone += len(run) - _BEGINNING
        return f"{run[:_BEGINNING]}{_gap(len(run) - _BEGINNING)}"

    if len(text) > longest_run:
        text = _OPAQUE.sub(opaque, text)
    if len(text) <= longest or (len(text) <= _SMALL * longest and is_alarm(text)):
        return text, gone
    pieces, lines_gone = _without_middle(text, head, len(text) - head // 4)
    return pieces, gone + lines_gone


def _without_middle(text: str, start: int, end: int) -> tuple[str, int]:
    """Leave out what is between two places of a text, but not its lines that speak of trouble."""
    pieces = [text[:start]]
    at, gone = start, 0
    for line in _LINE.finditer(text, start, end):
        if line.end() - line.start() <= _LONGEST_LINE and is_alarm(line[0]):
            pieces += [_gap(line.start() - at), line[0]]
            gone += line.start() - at
            at = line.end()
    return "".join([*pieces, _gap(end - at), text[end:]]), gone + end - at


def _gap(length: int) -> str:
    return f"{MARK}+{length})" if length else ""
