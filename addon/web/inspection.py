"""What became of the texts of a request, kept for as long as somebody may look at it, and told line by line."""

import difflib
import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headroom_mitm.compressors import Level
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.pipeline import Outcome
from headroom_mitm.segments import Digest, Rendering, Segment, digest
from headroom_mitm.wire import document
from headroom_mitm.wire.continued import goes_on

MOST_BYTES = 64 * 2**20
"""Of request bodies as the clients sent them. Beyond this the oldest are forgotten."""
LONGEST_DIFF = 1_200
"""Lines of a text, before or after, that are set against each other: the time for it grows with their product."""
_SUBJECT = 80  # characters of a call that are shown
_CONTEXT = 1


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a request: what was decided of it."""

    number: int
    segment: Segment
    rendering: Rendering | None
    """None: it is too short for a decision, or it is none of ours to change."""
    title: str


@dataclass(frozen=True, slots=True)
class Inspected:
    """What became of one request."""

    name: str
    """Of its flow."""
    at: float
    """Seconds since the epoch."""
    outcome: Outcome
    user: str = ""
    """Of the proxy, who made it; empty where the proxy has no users."""
    account: Digest = Digest(b"")  # noqa: RUF009  # bytes do not change
    figures: Callable[[], Mapping[str, Any] | None] = lambda: None
    """Returns what is known of the request since its answer has ended."""

    @property
    def conversation(self) -> str:
        """The ID by which the ledger and ``headroom-mitm purge`` know its conversation.

        Empty for a request that goes on from an answer which its provider keeps, until its own answer has ended.
        """
        known = (self.figures() or {}).get("conversation")
        if known:
            return str(known)
        prompt = self.outcome.prompt
        return "" if goes_on(prompt) else digest(prompt.head, self.account).hex()


class Inspections:
    """Holds what became of the newest requests, by flow. Any thread may read."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Inspected] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def note(self, one: Inspected, most_bytes: int = MOST_BYTES) -> None:
        """Keep what became of a flow's request, and forget the oldest beyond so many bytes of bodies."""
        with self._lock:
            self._forget(one.name)
            self._held[one.name] = one
            self._bytes += len(one.outcome.prompt.body)
            while self._bytes > most_bytes and len(self._held) > 1:
                self._forget(next(iter(self._held)))

    def of(self, name: str) -> Inspected | None:
        """Return what became of a flow's request; None if it is not known, or not any more."""
        return self._held.get(name)

    def newest(self) -> list[Inspected]:
        """Return all that are held, the newest first."""
        with self._lock:
            return list(reversed(self._held.values()))

    def _forget(self, name: str) -> None:
        before = self._held.pop(name, None)
        if before is not None:
            self._bytes -= len(before.outcome.prompt.body)


def is_shorter(outcome: Outcome) -> bool:
    """Say whether any text of a request was changed."""
    return outcome.changed and outcome.after != outcome.before


def texts(outcome: Outcome) -> list[Text]:
    """Return the texts of a request in their order."""
    prompt = outcome.prompt
    found = []
    for number, segment in enumerate(prompt.segments, start=1):
        call = prompt.calls.get(segment.call_id)
        title = " ".join((call.name, _short(call.subject))).strip() if call is not None else segment.role.value
        found.append(Text(number, segment, outcome.known.get(segment.key), title))
    return found


def original(outcome: Outcome, text: Text) -> str:
    """Return a text as the client sent it."""
    try:
        return document.string(outcome.prompt.body, text.segment.span)
    except UnreadableBody:
        return ""


def by_id(outcome: Outcome, name: str) -> Text | None:
    """Return the text with this id, or with this number."""
    found = texts(outcome)
    return next(
        (text for text in found if str(text.number) == name or (text.rendering and text.rendering.id == name)), None
    )


def told(outcome: Outcome, conversation: str = "") -> Iterator[str]:
    """Yield all that can be said of a request's texts: an overview first, then each text that was changed."""
    found = texts(outcome)
    changed = [text for text in found if text.rendering is not None and not text.rendering.is_raw]
    before, after = outcome.tokens_before, outcome.tokens_after
    share = f", {100 * (before - after) / before:.0f} % less" if before else ""
    yield f"{outcome.prompt.model}: tool results {before:,} -> {after:,} tokens{share}"
    yield f"{len(found)} texts, {len(changed)} of them in another form; {_tool(outcome)}"
    if conversation:
        yield f"conversation {conversation}"
    yield ""
    for text in found:
        yield f"{text.number:>3}  {decision(text)}  {text.title}"
    for text in changed:
        yield ""
        yield f"--- {text.number} {text.title}, as the client sent it"
        yield f"+++ {text.number} {decision(text)}, as it left"
        yield from difference(original(outcome, text), (text.rendering and text.rendering.text) or "")


def difference(before: str, after: str) -> Iterator[str]:
    """Yield the lines of a unified diff, without the names of its sides."""
    old, new = before.splitlines(), after.splitlines()
    diff = difflib.unified_diff(old[:LONGEST_DIFF], new[:LONGEST_DIFF], lineterm="", n=_CONTEXT)
    yield from itertools.islice(diff, 2, None)  # both names have been said
    for side, lines in (("-", old), ("+", new)):
        if len(lines) > LONGEST_DIFF:
            yield f"{side} [{len(lines) - LONGEST_DIFF:,} further lines: headroom.original shows them]"


def decision(text: Text) -> str:
    """Return what was decided of a text, in words."""
    rendering = text.rendering
    if rendering is None:
        return f"as it came, {text.segment.size:,} characters"
    if rendering.is_raw:
        return f"as it came ({rendering.compressor}), {rendering.tokens_before:,} tokens"
    how = "lossless" if rendering.lossless else f"{Level(rendering.level).name.lower()}, id {rendering.id}"
    return f"{rendering.compressor} {how}, {rendering.tokens_before:,} -> {rendering.tokens_after:,} tokens"


def _tool(outcome: Outcome) -> str:
    return (
        "the model can ask for what is left out" if outcome.offered else "nothing to ask for: the tool is not offered"
    )


def _short(subject: str) -> str:
    line = " ".join(subject.split())
    return line if len(line) <= _SUBJECT else f"{line[:_SUBJECT]}…"
