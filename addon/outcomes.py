"""What became of a text, told by the turns behind it: the model got it another way, an edit or the next step failed."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from headroom_mitm import break_even
from headroom_mitm.file_reads import path_of
from headroom_mitm.segments import Call, Key, Prompt, Segment

MISSED_WITHIN = 4
"""Model turns within which the same command or file again, or a spoilt edit, says that the model lacked something."""
_SAMPLES = 16
"""Lines of a file that are looked for in a later read of it."""
_EDITOR = re.compile(r"edit|replace|patch|write|update|insert", re.IGNORECASE)
_EDITOR_COMMAND = re.compile(r"(?:str_replace|insert) ")
# As it stands in a body: a JSON string, from its quote on.
_FAILED = re.compile(
    rb'"(?:\s|\\n)*(?:<tool_use_error>|<error>|\[?error\b|Exit code:? [1-9]|<returncode>[1-9]|Traceback \(most recent'
    rb"|(?:Wall time[^\\]*\\n)?Process exited with code [1-9]|String to replace not found|No replacement was performed"
    rb"|Failed to |apply_patch verification failed|Invalid (?:context|patch))",
    re.IGNORECASE,
)
_LOOKED_AT = 300  # bytes of a result in which it says that it failed
_NUMBER = re.compile(rb"^\s*\d+(?:\\t|:|\xe2\x86\x92|\|)?\s*")
_LINE_LENGTH = 16  # bytes; a shorter line says nothing


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the turns behind one text say of it."""

    turns: int
    """Results of other turns behind it: about one for each turn of the model."""
    missed: bool = False
    """The model got the same another way, or failed to edit it, within a few turns."""
    brought: int = 0
    """Tokens of the result that showed the same again."""
    error: bool = False
    """Something failed in the turn right behind it. That says little of one text, and something of many."""


class Behind:
    """A conversation, for questions about what came behind a text of it.

    ``turns``: texts with more results of other turns behind them are not looked at; a conversation has hundreds.
    """

    def __init__(self, prompt: Prompt, turns: int = sys.maxsize) -> None:
        self._prompt = prompt
        self.recent, self._after = _turns_after(prompt, turns)

    def __contains__(self, segment: Segment) -> bool:
        """Say whether a text is looked at."""
        return segment.key in self._after

    def turns(self, segment: Segment) -> int:
        """Return how many results of other turns stand behind a text."""
        return self._after[segment.key]

    def of(self, segment: Segment) -> Aftermath:
        """Return what the turns behind a text say of it."""
        call = self._prompt.calls.get(segment.call_id)
        soon = list(self._soon(segment))
        again = next((other for other in soon if call is not None and self._shows_again(segment, call, other)), None)
        spoilt = call is not None and any(self._is_spoilt_edit(call, other) for other in soon)
        return Aftermath(
            turns=self.turns(segment),
            missed=again is not None or spoilt,
            brought=break_even.tokens_of(again.size) if again is not None else 0,
            error=any(self._failed(other) for other in soon if self.turns(segment) - self.turns(other) == 1),
        )

    def _soon(self, segment: Segment) -> Iterator[Segment]:
        """Yield the results of other turns that came soon behind a text."""
        for other in self.recent:
            if other.span.start > segment.span.start and 0 < self.turns(segment) - self.turns(other) <= MISSED_WITHIN:
                yield other

    def _shows_again(self, segment: Segment, call: Call, other: Segment) -> bool:
        """Say whether a later result shows the same: a command run again, a file read again and not just further."""
        other_call = self._prompt.calls.get(other.call_id)
        if other_call is None or not call.subject:
            return False
        path = path_of(call)
        if path:
            return path == path_of(other_call) and self._shares_lines(segment, other)
        return (other_call.name, other_call.subject) == (call.name, call.subject)

    def _shares_lines(self, segment: Segment, other: Segment) -> bool:
        body = self._prompt.body
        lines = [_NUMBER.sub(b"", line) for line in body[slice(*segment.span)].strip(b'"').split(b"\\n")]
        long = [line for line in lines if len(line) >= _LINE_LENGTH]
        shown = body[slice(*other.span)]
        return any(line in shown for line in long[:: max(1, len(long) // _SAMPLES)])

    def _is_spoilt_edit(self, call: Call, other: Segment) -> bool:
        edit = self._prompt.calls.get(other.call_id)
        path = path_of(call)
        if not path or edit is None:
            return False
        edits = _EDITOR_COMMAND.match(edit.subject) if " " in edit.subject else _EDITOR.search(edit.name)
        return bool(edits) and path.rsplit("/", 1)[-1] in edit.subject and self._failed(other)

    def _failed(self, segment: Segment) -> bool:
        start = segment.span.start
        return segment.is_error or _FAILED.match(self._prompt.body[start : start + _LOOKED_AT]) is not None


def _turns_after(prompt: Prompt, most: int) -> tuple[Sequence[Segment], Mapping[Key, int]]:
    """Return how many results of other turns stand behind each text, of the last texts, of which no more do than that.

    Results of one turn are taken for several.
    """
    seen: set[str] = set()
    found: dict[Key, int] = {}
    begins = len(prompt.segments)
    for segment in reversed(prompt.segments):
        after = len(seen) - (segment.call_id in seen)
        if after > most:
            break
        found[segment.key] = after
        seen.add(segment.call_id)
        begins -= 1
    return prompt.segments[begins:], found
