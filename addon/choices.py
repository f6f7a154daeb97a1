"""What a new text becomes: a reference to an earlier one, what a compressor makes of it, or nothing else than it is."""

import functools
from collections.abc import Callable
from typing import NamedTuple

from headroom_mitm import deltas
from headroom_mitm.aligner import Plan
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.file_reads import is_worked_on, path_of
from headroom_mitm.router import Router, Source, raw
from headroom_mitm.segments import Segment
from headroom_mitm.store.base import Decision
from headroom_mitm.wire import document

Choose = Callable[[Plan, Segment], Decision]
"""Says what a text becomes, given what is known of those above it."""


class Choosing(NamedTuple):
    """What texts become where nothing may be left out, and where it may."""

    whole: Choose
    lossy: Choose


class Choices:
    """Makes them. Keeps no state, so any thread may call it."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def under(self, excludes: Callable[[str], bool]) -> Choosing:
        """Return how texts are chosen; ``excludes`` says what is left alone, by tool and by kind."""
        whole, lossy = (functools.partial(self._choose, excludes, lossy=lossy) for lossy in (False, True))
        return Choosing(whole, lossy)

    def _choose(self, excludes: Callable[[str], bool], plan: Plan, segment: Segment, *, lossy: bool) -> Decision:
        """Choose what a new text becomes. The original is kept only where the request alone does not give it back."""
        prompt = plan.prompt
        call = prompt.calls.get(segment.call_id)
        if call is not None and excludes(call.name):
            return Decision(raw(segment, "excluded"))
        try:
            text = document.string(prompt.body, segment.span)
        except UnreadableBody:
            return Decision(raw(segment, "unreadable"))
        delta = None if excludes(deltas.NAME) else deltas.rendered(prompt, segment, text, plan.known)
        if delta is not None:
            return Decision(delta)
        excluded = frozenset(kind for kind in self._router.kinds if excludes(kind))
        path = path_of(call) if call is not None else ""
        edited = bool(path) and call is not None and is_worked_on(path, call, prompt.calls.values())
        rendering = self._router.render(Source(segment, text, call, edited), excluded, lossy=lossy)
        return Decision(rendering, None if rendering.lossless else text)
