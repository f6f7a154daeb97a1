"""What stands in files of all kinds comes out as requests."""

import base64
import json
import os
from pathlib import Path

import pytest
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow, tutils
from recorded import LOG, USAGE, claude_lines, codex_lines, har, request, written

from headroom_mitm.audit.reading import Reader, files_in, own_logs
from headroom_mitm.audit.recording import Recording
from headroom_mitm.hosts import parse_hosts
from headroom_mitm.usage import Counted
from headroom_mitm.wire import BY_NAME


def read(*files: Path, hosts: str = "") -> list[Recording]:
    reader = Reader(parse_hosts([hosts] if hosts else []))
    found = [recording for file in files for recording in reader.read(file)]
    assert not reader.failed
    return found


def texts(recording: Recording) -> list[str]:
    """Return the results in a request, as the wire format finds them."""
    prompt = BY_NAME[recording.wire].read(recording.body)
    return [json.loads(prompt.body[segment.span.start : segment.span.end]) for segment in prompt.segments]


def test_each_answer_of_claude_code_was_a_request_of_all_before_it(tmp_path: Path) -> None:
    found = read(written(tmp_path / "s1.jsonl", claude_lines()))
    assert [texts(one) for one in found] == [[], [LOG], [LOG, LOG]]
    assert [one.legs for one in found] == [
        (Counted(3, 0, 9000, 0, 50),),
        (Counted(3, 9000, 7000, 0, 60),),
        (Counted(3, 16000, 200, 0, 70),),
    ]
    assert {one.session for one in found} == {"s1"}
    assert BY_NAME[found[0].wire].read(found[0].body).tool_names == {"Bash"}


def test_a_resumed_session_repeats_what_is_counted_already(tmp_path: Path) -> None:
    first = written(tmp_path / "s1.jsonl", claude_lines())
    again = written(tmp_path / "s2.jsonl", claude_lines())
    assert len(read(first, again)) == 3


def test_after_a_compaction_a_conversation_begins_anew(tmp_path: Path) -> None:
    boundary = {"type": "system", "subtype": "compact_boundary", "sessionId": "s1"}
    *before, last = claude_lines()
    summary = next(line for line in before if line["type"] == "user") | {"isCompactSummary": True}
    found = read(written(tmp_path / "s1.jsonl", [*before, boundary, summary, last]))
    assert [len(texts(one)) for one in found] == [0, 1, 0]


def test_sub_agents_have_conversations_of_their_own(tmp_path: Path) -> None:
    aside = [
        line | {"isSidechain": True, "agentId": "a"} | ({"message": line["message"] | {"id": f"a-{number}"}})
        for number, line in enumerate(claude_lines())
        if "message" in line
    ]
    mixed = [line for pair in zip(claude_lines()[1:], aside, strict=True) for line in pair]
    found = read(written(tmp_path / "s1.jsonl", mixed))
    assert [len(texts(one)) for one in found if one.session == "s1"] == [0, 1, 2]
    assert {one.session for one in found} == {"s1", "s1/a"}


def test_what_the_client_made_up_itself_is_no_answer(tmp_path: Path) -> None:
    lines = claude_lines()
    lines[-1]["message"] |= {"model": "<synthetic>", "id": "none"}
    assert len(read(written(tmp_path / "s1.jsonl", lines))) == 2


def test_each_answer_of_codex_was_a_request_of_all_before_it(tmp_path: Path) -> None:
    found = read(written(tmp_path / "rollout-1.jsonl", codex_lines()))
    assert [texts(one) for one in found] == [[], [LOG]]
    assert [one.legs for one in found] == [(Counted(fresh=8000, output=20),), (Counted(6064, 7936, output=20),)]
    assert b"You are an agent." in found[0].body


def test_what_a_log_has_no_more_of_is_left_out(tmp_path: Path) -> None:
    """The last line of a session that goes on may not be whole."""
    file = written(tmp_path / "s1.jsonl", claude_lines())
    file.write_text(file.read_text() + '{"type":"assistant","mess')
    assert len(read(file)) == 3


def test_har_files_have_bodies_and_what_was_reported(tmp_path: Path) -> None:
    file = tmp_path / "x.har"
    file.write_text(json.dumps(har([("2026-11-01T10:00:00.000Z", request(1), USAGE[0])])))
    (one,) = read(file)
    assert (texts(one), one.agent, one.legs) == ([LOG], "Anthropic/Python 0.7", (Counted(3, 0, 9000, 0, 50),))


def test_answers_of_browsers_may_be_in_base64(tmp_path: Path) -> None:
    content = har([("2026-11-01T10:00:00.000Z", request(0), USAGE[0])])
    answer = content["log"]["entries"][0]["response"]["content"]
    answer |= {"text": base64.b64encode(answer["text"].encode()).decode(), "encoding": "base64"}
    (tmp_path / "x.har").write_text(json.dumps(content))
    assert read(tmp_path / "x.har")[0].legs


def test_other_hosts_in_har_files_are_not_looked_at_unless_they_are_named(tmp_path: Path) -> None:
    entry = [("2026-11-01T10:00:00.000Z", request(0), USAGE[0])]
    (tmp_path / "x.har").write_text(json.dumps(har(entry, "https://llm.example:8443/v1/messages")))
    assert read(tmp_path / "x.har") == []
    assert len(read(tmp_path / "x.har", hosts="llm.example")) == 1


def test_flows_of_mitmproxy_are_read_with_their_streams(tmp_path: Path) -> None:
    flow = tflow.tflow(
        req=tutils.treq(
            method=b"POST", host="api.anthropic.com", port=443, path=b"/v1/messages?beta=true", content=request(1)
        ),
        resp=tutils.tresp(
            headers=((b"content-type", b"text/event-stream; charset=utf-8"),),
            content=b'event: message_start\ndata: {"type":"message_start","message":{"usage":%s}}\n\n'
            % json.dumps(USAGE[1]).encode(),
        ),
    )
    flow.request.headers["host"] = "api.anthropic.com"
    with (tmp_path / "saved").open("wb") as file:
        FlowWriter(file).add(flow)
        FlowWriter(file).add(tflow.tflow(resp=True))
    (one,) = read(tmp_path / "saved")
    assert (one.wire, texts(one), one.legs) == ("anthropic_messages", [LOG], (Counted(3, 9000, 7000, 0, 60),))


@pytest.mark.parametrize("content", [b"", b"no flows", b"{}", b'{"log": 1}', b"\x00\xff"], ids=repr)
def test_what_is_something_else_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.har"
    file.write_bytes(content)
    reader = Reader()
    assert list(reader.read(file)) == []
    assert bool(reader.failed) == bool(content)


def test_folders_are_searched_and_the_oldest_file_is_first(tmp_path: Path) -> None:
    new, old = written(tmp_path / "a" / "new.jsonl", []), written(tmp_path / "b" / "c" / "old.jsonl", [])
    (tmp_path / "notes.md").write_text("")
    os.utime(old, (1, 1))
    assert files_in([tmp_path]) == [old, new]
    with pytest.raises(FileNotFoundError):
        files_in([tmp_path / "none"])


def test_the_clients_own_folders_are_known(tmp_path: Path) -> None:
    assert own_logs(tmp_path) == []
    (tmp_path / ".codex" / "sessions").mkdir(parents=True)
    assert own_logs(tmp_path) == [tmp_path / ".codex" / "sessions"]


@pytest.mark.parametrize(
    "raw",
    [
        b"3:a:b,",
        b"5:hello,",
        b'{"type":"session_meta","payload":{"id":' + b"[" * 1_000 + b"]" * 1_000 + b"}}\n",
        b'{"type":"user","sessionId":' + b"[" * 1_000 + b"]" * 1_000 + b"}\n",
        b'{"type":"assistant","sessionId":"a","message":{"content":0.5}}\n',
        b"\x00" * 100,
    ],
    ids=["no flow", "bytes for a flow", "a deep log of Codex", "a deep log of Claude Code", "no blocks", "zeros"],
)
def test_a_file_that_is_none_of_these_ends_nothing(tmp_path: Path, raw: bytes) -> None:
    """It is read as far as it goes, and named where it cannot be."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(raw)
    reader = Reader()
    assert list(reader.read(path)) == []
    assert all(str(path) in fault for fault in reader.failed)
