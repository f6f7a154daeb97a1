"""The tools that a request declares: their names, and the place for one more."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from headroom_mitm.segments import Edit, Prompt, Span, digest
from headroom_mitm.wire import document
from headroom_mitm.wire.memo import Memo


@dataclass(frozen=True, slots=True)
class Tools:
    """What a list of declarations says."""

    names: frozenset[str] = frozenset()
    slot: Span | None = None
    """Empty, behind the last of them; None where there is none."""

    def shifted(self, by: int) -> "Tools":
        """Return the same tools in a body in which they stand ``by`` bytes later."""
        return Tools(self.names, self.slot and self.slot.shifted(by))


class Declarations:
    """Reads lists of declarations; the same list comes with every request of a session and is read once."""

    def __init__(self, read: Callable[[bytes], Tools]) -> None:
        self._memo = Memo(read, entries=256)

    def at(self, body: bytes, span: Span | None) -> Tools:
        """Return what is declared at a span; nothing where there is no list."""
        if span is None or not document.is_list(body, span):
            return Tools()
        raw = body[span.start : span.end]
        return self._memo.get(digest(raw), raw).shifted(span.start)


def listed(raw: bytes, names: Callable[[bytes, Span], Iterator[str]]) -> Tools:
    """Return the tools of a list whose items have these names; the next one goes behind the last item."""
    places = document.items(raw, document.whole(raw))
    found = frozenset(name for place in places for name in names(raw, place) if name)
    return Tools(found, Span(places[-1].end, places[-1].end) if places else None)


def added(prompt: Prompt, name: str, raw: bytes) -> Edit | None:
    """Return the edit that puts one more declaration behind the client's; None without a place or a free name."""
    if prompt.tool_slot is None or name in prompt.tool_names:
        return None
    return Edit(prompt.tool_slot, b"," + raw)


def is_forced(body: bytes, choice: Span | None) -> bool:
    """Say whether OpenAI's ``tool_choice`` forbids tools, or names those that may be called."""
    if choice is None:
        return False
    return document.is_object(body, choice) or body[choice.start : choice.end] == b'"none"'
