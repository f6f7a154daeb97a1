"""What a new text becomes: a reference to an earlier one, what a compressor makes of it, or nothing else than it is."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from headroom_mitm import deltas, repeats
from headroom_mitm.aligner import Plan
from headroom_mitm.compressors import Level
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.file_reads import is_worked_on, path_of
from headroom_mitm.router import Router, Source, raw
from headroom_mitm.segments import Key, Prompt, Rendering, Segment
from headroom_mitm.sizes import Size, is_less
from headroom_mitm.store.base import Decision
from headroom_mitm.wire import document

Levels = Callable[[Prompt, Segment, str, Size], Level]
"""Says how hard a text of a kind and a size may be pressed."""

Choose = Callable[[Plan, Segment], Decision]
"""Says what a text becomes, given what is known of those above it."""


def one_by_one(
    plan: Plan, segments: Sequence[Segment], choose: Choose, known: Mapping[Key, Rendering] | None = None
) -> list[Decision]:
    """Decide one text after the other: a later one may be told against an earlier one, also of the same request."""
    found: dict[Key, Decision] = {}
    plan = replace(plan, known={**plan.known, **(known or {})})
    for segment in segments:
        if segment.key not in found:  # a client may send a result twice
            found[segment.key] = choose(plan, segment)
            plan.known[segment.key] = found[segment.key].rendering
    return [found[segment.key] for segment in segments]


class Choosing(NamedTuple):
    """What texts become where nothing may be left out, and where it may."""

    whole: Choose
    lossy: Choose
    old: Choose
    """The same of what the conversation has left behind: pressed harder."""


class Choices:
    """Makes them. Any thread may call it: what it remembers is what it was asked last."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._last: tuple[Callable[[str], bool] | None, frozenset[str]] = None, frozenset()

    def under(self, excludes: Callable[[str], bool], levels: Levels | None = None) -> Choosing:
        """Return how texts are chosen.

        ``excludes`` says what is left alone, by tool and by kind; ``levels`` how hard new texts are pressed.
        """
        choose = functools.partial(self._choose, excludes, levels)
        whole, lossy = functools.partial(choose, lossy=False), functools.partial(choose, lossy=True)
        return Choosing(whole, lossy, functools.partial(self._pressed, excludes))

    def _choose(
        self, excludes: Callable[[str], bool], levels: Levels | None, plan: Plan, segment: Segment, *, lossy: bool
    ) -> Decision:
        """Choose what a new text becomes. The original is kept only where the request alone does not give it back."""
        prompt = plan.prompt
        text = _text(prompt, segment, excludes)
        if isinstance(text, Decision):
            return text
        call = prompt.calls.get(segment.call_id)
        path = path_of(call) if call is not None else ""
        edited = bool(path) and call is not None and is_worked_on(path, call, prompt.calls.values())
        level_of = functools.partial(levels, prompt, segment) if levels is not None else None
        source = Source(segment, text, call, edited)
        render = functools.partial(
            self._router.render, source, self._excluded(excludes), lossy=lossy, level_of=level_of
        )
        rendering = render() if excludes(deltas.NAME) else _told(plan, segment, text, render)
        return Decision(rendering, None if rendering.lossless else text)

    def _pressed(self, excludes: Callable[[str], bool], plan: Plan, segment: Segment) -> Decision:
        """Choose what an old text becomes from which more may be left out."""
        text = _text(plan.prompt, segment, excludes)
        if isinstance(text, Decision):
            return text
        source = Source(segment, text, plan.prompt.calls.get(segment.call_id), is_old=True)
        rendering = self._router.render(source, self._excluded(excludes), lossy=True, level_of=_harder)
        return Decision(rendering, None if rendering.lossless else text)

    def _excluded(self, excludes: Callable[[str], bool]) -> frozenset[str]:
        asked, kinds = self._last  # nearly always the same settings
        if asked != excludes:
            kinds = frozenset(filter(excludes, self._router.kinds))
            self._last = excludes, kinds
        return kinds


def _told(plan: Plan, segment: Segment, text: str, render: Callable[[], Rendering]) -> Rendering:
    """Return what a text becomes where what stands above need not be said again, and a compressor the rest."""
    delta = deltas.rendered(plan.prompt, segment, text, plan.known)
    if delta is not None and is_less(delta.after, delta.before, deltas.CLEARLY_SHORT):
        rendering = delta
    else:
        rendering = render()
        if delta is not None and is_less(delta.after, rendering.after, deltas.LESS):
            rendering = delta
    return repeats.named(plan.prompt, segment, text, rendering, plan.known)


def _harder(_kind: str, _size: Size) -> Level:
    return Level.MEDIUM


def _text(prompt: Prompt, segment: Segment, excludes: Callable[[str], bool]) -> str | Decision:
    """Return a text, or why it stays as it is."""
    call = prompt.calls.get(segment.call_id)
    if call is not None and excludes(call.name):
        return Decision(raw(segment, "excluded"))
    try:
        return document.string(prompt.body, segment.span)
    except UnreadableBody:
        return Decision(raw(segment, "unreadable"))
