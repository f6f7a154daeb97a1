"""What clients write around an output, and have written before: a call's own arguments, and reminders.

Both are named instead of written again. The arguments stand in the call, which no result goes without; a reminder
stands behind an earlier result, and is written out again should that result go.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from headroom_mitm import deltas, own_call
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.framing import unframe
from headroom_mitm.recent import Recent
from headroom_mitm.segments import Digest, Key, Prompt, Rendering, Segment
from headroom_mitm.sizes import Size, saves
from headroom_mitm.wire import document

IN_CALL = "{as in the call}"
"""What stands for arguments that a client has written down as ``json.dumps`` writes them."""
LEAST_TOKENS = 15
LOOKED_AT = 20_000
"""Characters of a text in which arguments are sought; longer ones are not."""
NEAR = 200
"""Results above a new one that are searched for the reminder behind it."""
_REMINDER = re.compile(r"(\n\n<system-reminder>\n)((?:(?!</system-reminder>)[\s\S])*)(</system-reminder>\s*)\Z")
_CLOSING = "</system-reminder>"
_FIRST_WORDS = re.compile(r"[^\n\"]{12,30}(?= )")


class _Tail(NamedTuple):
    """A client's reminder behind an output, in three pieces."""

    opening: str
    said: str
    closing: str


_NO_TAIL = _Tail("", "", "")
_TAILS: Recent[Digest, _Tail] = Recent(20_000, fades=True)


def named(prompt: Prompt, segment: Segment, text: str, sent: Rendering, known: Mapping[Key, Rendering]) -> Rendering:
    """Return a decision in which what is there already is named; the decision itself where there is no such thing."""
    if segment.is_error or prompt.forgets or not sent.lossless or (sent.is_raw and sent.compressor != "no gain"):
        return sent
    now = text if sent.text is None else sent.text
    base = sent.base
    if (arguments := _written(prompt, segment, now)) is not None:
        now = now.replace(arguments, IN_CALL)
    tail = _tail(text)
    above = _above(prompt, segment, tail, known) if _words(tail) and now.endswith("".join(tail)) else []
    # What rests on a text rests on what that one rests on.
    under = known.get(base) if base is not None else None
    if above and (base in (None, *above) or (under is not None and under.base in above)):
        base = base or above[-1]
        now = f"{now[: -len(''.join(tail))]}{_same(tail)}"
    after = Size(now)
    if now == (text if sent.text is None else sent.text) or not saves(sent.after, after, LEAST_TOKENS):
        return sent
    name = deltas.FRAME if sent.is_raw else sent.compressor
    return replace(sent, text=now, compressor=name, after=after, base=base)


def _written(prompt: Prompt, segment: Segment, text: str) -> str | None:
    """Return the arguments of a text's own call as they are written in it, if once only."""
    beginning = text[:LOOKED_AT]
    if '{"' not in beginning or IN_CALL in text:
        return None
    written = (json.dumps(arguments) for arguments in own_call.arguments(prompt, segment))
    return next((one for one in written if one in beginning and text.count(one) == 1), None)


def _tail(text: str) -> _Tail:
    match = _REMINDER.fullmatch(unframe(text).tail)
    return _Tail(*match.groups()) if match is not None else _NO_TAIL


def _words(tail: _Tail) -> str:
    match = _FIRST_WORDS.match(tail.said)
    return match[0] if match is not None else ""


def _same(tail: _Tail) -> str:
    """Return what stands for a reminder: its tag and first words, and the white space around it."""
    return f'\n\n[The same system-reminder as above: "{_words(tail)}…"]{tail.closing.removeprefix(_CLOSING)}'


def _above(prompt: Prompt, segment: Segment, tail: _Tail, known: Mapping[Key, Rendering]) -> list[Key]:
    """Return the earlier results behind which a reminder stands; none where another begins with the same words."""
    found: list[Key] = []
    earlier = [other for other in prompt.segments if other.span.start < segment.span.start]
    for other in earlier[-NEAR:]:
        theirs = _remembered(prompt, other)
        if _words(theirs) != _words(tail):
            continue
        if theirs != tail:
            return []
        sent = known.get(other.key)
        stands = sent is not None and deltas.is_verbatim(other, known)
        if stands and sent is not None and (sent.text is None or sent.text.endswith("".join(tail))):
            found.append(other.key)
    return found


def _remembered(prompt: Prompt, segment: Segment) -> _Tail:
    found = _TAILS.get(segment.digest)
    if found is not None:
        return found
    try:
        text = document.string(prompt.body, segment.span)
    except UnreadableBody:
        return _NO_TAIL
    return _TAILS.put_first(segment.digest, _tail(text))
