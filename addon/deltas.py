"""Send only what changed: a file read again, a command run again, becomes a reference to the earlier result, or a diff.

Only against a text that stands verbatim in the same request, above. If a client drops that text later, the reference is
not used any more: see ``Aligner.recall``.
"""

import difflib
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from headroom_mitm import own_call, passages, quotes
from headroom_mitm.alike import Alike
from headroom_mitm.compressors import numbered_lines, numbered_repeats
from headroom_mitm.compressors.numbered_lines import NumberedLines
from headroom_mitm.file_reads import path_of
from headroom_mitm.framing import unframe
from headroom_mitm.overlaps import Overlaps
from headroom_mitm.quotes import Readings
from headroom_mitm.recent import Recent
from headroom_mitm.segments import Call, Digest, Key, Prompt, Rendering, Segment
from headroom_mitm.sizes import Size, is_less, saves
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
LARGEST_REST = 0.95
"""The same of a text of which passages stand above, and which reads on without them."""
CLEARLY_SHORT = 0.7
"""What leaves more than this share of a text is held against what a compressor makes of it."""
LESS = 0.95
"""Of that, it has to leave this share at most: what can be read without looking up is worth something."""
CLEARLY_LESS = 0.8
"""A diff also says what is gone. Notes for what is the same have to be shorter than this share of it to be used."""
_CONTEXT = 1
_LONG_PATH = 30  # characters
_LEAST_SUBJECT = 20  # characters
_WORD_END = re.compile(r"(?<=\w)(?!\w)")
FRAME = f"{NAME}/{VERSION}.frame"
"""Of a text of which only what its client writes around it is told otherwise."""
_DIFF = f"{NAME}/{VERSION}"
_QUOTED = f"{NAME}/{VERSION}.lines"
_NUMBERED = f"{NumberedLines().name}/"


_LINES = passages.Lines()
_NOTED: Recent[Key, bool] = Recent(20_000, fades=True)
_OVERLAPS = Overlaps()
_ALIKE = Alike()


class Base(NamedTuple):
    """An earlier result that a new one may be told against."""

    segment: Segment
    call: Call
    ordinal: int
    """Which of the calls with this tool and subject it is, from 1."""
    calls: int
    """How many of them there are before the new one."""
    subject: str
    """What the call was made with, as short as tells it from others."""


def rendered(prompt: Prompt, segment: Segment, text: str, known: Mapping[Key, Rendering]) -> Rendering | None:
    """Return what a new text becomes if it says little that is new; None otherwise. Errors stay as they are."""
    if segment.is_error or prompt.forgets:
        return None
    frame = unframe(text)
    best: Rendering | None = None
    for name, tell, largest in _WAYS:
        told = tell(prompt, segment, frame.payload, known)
        if told is None:
            continue
        # What clients write around an output is new each time, and stays.
        whole = f"{frame.head}{told.text}{frame.tail}"
        before, after = Size(text), Size(whole)
        is_worth_it = saves(before, after, LEAST_TOKENS, 1 - largest)
        if is_worth_it and (best is None or is_less(after, best.after, CLEARLY_LESS)):
            key, digest = segment.key, segment.digest
            best = Rendering(key, whole, digest, name, 0, True, before, after, told.base)  # noqa: FBT003  # lossless
    return best


class _Told(NamedTuple):
    text: str
    base: Key | None


def _changed(prompt: Prompt, segment: Segment, new: str, known: Mapping[Key, Rendering]) -> _Told | None:
    """Return what changed since the same call, or the same file, was seen before."""
    base = find_base(prompt, segment, known)
    text = written(_payload(prompt, base.segment), new, base) if base is not None else None
    return _Told(text, base.segment.key) if base is not None and text is not None else None


def _quoted(prompt: Prompt, segment: Segment, new: str, known: Mapping[Key, Rendering]) -> _Told | None:
    """Return a text with notes for passages that stand above."""
    base = find_overlap(prompt, segment, new, known)
    if base is None:
        return None
    told = quotes.told(_standing(prompt, base.segment, known), new, f"the result above of {_where(base)}")
    return _Told(told, base.segment.key) if told is not None else None


def _said(prompt: Prompt, segment: Segment, new: str, _: Mapping[Key, Rendering]) -> _Told | None:
    """Return a text with notes for passages of what the call says itself: editors show what they were told."""
    texts = own_call.texts(prompt, segment, passages.SHORTEST)
    found = (quotes.told(Readings(lines), new, f"{name} of the call") for name, lines in texts.items())
    told = min((text for text in found if text is not None), key=len, default=None)
    return _Told(told, None) if told is not None else None


_WAYS = (
    (_DIFF, _changed, LARGEST_SHARE),
    (_QUOTED, _quoted, LARGEST_REST),
    (_QUOTED, _said, LARGEST_REST),
)
"""How a text may be told, and the share of its tokens that may be left at most."""


def find_base(prompt: Prompt, segment: Segment, known: Mapping[Key, Rendering]) -> Base | None:
    """Return the nearest earlier result of the same call, or of the same file, that stands verbatim in the request."""
    call = prompt.calls.get(segment.call_id)
    if call is None or not call.subject:
        return None
    same = _ALIKE.results(prompt, call, segment, segment.part)
    for at in range(len(same) - 1, -1, -1):
        if is_whole(same[at], known) and not same[at].is_error:
            return _described(prompt, same, at)
    return None


def find_overlap(prompt: Prompt, segment: Segment, new: str, known: Mapping[Key, Rendering]) -> Base | None:
    """Return the earlier result that has most lines in common with this one, of those that stand verbatim above."""
    lines = _LINES.known(segment.digest) or _added(segment.digest, quotes.readings(new))
    if len(lines) < passages.SHORTEST:
        return None
    earlier = _before(prompt, segment)
    near = range(max(0, len(earlier) - NEAR), len(earlier))

    def lines_of(other: Segment) -> frozenset[int] | None:
        return None if other.is_error or not is_verbatim(other, known) else _lines(prompt, other, known)

    known_to, shared = _OVERLAPS.shared(prompt, near, lines, known, lines_of)
    counts = dict(shared)
    for place in near[known_to - near.start :]:
        if (others := lines_of(earlier[place])) is not None and len(others) >= passages.LEAST_COMMON:
            counts[place] = len(lines & others)
    counted = ((earlier[place], count) for place, count in sorted(counts.items()))
    base = passages.nearest((other, count) for other, count in counted if other.call_id in prompt.calls)
    if base is None:
        return None
    same = _ALIKE.results(prompt, prompt.calls[base.call_id], segment, base.part)
    return _described(prompt, same, same.index(base))


def is_verbatim(segment: Segment, known: Mapping[Key, Rendering]) -> bool:
    """Say whether each line that stands where a text stood is one of its lines; its number may be left to the reader.

    Notes may stand for others of its lines.
    """
    return is_whole(segment, known) or ((sent := known.get(segment.key)) is not None and sent.compressor == _QUOTED)


def is_whole(segment: Segment, known: Mapping[Key, Rendering]) -> bool:
    """Say whether each line of a text leaves as it came; its line number may be left to the reader."""
    rendering = known.get(segment.key)
    if rendering is None:
        return False
    return rendering.is_raw or rendering.compressor == FRAME or rendering.compressor.startswith(_NUMBERED)


def written(old: str, new: str, base: Base) -> str | None:
    """Return what stands for ``new`` to a reader who has ``old``; None if that is no small thing to say."""
    where = _where(base)
    lines = new.split("\n")
    if old == new:
        return f"[Unchanged, all {len(lines)} lines: the same text as the result above of {where}.]"
    aside = ""
    if (bare := _without_numbers(old, new)) is not None:
        old, new = bare
        aside = ", line numbers aside"
    changes = diff(old, new)
    if not changes:
        return None
    head = f"[Changed since the result above of {where}. Unified diff against it{aside}; all else is the same:]"
    return "\n".join([head, *changes])


def _standing(prompt: Prompt, segment: Segment, known: Mapping[Key, Rendering]) -> Readings:
    """Return the lines of an earlier text that a reader finds where it stands."""
    payload, sent = _payload(prompt, segment), known.get(segment.key)
    if sent is None or sent.text is None or not _has_notes(sent):
        return quotes.readings(payload)
    return quotes.left(payload, unframe(sent.text).payload)


def _has_notes(sent: Rendering) -> bool:
    """Say whether notes stand for some of a text's lines, so that a reader does not find them in their place."""
    if sent.compressor == _QUOTED or sent.text is None:
        return sent.text is not None
    if not sent.compressor.startswith(_NUMBERED):
        return False
    # Asked of each text above for each new one.
    found = _NOTED.get(sent.key)
    return _NOTED.put_first(sent.key, numbered_repeats.SIGN in sent.text) if found is None else found


def _where(base: Base) -> str:
    where = f'{base.call.name} "{base.subject}"' if base.call.subject else base.call.name
    return where if base.calls == 1 else f"{where}, number {base.ordinal} of {base.calls} so far"


def _payload(prompt: Prompt, segment: Segment) -> str:
    return unframe(document.string(prompt.body, segment.span)).payload


def _lines(prompt: Prompt, segment: Segment, known: Mapping[Key, Rendering]) -> frozenset[int]:
    """Return the lines of an earlier text that a reader finds where it stands."""
    sent = known.get(segment.key)
    name = Digest(segment.key) if sent is not None and _has_notes(sent) else segment.digest
    found = _LINES.known(name)
    return _added(name, _standing(prompt, segment, known)) if found is None else found


def _added(name: Digest, readings: Readings) -> frozenset[int]:
    return _LINES.add(name, readings.bare if readings.whole is None else chain(readings.bare, readings.whole))


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


def _before(prompt: Prompt, segment: Segment) -> Sequence[Segment]:
    """Return the texts above one: they stand in the order in which they are read."""
    if prompt.segments and prompt.segments[-1].span == segment.span:  # as most new ones
        return prompt.segments[:-1]
    return prompt.segments[: bisect_left(prompt.segments, segment.span.start, key=lambda other: other.span.start)]


def _described(prompt: Prompt, same: Sequence[Segment], at: int) -> Base:
    call = prompt.calls[same[at].call_id]
    alike = [s for s in same if (c := prompt.calls[s.call_id]).name == call.name and c.subject == call.subject]
    return Base(same[at], call, alike.index(same[at]) + 1, len(alike), _subject(call, prompt.calls.values()))


def _subject(call: Call, calls: Iterable[Call]) -> str:
    """Return the first line of what a call was made with, as much of it as no other call of the tool begins with.

    Of a long path the end that no other call has.
    """
    said = call.subject.strip().split("\n", 1)[0]
    others = [other.subject.strip() for other in calls if other.name == call.name and other.subject != call.subject]
    if len(said) >= _LONG_PATH and said == path_of(call):
        places = [place for place, sign in enumerate(said) if sign == "/" and place]
        ends = (said[place:] for place in reversed(places))
        end = next((end for end in ends if not any(end in other for other in others)), None)
        return said if end is None else f"…{end}"
    words = (said[: match.start()] for match in _WORD_END.finditer(said, _LEAST_SUBJECT))
    beginning = next((words for words in words if not any(other.startswith(words) for other in others)), said)
    return f"{beginning}…" if len(beginning) + 1 < len(said) else said
