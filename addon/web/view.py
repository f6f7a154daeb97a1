"""A content view for mitmweb and mitmproxy: what became of the texts of a request. Works with mitmproxy 11 and 12."""

from collections.abc import Iterator
from typing import Any, Literal, cast

from mitmproxy import contentviews, flow, http

from headroom_mitm.web.inspection import Inspections, is_shorter, told

_FIRST = 10.0
"""Above mitmproxy's own views of JSON."""
Line = list[tuple[str, str]]
_STYLES = {"+": "offset", "-": "error", "@": "header"}


class HeadroomView:
    """mitmproxy 12 asks with ``prettify`` and an object that names the flow; mitmproxy 11 calls, and names it apart."""

    name = "headroom"
    syntax_highlight: Literal["none"] = "none"

    def __init__(self, inspections: Inspections) -> None:
        self._inspections = inspections

    def prettify(self, data: bytes, metadata: Any) -> str:  # noqa: ARG002  # the form mitmproxy wants
        """Return what is known of the flow. ``data`` is the request as it left. Raises ``ValueError`` for another."""
        return "\n".join(self._lines(metadata.flow))

    def render_priority(self, data: bytes, metadata: Any = None, **given: Any) -> float:  # noqa: ARG002  # the same
        """Return how well this view fits: best if a text was changed, not at all where nothing is known."""
        of = given.get("flow") if metadata is None else metadata.flow
        message = given.get("http_message") if metadata is None else metadata.http_message
        one = self._inspections.of(of.id) if isinstance(of, http.HTTPFlow) and message is of.request else None
        if one is None:
            return -1.0
        return _FIRST if is_shorter(one.outcome) else 0.0

    def __call__(self, *_: bytes, flow: flow.Flow | None = None, **__: Any) -> tuple[str, Iterator[Line]]:
        """Return a title and lines, as mitmproxy 11 wants them."""
        return "headroom", ([(_STYLES.get(line[:1], "text"), line)] for line in self._lines(flow))

    def __lt__(self, other: Any) -> bool:
        """Stand in a list by name, as all views do."""
        return bool(self.name < other.name)

    def _lines(self, of: flow.Flow | None) -> Iterator[str]:
        one = self._inspections.of(of.id) if of is not None else None
        if one is None:
            raise ValueError("this is no prompt that passed lately")
        return told(one.outcome, one.conversation)


def add(view: HeadroomView) -> None:
    """Show a view, in the place of that of an earlier load of the same script."""
    remove()
    contentviews.add(cast("Any", view))


def remove() -> None:
    """Take our view away. mitmproxy 12 has no way to, but lets a later one take its place."""
    if hasattr(contentviews, "registry"):
        return
    views = cast("Any", contentviews)  # of mitmproxy 11; types are those of the version that is installed
    before = views.get(HeadroomView.name)
    if before is not None:
        views.remove(before)
