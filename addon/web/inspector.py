"""mitmweb and mitmproxy show what became of a request: a mark, a content view, and commands."""

import functools
import time
from collections.abc import Callable
from typing import TypeVar, cast

from mitmproxy import command, ctx, exceptions, flow, http

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.ledger import CHANGED, Report, Sums
from headroom_mitm.metering import FIGURES
from headroom_mitm.pipeline import Outcome
from headroom_mitm.segments import Digest
from headroom_mitm.settings import Mode
from headroom_mitm.tenants import tenant_of
from headroom_mitm.web import inspection, view
from headroom_mitm.web.inspection import MOST_BYTES, Inspected, Inspections

Called = TypeVar("Called", bound=Callable[..., object])

MARK = ":scissors:"
"""On flows with a text that was changed: ``~marked`` finds them."""


MOST_BYTES_UNLISTED = 16 * 2**20
"""Of bodies that are held where no screen lists flows: for our page alone."""


def _command(name: str) -> Callable[[Called], Called]:
    """Return mitmproxy's decorator for commands, with its type."""
    return cast("Callable[[Called], Called]", command.command(name))


class Inspector:
    """Remembers what became of the newest requests: the more, where there is a screen that lists flows."""

    def __init__(self, inspections: Inspections, today: Callable[[], Report]) -> None:
        self.inspections = inspections
        self._today = today
        self._mode = Mode.COMPRESS.value  # before it was switched off

    def running(self) -> None:
        """Add the content view."""
        view.add(view.HeadroomView(self.inspections))

    def done(self) -> None:
        """Take it away."""
        view.remove()

    def mark(self, of: http.HTTPFlow, outcome: Outcome) -> None:
        """Mark the flow of a request with a text that was changed."""
        if inspection.is_shorter(outcome) and not of.marked:
            of.marked = MARK

    def note(self, of: http.HTTPFlow, outcome: Outcome, account: Digest) -> None:
        """Keep what became of a request of an account."""
        lists_flows = hasattr(ctx.master, "view")
        figures = functools.partial(of.metadata.get, FIGURES)  # it outlives the flow, and must not keep it
        one = Inspected(of.id, time.time(), outcome, tenant_of(of.metadata), account, figures)
        self.inspections.note(one, MOST_BYTES if lists_flows else MOST_BYTES_UNLISTED)

    @_command("headroom.stats")
    def stats(self) -> str:
        """Return today's figures: the day is UTC's."""
        try:
            report = self._today()
        except StoreUnavailable as error:
            raise exceptions.CommandError(f"The store does not answer: {error}") from None
        total, free = report.totals, report.by_arm.get(CHANGED, Sums())
        share = "unknown" if total.cache_share is None else f"{100 * total.cache_share:.0f} %"
        return (
            f"saved ${free.saved:.4f} of ${free.without:.4f} (estimated), paid ${total.paid:.4f} (measured, "
            f"{total.priced} of {total.requests} requests have a price), cache {share}, {total.retrieved} retrieved"
        )

    @_command("headroom.original")
    def original(self, of: flow.Flow, name: str) -> str:
        """Return a tool result as the client sent it: by the id in its note, or by its number in the content view."""
        one = self.inspections.of(of.id)
        if one is None:
            raise exceptions.CommandError("This flow is no prompt that passed lately.")
        text = inspection.by_id(one.outcome, name)
        if text is None:
            raise exceptions.CommandError(f"No text of this request has the id or the number {name!r}.")
        return inspection.original(one.outcome, text)

    @_command("headroom.bypass")
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
