"""mitmweb and mitmproxy show what became of a request: a mark, a content view, and commands."""

import time

from mitmproxy import command, ctx, exceptions, flow, http

from headroom_mitm.pipeline import Outcome
from headroom_mitm.settings import Mode
from headroom_mitm.web import inspection, view
from headroom_mitm.web.inspection import MOST_BYTES, Inspections

MARK = ":scissors:"
"""On flows with a text that was changed: ``~marked`` finds them."""


MOST_BYTES_UNLISTED = 16 * 2**20
"""Of bodies that are held where no screen lists flows: for our page alone."""


class Inspector:
    """Remembers what became of the newest requests: the more, where there is a screen that lists flows."""

    def __init__(self) -> None:
        self.inspections = Inspections()
        self._mode = Mode.COMPRESS.value  # before it was switched off

    def running(self) -> None:
        """Add the content view."""
        view.add(view.HeadroomView(self.inspections))

    def done(self) -> None:
        """Take it away."""
        view.remove()

    def note(self, of: http.HTTPFlow, outcome: Outcome) -> None:
        """Keep what became of a request, and mark its flow."""
        lists_flows = hasattr(ctx.master, "view")
        self.inspections.note(of.id, time.time(), outcome, MOST_BYTES if lists_flows else MOST_BYTES_UNLISTED)
        if inspection.is_shorter(outcome) and not of.marked:
            of.marked = MARK

    @command.command("headroom.original")
    def original(self, of: flow.Flow, name: str) -> str:
        """Return a tool result as the client sent it: by the id in its note, or by its number in the content view."""
        one = self.inspections.of(of.id)
        if one is None:
            raise exceptions.CommandError("This flow is no prompt that passed lately.")
        text = inspection.by_id(one.outcome, name)
        if text is None:
            raise exceptions.CommandError(f"No text of this request has the id or the number {name!r}.")
        return inspection.original(one.outcome, text)

    @command.command("headroom.bypass")
    def bypass(self) -> str:
        """Leave all requests from now on as they come; the same again ends that.

        What was shortened before is sent whole then, so that providers write the prefix to their caches once more.
        """
        mode = ctx.options.headroom_mode
        if mode != Mode.OFF.value:
            self._mode, chosen = mode, Mode.OFF.value
        else:
            chosen = self._mode
        ctx.options.update(headroom_mode=chosen)
        return f"headroom_mode is {chosen} now"
