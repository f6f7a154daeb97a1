"""Results that a conversation has left behind: asked for again since, or large and never come back to.

Only looked for where nothing of a conversation is cached. What is left of such a result says how it began and ended,
what went wrong in it, how much is not shown, and how to get it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from headroom_mitm import tokens
from headroom_mitm.file_reads import is_worked_on, path_of
from headroom_mitm.segments import Key, Prompt, Rendering, Role, Segment, text_id
from headroom_mitm.wire import document
from headroom_mitm.wording import marker

NAME = "old_result"
"""As a kind, for ``headroom_exclude``, and in front of the version in a rendering."""
VERSION = 1
TURNS = 5
"""So many turns of the model with calls must have come since."""
LARGE = 4_000
"""Characters of a result that was not come back to."""
REPEATED = 800
"""Characters of a result that was asked for again."""
LEAST_TOKENS = 150
"""That must be saved."""
LONGEST_BODY = 16_000_000
"""Bytes. A longer conversation is not searched for words."""
_SAME_SIZE = 0.7
"""Share of an earlier reading that a later one must have to stand for it: else it is of other lines."""
_LONGEST_LINE = 300
_MOST_TROUBLE = 12
"""Lines: a result with more of them is about them."""
_TAIL = 2
_TROUBLE = re.compile(
    r"\b(?:error|errors|fail|fails|failed|failure|failures|exception|traceback|panic|fatal|critical|warning|denied"
    r"|aborted|refused|timeout|timed out|not found|no such)\b",
    re.IGNORECASE,
)
_WORD = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_./:@-]{3,}[A-Za-z0-9_]")
_DISTINCT = re.compile(rb"[0-9_/]|[a-z][A-Z]|[a-z]\.[a-z]")
_ESCAPED = re.compile(rb"\\[nrtfb]")


class Behind(NamedTuple):
    """What a conversation has left behind, by the numbers of the texts."""

    gone: frozenset[int] = frozenset()
    """Asked for again since, or never come back to: little of them has to stay."""
    old: frozenset[int] = frozenset()
    """Large, whole, and from long ago; files only if no other call names them."""


def left_behind(prompt: Prompt, known: Mapping[Key, Rendering]) -> Behind:
    """Return what a conversation has left behind.

    Left alone are errors, what is new, and whatever another text is told against.
    """
    bases = {rendering.base for rendering in known.values() if rendering.base is not None}
    free = [n for n, s in enumerate(prompt.segments) if _may_go(s) and s.key in known and s.key not in bases]
    again = frozenset(n for n in free if prompt.segments[n].size >= REPEATED and _is_asked_again(prompt, n, known))
    large = [
        n
        for n in free
        if n not in again and prompt.segments[n].size >= LARGE and known[prompt.segments[n].key].lossless
    ]
    if not large or len(prompt.body) > LONGEST_BODY:
        return Behind(again)
    turns = _turns_since(prompt)
    old = [n for n in large if turns[n] > TURNS]
    searched = [n for n in old if not is_file(prompt, n)]
    gone = again.union(_untouched(prompt, searched)) if searched else again
    return Behind(gone, frozenset(n for n in old if n not in gone and not _is_worked_on(prompt, n)))


def is_file(prompt: Prompt, number: int) -> bool:
    """Say whether a result is the content of a file."""
    call = prompt.calls.get(prompt.segments[number].call_id)
    return call is not None and bool(path_of(call))


def rendered(segment: Segment, text: str, *, of_file: bool) -> Rendering | None:
    """Return what is left of an old result; None where that would be too little less, or hide trouble."""
    form = shortened(text, text_id(segment.key), of_file=of_file)
    if form is None:
        return None
    before, after = tokens.count(text), tokens.count(form)
    if before - after < LEAST_TOKENS:
        return None
    name, digest = f"{NAME}/{VERSION}", segment.digest
    return Rendering(segment.key, form, digest, name, 1, lossless=False, before=before, after=after)


def shortened(text: str, name: str, *, of_file: bool) -> str | None:
    """Return the first line, the last ones and those that tell of trouble; None where they are too many or too long.

    A file's lines tell of no trouble: it stands below as it is now.
    """
    lines = text.split("\n")
    end = len(lines) - next((n for n, line in enumerate(reversed(lines)) if line.strip()), 0)
    trouble = [] if of_file else [n for n, line in enumerate(lines) if _TROUBLE.search(line)]
    kept = sorted({0, *trouble, *(range(max(0, end - _TAIL), len(lines)) if not of_file else ())})
    gaps = list(_gaps(kept, len(lines)))
    if not gaps or len(trouble) > _MOST_TROUBLE or any(len(lines[n]) > _LONGEST_LINE for n in kept):
        return None
    said = [f"{a + 1}-{b}" if b > a + 1 else f"{b}" for a, b in gaps]
    shown = [marker(f"lines {', '.join(said)} of {len(lines)}, an old result", name)]
    shown += [f"[… lines {one} …]" for one in said[1:]]
    pieces = {start: mark for (start, _), mark in zip(gaps, shown, strict=True)}
    return "\n".join(pieces.get(n, lines[n]) for n in sorted({*kept, *pieces}))


def _gaps(kept: Sequence[int], count: int) -> Iterator[tuple[int, int]]:
    """Yield from where to where lines are not kept."""
    for start, end in zip([-1, *kept], [*kept, count], strict=True):
        if end - start > 1:
            yield start + 1, end


def _may_go(segment: Segment) -> bool:
    return segment.role is Role.TOOL and not (segment.is_error or segment.newest or segment.protected)


def _is_worked_on(prompt: Prompt, number: int) -> bool:
    call = prompt.calls.get(prompt.segments[number].call_id)
    path = path_of(call) if call is not None else ""
    return bool(path) and call is not None and is_worked_on(path, call, prompt.calls.values())


def _is_asked_again(prompt: Prompt, number: int, known: Mapping[Key, Rendering]) -> bool:
    """Say whether the same call, or one for the same file, has brought as much since, and that stands by itself."""
    segment = prompt.segments[number]
    call = prompt.calls.get(segment.call_id)
    if call is None or not call.subject:
        return False
    path = path_of(call)
    for other in prompt.segments[number + 1 :]:
        later = prompt.calls.get(other.call_id)
        if later is None or other.is_error or other.part != segment.part or other.call_id == segment.call_id:
            continue
        rendering = known.get(other.key)
        if rendering is not None and (rendering.base is not None or not rendering.lossless):
            continue
        if later.name == call.name and later.subject == call.subject and not path:
            return True
        if path and path == path_of(later) and other.size >= _SAME_SIZE * segment.size:
            return True
    return False


def _turns_since(prompt: Prompt) -> list[int]:
    """Return for each text how many times the model has called tools since it came.

    Between two results of one turn the later one's id stands once; where a call has come between, at least twice.
    """
    segments = prompt.segments
    turns = [0] * len(segments)
    for number in range(len(segments) - 1, 0, -1):
        before, segment = segments[number - 1], segments[number]
        call_id = segment.call_id.encode("utf-8", "surrogatepass")
        called = bool(call_id) and prompt.body.count(call_id, before.span.end, segment.span.start) > 1
        turns[number - 1] = turns[number] + called
    return turns


def _untouched(prompt: Prompt, numbers: Sequence[int]) -> Iterator[int]:
    """Yield those results of which no word that was new with them was said since by the model or the user."""
    segments, wanted = prompt.segments, set(numbers)
    gaps = _said(prompt)
    seen: set[bytes] = set()
    brought: dict[int, set[bytes]] = {}
    for number, segment in enumerate(segments):
        seen |= gaps[number]
        text = document.string(prompt.body, segment.span).encode("utf-8", "surrogatepass")
        words = set(_WORD.findall(text))
        if number in wanted:
            brought[number] = {word for word in words - seen if _DISTINCT.search(word)}
        seen |= words
    said: set[bytes] = set()
    for number in range(len(segments) - 1, -1, -1):
        said |= gaps[number + 1]
        if number in wanted and brought[number] and brought[number].isdisjoint(said):
            yield number


def _said(prompt: Prompt) -> list[set[bytes]]:
    """Return the words between two results, one after the other: all that is no result, as it is written."""
    ends = [0, *(segment.span.end for segment in prompt.segments)]
    starts = [*(segment.span.start for segment in prompt.segments), len(prompt.body)]
    return [
        set(_WORD.findall(_ESCAPED.sub(b" ", prompt.body[start:end]))) for start, end in zip(ends, starts, strict=True)
    ]
