"""What legs report beside their blocks is one report: nothing counted twice, and nothing of a leg that was not seen."""

import json
from collections.abc import Callable

import pytest
from anthropic_events import OURS, Json, call, event, events, message_of, read, text, whole

from headroom_mitm.wire.anthropic_account import Account
from headroom_mitm.wire.anthropic_reply import StreamedReply
from headroom_mitm.wire.anthropic_whole import WholeReply
from headroom_mitm.wire.reply import Answered, Reply

Writing = Callable[[list[Json]], list[bytes]]
BODY = b'{"messages":[{"role":"user","content":"x"}],"model":"m"}'
TOOLS: Json = {"type": "clear_tool_uses_20250919", "cleared_tool_uses": 8, "cleared_input_tokens": 50_000}
MORE_TOOLS: Json = {**TOOLS, "cleared_tool_uses": 9, "cleared_input_tokens": 54_321}
THOUGHTS: Json = {"type": "clear_thinking_20251015", "cleared_thinking_turns": 3, "cleared_input_tokens": 15_000}
DROPPED: Json = {"type": "thinking_dropped", "path": "messages.1.content.0", "reason": "model_binding_mismatch"}
BOX: Json = {"id": "container_1", "expires_at": "2026-11-22T12:00:00Z"}
LATER_BOX: Json = {"id": "container_1", "expires_at": "2026-11-22T12:05:00Z"}
REFUSED: Json = {"type": "refusal", "category": "cyber", "explanation": None}


def managed(*edits: Json) -> Json:
    return {"applied_edits": list(edits)}


def step(spent: int, made: int, kind: str = "message") -> Json:
    return {"type": kind, "input_tokens": spent, "output_tokens": made}


# what each leg reports, and the whole answer
REPORTS: dict[str, tuple[list[Json], Json]] = {
    "cleared before the first leg": (
        [{"context_management": managed(TOOLS)}, {"context_management": None}],
        {"context_management": managed(TOOLS)},
    ),
    "cleared before a later leg": (
        [{"context_management": managed()}, {"context_management": managed(TOOLS)}],
        {"context_management": managed(TOOLS)},
    ),
    "cleared again, as every request carries all": (
        [{"context_management": managed(TOOLS)}, {"context_management": managed(MORE_TOOLS)}],
        {"context_management": managed(TOOLS)},
    ),
    "cleared, and more of another kind": (
        [{"context_management": managed(TOOLS)}, {"context_management": managed(THOUGHTS, MORE_TOOLS)}],
        {"context_management": managed(TOOLS, THOUGHTS)},
    ),
    "cleared in the midst of three": (
        [{"context_management": None}, {"context_management": managed(THOUGHTS)}, {"context_management": None}],
        {"context_management": managed(THOUGHTS)},
    ),
    "notes of a form that is new": (
        [{"context_management": {"applied_edits": "x"}}, {"context_management": managed(TOOLS)}],
        {"context_management": managed(TOOLS)},
    ),
    "nothing cleared": ([{"context_management": None}] * 2, {"context_management": None}),
    "a container of the first leg": ([{"container": BOX}, {"container": None}], {"container": BOX}),
    "a container that lives on": ([{"container": BOX}, {"container": LATER_BOX}], {"container": LATER_BOX}),
    "paths in the client's request": (
        [{"input_transformations": [DROPPED]}, {"input_transformations": [DROPPED, DROPPED]}],
        {"input_transformations": [DROPPED]},
    ),
    "why the client's request missed": (
        [{"diagnostics": {"cache_miss_reason": "x"}}, {"diagnostics": None}],
        {"diagnostics": {"cache_miss_reason": "x"}},
    ),
    "why it stopped": ([{"stop_details": None}, {"stop_details": REFUSED}], {"stop_details": REFUSED}),
    "what is a state": (
        [{"usage": {"service_tier": "priority"}}, {"usage": {"service_tier": "standard"}}],
        {"usage": {"service_tier": "standard"}},
    ),
    "what was written to the cache": (
        [
            {"usage": {"cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 0}}},
            {"usage": {"cache_creation": {"ephemeral_5m_input_tokens": 9, "ephemeral_1h_input_tokens": 1}}},
        ],
        {"usage": {"cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 0}}},
    ),
    "searches of both legs": (
        [
            {"usage": {"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}}},
            {"usage": {"server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0}}},
        ],
        {"usage": {"server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 1}}},
    ),
    "searches of the first leg": (
        [{"usage": {"server_tool_use": {"web_search_requests": 2}}}, {"usage": {"server_tool_use": None}}],
        {"usage": {"server_tool_use": {"web_search_requests": 2}}},
    ),
    "thinking": (
        [{"usage": {"output_tokens_details": {"thinking_tokens": n}}} for n in (5, 0, 7)],
        {"usage": {"output_tokens_details": {"thinking_tokens": 12}}},
    ),
    "iterations": (
        [{"usage": {"iterations": [step(9, 1), step(10, 2)]}}, {"usage": {"iterations": [step(99, 4), step(100, 8)]}}],
        {"usage": {"iterations": [step(9, 1), step(10, 14)]}},
    ),
    "a compaction among the iterations": (
        [{"usage": {"iterations": [step(9, 1)]}}, {"usage": {"iterations": [step(5, 3, "compaction"), step(99, 4)]}}],
        {"usage": {"iterations": [step(9, 5), step(5, 3, "compaction")]}},
    ),
    "whether a token was redeemed": (
        [{"usage": {"fallback_credit": {"status": status}}} for status in ("redeemed", "not_applied")],
        {"usage": {"fallback_credit": {"status": "redeemed"}}},
    ),
}
TABLE = pytest.mark.parametrize(("reports", "expected"), REPORTS.values(), ids=REPORTS)
IN_DELTA = ("container", "stop_details")
AT_START = ("diagnostics",)


def _documents(reports: list[Json]) -> list[bytes]:
    blocks = [*([call("toolu_1")] for _ in reports[1:]), [text("x")]]
    made = (json.loads(whole(*said)) for said in blocks)
    return [
        json.dumps({**message, **report, "usage": {**message["usage"], **report.get("usage", {})}}).encode()
        for message, report in zip(made, reports, strict=True)
    ]


def _streams(reports: list[Json]) -> list[bytes]:
    blocks = [*([call("toolu_1")] for _ in reports[1:]), [text("x")]]
    return [_stream(said, report) for said, report in zip(blocks, reports, strict=True)]


def _stream(blocks: list[Json], report: Json) -> bytes:
    written = list(events(*blocks))
    ((_, start),) = read(written[0])
    ((_, end),) = read(written[-2])
    start["message"] |= {name: report[name] for name in AT_START if name in report}
    end["delta"] |= {name: report[name] for name in IN_DELTA if name in report}
    end["usage"] |= report.get("usage", {})
    end |= {name: value for name, value in report.items() if name not in (*IN_DELTA, *AT_START, "usage")}
    ends = [event(value.pop("type"), **value) for value in (start, end)]
    return b"".join([ends[0], *written[1:-2], ends[1], written[-1]])


def _answer(reply: Reply, legs: list[bytes], body: bytes = BODY) -> tuple[bytes, bytes]:
    """Return what the client sees, and the last request."""
    shown = b""
    for data in legs:
        shown += reply.feed(data) + reply.end_leg()
        if reply.hidden:
            body = reply.next_body(body, [Answered(called, "text") for called in reply.hidden])
    return shown, body


@TABLE
def test_documents_report_as_one(reports: list[Json], expected: Json) -> None:
    seen = json.loads(_answer(WholeReply(OURS), _documents(reports))[0])
    usage = expected.get("usage", {})
    assert {name: seen[name] for name in expected} == {**expected, **({"usage": seen["usage"]} if usage else {})}
    assert {name: seen["usage"][name] for name in usage} == usage


@TABLE
def test_streams_report_as_one(reports: list[Json], expected: Json) -> None:
    """A client takes what is not null in the last event in place of what the first one said."""
    shown = _answer(StreamedReply(OURS), _streams(reports))[0]
    (end,) = (data for name, data in read(shown) if name == "message_delta")
    seen = {**message_of(shown), **{name: value for name, value in end.items() if name not in ("usage", "delta")}}
    usage = expected.get("usage", {})
    assert {name: seen[name] for name in expected if name != "usage"} == {
        name: value for name, value in expected.items() if name != "usage"
    }
    assert {name: seen["usage"][name] for name in usage} == usage


@pytest.mark.parametrize("write", [_documents, _streams], ids=["document", "stream"])
def test_notes_of_a_leg_before_are_shown_where_the_last_one_has_none(write: Writing) -> None:
    legs = write([{"context_management": managed(TOOLS)}, {}])
    reply = WholeReply(OURS) if write is _documents else StreamedReply(OURS)
    assert json.dumps(managed(TOOLS), separators=(",", ":")).encode() in _answer(reply, legs)[0]


def test_an_answer_of_one_leg_reports_as_the_provider_wrote_it() -> None:
    (leg,) = _streams([{"context_management": managed(MORE_TOOLS), "container": BOX, "input_transformations": []}])
    assert _answer(StreamedReply(OURS), [leg])[0] == leg


def test_what_reading_has_come_to_by_the_end_of_the_first_leg_is_the_clients() -> None:
    """Where the provider searches by itself, the last event names more input than the first one."""
    legs = _streams([{"usage": {"input_tokens": 700}}, {"usage": {"input_tokens": 9000}}])
    shown = _answer(StreamedReply(OURS), legs)[0]
    assert message_of(shown)["usage"]["input_tokens"] == 700


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"", "container_1"),
        (b',"container":null', "container_1"),
        (b',"container":"container_0"', "container_0"),
        (b',"container":{"skills":[]}', {"skills": [], "id": "container_1"}),
        (b',"container":{}', {"id": "container_1"}),
        (b',"container":{"id":null}', {"id": "container_1"}),
        (b',"container":{"id":"container_0"}', {"id": "container_0"}),
    ],
    ids=["none", "null", "the client's", "skills", "an object", "an id that is null", "the client's with skills"],
)
@pytest.mark.parametrize("write", [_documents, _streams], ids=["document", "stream"])
def test_the_model_goes_on_in_its_container(write: Writing, given: bytes, expected: object) -> None:
    """Files that it has made in one leg are there in the next one."""
    legs = write([{"container": BOX}, {"container": BOX}])
    reply = WholeReply(OURS) if write is _documents else StreamedReply(OURS)
    body = _answer(reply, legs, BODY[:-1] + given + b"}")[1]
    assert json.loads(body)["container"] == expected


def test_without_a_container_none_is_named() -> None:
    body = _answer(WholeReply(OURS), _documents([{"container": None}, {}]))[1]
    assert "container" not in json.loads(body)


ODD = [None, 1, "x", [], [1], {"id": 1}, {"type": "message"}, {"applied_edits": [1, {"type": []}]}]


@pytest.mark.parametrize("first", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("second", ODD, ids=range(len(ODD)))
def test_a_report_that_is_not_as_documented_raises_nothing(first: object, second: object) -> None:
    account = Account()
    names = ("usage", "delta", "container", "context_management", "diagnostics", "input_transformations")
    inner = ("iterations", "output_tokens", "server_tool_use", "container", "cache_creation")
    for value in (first, second):
        account.note(dict.fromkeys(names, value))
        account.note(dict.fromkeys(("usage", "delta"), dict.fromkeys(inner, value)))
        account.next_leg()
    assert isinstance(account.shown(dict.fromkeys(names, second)), dict)
    assert isinstance(account.container, str)
