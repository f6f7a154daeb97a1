"""What mitmweb and mitmproxy show of flows, and what their commands do."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from mitmproxy import contentviews, exceptions
from mitmproxy.test import taddons, tflow
from sample_conversations import ANTHROPIC, asked, body, result
from sample_sources import report

from headroom_mitm import settings
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.ledger import Report
from headroom_mitm.metering import FIGURES
from headroom_mitm.pipeline import Outcome
from headroom_mitm.segments import Digest, Rendering, digest
from headroom_mitm.web.inspection import Inspections
from headroom_mitm.web.inspector import MARK, Inspector
from headroom_mitm.wire import BY_NAME

ACCOUNT = Digest(b"a" * 16)
TEXT = "first\nleft out\nlast"


class Declares:
    """Has our options, as the addon has."""

    load = staticmethod(settings.declare)


@pytest.fixture
def screen() -> Iterator[tuple[Inspector, taddons.context]]:
    """The inspector in a mitmproxy that has a list of flows."""
    inspector = Inspector(Inspections(), lambda: report("", ""))
    with taddons.context(Declares(), inspector) as context:
        vars(context.master)["view"] = object()
        inspector.running()
        yield inspector, context
        inspector.done()


def outcome(sent: str | None = "first\nlast") -> Outcome:
    prompt = ANTHROPIC.read(body(asked() + result("c1", TEXT)))
    [segment] = prompt.segments
    rendering = Rendering(
        segment.key, sent, Digest(b"o" * 16), "log_lines/3", 1, sent is None, 200, 200 if sent is None else 80
    )
    left = prompt.body if sent is None else prompt.body.replace(b"left out\\n", b"")
    return Outcome(left, prompt, True, {}, {segment.key: rendering}, 200, 200 if sent is None else 80)


def shown(flow: Any, name: str = "auto") -> str:
    """Return what mitmproxy shows of a request: the one of 11 or the one of 12."""
    if hasattr(contentviews, "prettify_message"):
        return str(contentviews.prettify_message(flow.request, flow, name).text)
    _, lines, error = contentviews.get_message_content_view(name, flow.request, flow)
    assert error is None
    return "\n".join("".join(text for _, text in line) for line in lines)


def test_a_changed_request_is_shown_by_our_view(screen: tuple[Inspector, taddons.context]) -> None:
    inspector, _ = screen
    flow = tflow.tflow()
    flow.request.headers["content-type"] = "application/json"
    inspector.mark(flow, outcome())
    inspector.note(flow, outcome(), ACCOUNT)
    assert "-left out" in shown(flow)
    assert f"conversation {digest(outcome().prompt.head, ACCOUNT).hex()}\n" in shown(flow)
    assert flow.marked == MARK


def test_other_requests_are_shown_as_always(screen: tuple[Inspector, taddons.context]) -> None:
    inspector, _ = screen
    unchanged, unknown = tflow.tflow(), tflow.tflow()
    inspector.mark(unchanged, outcome(None))
    inspector.note(unchanged, outcome(None), ACCOUNT)
    assert "tokens" not in shown(unchanged)
    assert "tokens" not in shown(unknown)
    assert "tool results 200 -> 200 tokens" in shown(unchanged, "headroom")
    assert unchanged.marked == ""


def test_an_id_that_only_the_answer_tells_is_shown_then(screen: tuple[Inspector, taddons.context]) -> None:
    """A request that goes on from a kept answer does not say which conversation it belongs to."""
    inspector, flow, wire = screen[0], tflow.tflow(), BY_NAME["openai_responses"]
    item = {"type": "function_call_output", "call_id": "c1", "output": TEXT}
    prompt = wire.read(json.dumps({"model": "m", "previous_response_id": "resp_1", "input": [item]}).encode())
    inspector.note(flow, Outcome(prompt.body, prompt), ACCOUNT)
    one = inspector.inspections.of(flow.id)
    assert one is not None
    assert one.conversation == ""
    flow.metadata[FIGURES] = {"conversation": "0a" * 16}
    assert one.conversation == "0a" * 16


def test_a_mark_of_the_users_stays(screen: tuple[Inspector, taddons.context]) -> None:
    flow = tflow.tflow()
    flow.marked = ":red_circle:"
    screen[0].mark(flow, outcome())
    assert flow.marked == ":red_circle:"


def test_where_no_screen_lists_flows_less_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only our page shows them then."""
    inspector, flows = Inspector(Inspections(), lambda: report("", "")), [tflow.tflow() for _ in range(3)]
    monkeypatch.setattr("headroom_mitm.web.inspector.MOST_BYTES_UNLISTED", 1)
    with taddons.context(Declares(), inspector):
        for flow in flows:
            inspector.note(flow, outcome(), ACCOUNT)
    assert [one.name for one in inspector.inspections.newest()] == [flows[-1].id]


def test_the_original_is_a_command(screen: tuple[Inspector, taddons.context]) -> None:
    inspector, context = screen
    flow = tflow.tflow()
    inspector.note(flow, outcome(), ACCOUNT)
    assert context.master.commands.call("headroom.original", flow, "1") == TEXT
    with pytest.raises(exceptions.CommandError, match="'7'"):
        inspector.original(flow, "7")


@pytest.mark.parametrize("mode", ["compress", "lossless"])
def test_bypass_switches_off_and_back(screen: tuple[Inspector, taddons.context], mode: str) -> None:
    _, context = screen
    context.options.update(headroom_mode=mode)
    assert "off" in context.master.commands.call("headroom.bypass")
    assert context.options.headroom_mode == "off"
    assert mode in context.master.commands.call("headroom.bypass")
    assert context.options.headroom_mode == mode


def test_figures_are_a_command(screen: tuple[Inspector, taddons.context]) -> None:
    """What is estimated, and what is measured of what."""
    total = report("", "").totals
    said = screen[1].master.commands.call("headroom.stats")
    assert f"saved ${total.saved:.4f} of ${total.without:.4f} (estimated)" in said
    assert f"paid ${total.paid:.4f} (measured, {total.priced} of {total.requests} requests have a price)" in said


def test_a_store_that_is_away_is_said_by_the_command() -> None:
    def away() -> Report:
        raise StoreUnavailable("gone")

    with pytest.raises(exceptions.CommandError, match="gone"):
        Inspector(Inspections(), away).stats()
