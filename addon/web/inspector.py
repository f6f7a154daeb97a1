"""mitmweb and mitmproxy show what became of a request: a mark, a content view, and commands."""

from mitmproxy import command, ctx, exceptions, flow, http

from headroom_mitm.pipeline import Outcome
from headroom_mitm.settings import Mode
from headroom_mitm.web import inspection, view
from headroom_mitm.web.inspection import Inspections

MARK = ":scissors:"
"""On flows with a text that was changed: ``~marked`` finds them."""


class Inspector:
    """Remembers what became of requests where there is a screen to look at it."""

    def __init__(self) -> None:
        self._inspections = Inspections()
        self._mode = Mode.COMPRESS.value  # before it was switched off

    def running(self) -> None:
        """Add the content view."""
        view.add(view.HeadroomView(self._inspections))

    def done(self) -> None:
        """Take it away."""
        view.remove()

    def note(self, of: http.HTTPFlow, outcome: Outcome) -> None:
        """Keep what became of a request, and mark its flow."""
        if not hasattr(ctx.master, "view"):
            return  # mitmdump forgets flows; so do we
        self._inspections.note(of.id, outcome)
        if inspection.is_shorter(outcome) and not of.marked:
            of.marked = MARK

    @command.command("headroom.original")
    def original(self, of: flow.Flow, name: str) -> str:
        """Return a tool result as the client sent it: by the id in its note, or by its number in the content view."""
        outcome = self._inspections.of(of.id)
        if outcome is None:
            raise exceptions.CommandError("This flow is no prompt that passed lately.")
        text = inspection.by_id(outcome, name)
        if text is None:
            raise exceptions.CommandError(f"No text of this request has the id or the number {name!r}.")
        return inspection.original(outcome, text)

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
