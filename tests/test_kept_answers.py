"""A client that reads an answer again by its id meets nothing of ours, and whatever is not ours as it came."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import taddons, tflow, tutils

from headroom_mitm.kept_answers import KeptAnswers
from headroom_mitm.plugin import Headroom
from headroom_mitm.roundtrip.links import Link
from headroom_mitm.segments import digest
from headroom_mitm.wire.reply import Kept
from headroom_mitm.wording import TOOL_NAME

CALL: dict[str, Any] = {"type": "function_call", "call_id": "call_1", "name": TOOL_NAME, "arguments": "{}"}
SAID: dict[str, Any] = {"type": "message", "role": "assistant", "content": []}
RAW = json.dumps({"id": "resp_1", "output": [CALL, SAID]}, indent=1).encode()
SHOWN = {"id": "resp_1", "output": [SAID]}
URL = "https://api.openai.com/v1/responses/resp_1"


@pytest.fixture
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written outside of the test's folder."""
    monkeypatch.setenv("HEADROOM_HOME", str(tmp_path / "home"))


def read_again(folder: Path, flow: http.HTTPFlow) -> http.Response:
    """Return what the client gets, by a proxy that has watched one answer."""

    async def inside() -> None:
        addon = Headroom()
        with taddons.context(addon) as context:
            context.configure(addon, headroom_store=str(folder / "store.sqlite"), confdir=str(folder))
            assert addon._service is not None
            addon._service.link(Link(Kept("resp_1", "resp_2", ()), digest(b"head"), {}))
            (hidden,) = (one for one in addon.addons if isinstance(one, KeptAnswers))
            hidden.request(flow)
            flow.request.host = "127.0.0.1"  # as an addon does that leads requests elsewhere
            await hidden.response(flow)
            addon.done()

    asyncio.run(inside())
    assert flow.response is not None
    return flow.response


def asked(url: str = URL, raw: bytes = RAW, method: str = "GET", status: int = 200, **headers: str) -> http.HTTPFlow:
    given = http.Headers(**{"content-type": "application/json", "content-length": str(len(raw)), **headers})
    response = tutils.tresp(status_code=status, headers=given, content=raw)
    return tflow.tflow(req=http.Request.make(method, url), resp=response)


@pytest.mark.usefixtures("_at_home")
@pytest.mark.parametrize("encoding", ["", "gzip"])
@pytest.mark.parametrize("path", ["", "?include=x", "/input_items?limit=5"])
def test_our_calls_are_not_in_it(tmp_path: Path, path: str, encoding: str) -> None:
    """Whatever it is encoded as; its length is right."""
    flow = asked(URL + path, gzip.compress(RAW), content_encoding="gzip") if encoding else asked(URL + path)
    shown = read_again(tmp_path, flow)
    assert json.loads(shown.raw_content or b"") == SHOWN
    assert shown.headers["content-length"] == str(len(shown.raw_content or b""))
    assert "content-encoding" not in shown.headers


OTHERS: dict[str, http.HTTPFlow] = {
    "another answer": asked(URL + "0"),
    "another host": asked("https://example.com/v1/responses/resp_1"),
    "another path": asked(URL + "/cancel"),
    "made, not read": asked(method="POST"),
    "an error": asked(status=404),
    "events": asked(raw=b"data: " + RAW, content_type="text/event-stream"),
    "an unknown encoding": asked(content_encoding="odd"),
    "not whole": asked(raw=RAW[:-3]),
    "nothing of ours": asked(raw=b'{"output": []}'),
    "empty": asked(raw=b""),
}


@pytest.mark.usefixtures("_at_home")
@pytest.mark.parametrize("flow", OTHERS.values(), ids=OTHERS)
def test_all_else_goes_as_it_came(tmp_path: Path, flow: http.HTTPFlow) -> None:
    assert flow.response is not None
    before = flow.response.get_state()
    assert read_again(tmp_path, flow).get_state() == before
