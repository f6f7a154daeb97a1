"""Send only what changed: a file read again, a command run again, becomes a reference to the earlier result, or a diff.

Only against a text that stands verbatim in the same request, above. If a client drops that text later, the reference is
not used any more: see ``Aligner.recall``.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from headroom_mitm import passages, tokens
from headroom_mitm.compressors import numbered_lines
from headroom_mitm.compressors.numbered_lines import NumberedLines
from headroom_mitm.file_reads import path_of
from headroom_mitm.framing import unframe
from headroom_mitm.segments import Call, Key, Prompt, Rendering, Segment
from headroom_mitm.wire import document

NAME = "delta"
"""As a kind, for ``headroom_exclude``, and in front of the version in a rendering."""
VERSION = 1
LONGEST_CHANGE = 1_500
"""Lines, between the common beginning and the common end: finding a small diff is not linear."""
LEAST_TOKENS = 15
LARGEST_SHARE = 0.6
"""A diff of more than this share of the text's tokens is harder to read than the text."""
NEAR = 200
"""Results above a new one that are searched for lines in common."""
LARGEST_REST = 0.7
"""The same of a text of which passages stand above: less gain is left to compressors."""
CLEARLY_LESS = 0.8
"""A diff also says what is gone. Notes for what is the same have to be shorter than this share of it to be used."""
_CONTEXT = 1
_NUMBERED = f"{NumberedLines().name}/"


_LINES = passages.Lines()


class Base(NamedTuple):
    """An earlier result that a new one may be told against."""

    segment: Segment
    call: Call
    ordinal: int
    """Which of the calls with this tool and subject it is, from 1."""
    calls: int
    """How many of them there are before the new one."""


def rendered(prompt: Prompt, segment: Segment, text: str, known: Mapping[Key, Rendering]) -> Rendering | None:
    """Return what a new text becomes if it says little that is new; None otherwise. Errors stay as they are."""
    if segment.is_error or prompt.forgets:
        return None
    best: Rendering | None = None
    for find, write, largest in ((find_base, written, LARGEST_SHARE), (find_overlap, _quoted, LARGEST_REST)):
        base = find(prompt, segment, known)
        told = _told(prompt, base, text, write) if base is not None else None
        if base is None or told is None:
            continue
        before, after = tokens.count(text), tokens.count(told)
        is_worth_it = before - after >= LEAST_TOKENS and after <= largest * before
        if is_worth_it and (best is None or after < CLEARLY_LESS * best.tokens_after):
            name, digest = f"{NAME}/{VERSION}", segment.digest
            best = Rendering(segment.key, told, digest, name, 0, True, before, after, base.segment.key)  # noqa: FBT003  # lossless
    return best


def _told(prompt: Prompt, base: Base, text: str, write: Callable[[str, str, Base], str | None]) -> str | None:
    """Return a text told against an earlier one. What clients write around an output is new each time, and stays."""
    frame = unframe(text)
    told = write(_payload(prompt, base.segment), frame.payload, base)
    return None if told is None else f"{frame.head}{told}{frame.tail}"


def find_base(prompt: Prompt, segment: Segment, known: Mapping[Key, Rendering]) -> Base | None:
    """Return the nearest earlier result of the same call, or of the same file, that stands verbatim in the request."""
    call = prompt.calls.get(segment.call_id)
    if call is None or not call.subject:
        return None
    same: list[Segment] = []
    path = path_of(call)
    for other in _before(prompt.segments, segment):
        other_call = prompt.calls.get(other.call_id)
        if other_call is not None and other.part == segment.part and _is_same(other_call, call, path):
            same.append(other)
    for at in range(len(same) - 1, -1, -1):
        if is_verbatim(same[at], known) and not same[at].is_error:
            return _described(prompt, same, at)
    return None


def find_overlap(prompt: Prompt, segment: Segment, known: Mapping[Key, Rendering]) -> Base | None:
    """Return the earlier result that has most lines in common with this one, of those that stand verbatim above."""
    lines = _lines(prompt, segment)
    if len(lines) < passages.SHORTEST:
        return None
    earlier = list(_before(prompt.segments, segment))
    near = [other for other in earlier[-NEAR:] if other.call_id in prompt.calls and is_verbatim(other, known)]
    base = passages.nearest(((other, _lines(prompt, other)) for other in near if not other.is_error), lines)
    if base is None:
        return None
    call = prompt.calls[base.call_id]
    path, calls = path_of(call), prompt.calls
    same = [s for s in earlier if s.part == base.part and (c := calls.get(s.call_id)) and _is_same(c, call, path)]
    return _described(prompt, same, same.index(base))


def is_verbatim(segment: Segment, known: Mapping[Key, Rendering]) -> bool:
    """Say whether each line of a text leaves as it came; its line number may be left to the reader."""
    rendering = known.get(segment.key)
    return rendering is not None and (rendering.is_raw or rendering.compressor.startswith(_NUMBERED))


def written(old: str, new: str, base: Base) -> str | None:
    """Return what stands for ``new`` to a reader who has ``old``; None if that is no small thing to say."""
    where = _where(base)
    lines = new.split("\n")
    if old == new:
        return f"[Unchanged, all {len(lines)} lines: the same text as the earlier result above of {where}.]"
    aside = ""
    if (bare := _without_numbers(old, new)) is not None:
        old, new = bare
        aside = ", line numbers aside"
    changes = diff(old, new)
    if not changes:
        return None
    head = f"[Changed since the earlier result above of {where}. Unified diff against it{aside}; all else is the same:]"
    return "\n".join([head, *changes])


def _quoted(old: str, new: str, base: Base) -> str | None:
    return passages.told(old, new, _where(base))


def _where(base: Base) -> str:
    where = f'{base.call.name} with "{_short(base.call.subject)}"' if base.call.subject else base.call.name
    return where if base.calls == 1 else f"{where}, number {base.ordinal} of {base.calls} so far"


def _payload(prompt: Prompt, segment: Segment) -> str:
    return unframe(document.string(prompt.body, segment.span)).payload


def _lines(prompt: Prompt, segment: Segment) -> frozenset[int]:
    known = _LINES.known(segment.digest)
    return _LINES.add(segment.digest, _payload(prompt, segment)) if known is None else known


def diff(before: str, after: str) -> list[str]:
    """Return a unified diff without file names, by lines; empty if the texts are too different to look."""
    old, new = before.split("\n"), after.split("\n")
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    if max(len(old), len(new)) - start - end > LONGEST_CHANGE:
        return []
    # The common beginning and end cost the matcher nothing when they are not given to it.
    above, below = max(0, start - _CONTEXT), max(0, end - _CONTEXT)
    changed = difflib.unified_diff(
        old[above : len(old) - below], new[above : len(new) - below], n=_CONTEXT, lineterm=""
    )
    return [_moved(line, above) if line.startswith("@@") else line for line in list(changed)[2:]]


def _moved(hunk: str, by: int) -> str:
    """Return a hunk's head with its line numbers counted from the text's beginning."""
    _, old, new, _ = hunk.split(" ", 3)
    return f"@@ {_shifted(old, by)} {_shifted(new, by)} @@"


def _shifted(place: str, by: int) -> str:
    first, comma, count = place[1:].partition(",")
    return f"{place[0]}{int(first) + by}{comma}{count}"


def _without_numbers(old: str, new: str) -> tuple[str, str] | None:
    """Return both texts without their line numbers, if they are numbered the same way from the same line on."""
    one, other = numbered_lines.read(old.split("\n")), numbered_lines.read(new.split("\n"))
    if one is None or other is None or len(one.lines) < 2 or len(other.lines) < 2:
        return None
    if (one.first, one.width, one.mark, len(one.head)) != (other.first, other.width, other.mark, len(other.head)):
        return None
    # With something behind the numbered lines, their end would have to be told too.
    if one.tail or other.tail:
        return None
    before, after = ("\n".join([*text.head, *text.lines]) for text in (one, other))
    return before, after


def _before(segments: Iterable[Segment], segment: Segment) -> Iterable[Segment]:
    for other in segments:
        if other.span.start >= segment.span.start:
            return
        yield other


def _is_same(one: Call, other: Call, path: str) -> bool:
    """Say whether a call asks for what another asks for; ``path`` is that of the file which the other reads."""
    if one.name == other.name and one.subject == other.subject:
        return True
    return bool(path) and path in one.subject and path == path_of(one)


def _described(prompt: Prompt, same: Sequence[Segment], at: int) -> Base:
    call = prompt.calls[same[at].call_id]
    alike = [s for s in same if (c := prompt.calls[s.call_id]).name == call.name and c.subject == call.subject]
    return Base(same[at], call, alike.index(same[at]) + 1, len(alike))


def _short(subject: str) -> str:
    line = subject.strip().split("\n", 1)[0]
    return line if len(line) <= 120 else f"{line[:117]}..."
