"""What the hooks do to flows: only prompts are touched, only where the user wants it, and only in their body."""

import asyncio
import gzip
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import brotli
import pytest
import zstandard
from mitmproxy import exceptions, http
from mitmproxy.flow import Error
from mitmproxy.net.encoding import encode
from mitmproxy.proxy import context as proxy_context
from mitmproxy.proxy import layer
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode
from mitmproxy.test import taddons, tflow, tutils
from sample_compressors import PHRASE, SMALL, Block, rows
from sample_conversations import SHORTENS, TOOLS, asked, body, declared, offers, result, texts

from headroom_mitm import answers, plugin, settings
from headroom_mitm.answers import LEG_OF
from headroom_mitm.compressors import Compressor
from headroom_mitm.hosts import HOSTS, allow_hosts_patterns
from headroom_mitm.plugin import Headroom
from headroom_mitm.router import Router
from headroom_mitm.service import Service
from headroom_mitm.settings import OPTIONS, Mode
from headroom_mitm.wording import TOOL_NAME

T = TypeVar("T")
TEXT = rows(SMALL)
SHORT = TEXT.replace(PHRASE, "WELL")
PROMPT = body(asked() + result("c1", TEXT))
ENCODED = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "deflate": lambda data: encode(data, "deflate"),
    "identity": bytes,
}
API_KEY = {"x-api-key": "sk-ant-api03-abc"}
LOGIN = {"authorization": "Bearer sk-ant-oat01-abc"}


class Proxy:
    """The addon in mitmproxy's own test context, with compressors whose work can be checked by eye."""

    def __init__(self, path: Path, options: dict[str, Any], compressors: tuple[Compressor, ...] = SHORTENS) -> None:
        self.addon = Headroom()
        self.context = taddons.context(self.addon)
        self.context.configure(self.addon, headroom_store=str(path), confdir=str(path.parent), **options)
        assert self.addon._service is not None
        self.addon._service.close()
        self.addon._service = Service(str(path), Router(compressors), keys=settings.keys(str(path)))
        self.addon.running()

    async def request(self, flow: http.HTTPFlow) -> http.HTTPFlow:
        """Let a client connect and make a request."""
        layers = HttpLayer(proxy_context.Context(flow.client_conn, self.context.options), HTTPMode.regular)
        nextlayer = layer.NextLayer(proxy_context.Context(flow.client_conn, self.context.options))
        nextlayer.layer = layers
        await self.context.master.addons.trigger_event(layer.NextLayerHook(nextlayer))
        await self.addon.request(flow)
        return flow

    def close(self) -> None:
        self.addon.done()


def prompt(
    content: bytes = PROMPT,
    headers: dict[str, str] | None = None,
    *,
    url: str = "https://api.anthropic.com/v1/messages",
) -> http.HTTPFlow:
    """Return the flow of a request that a client has just made."""
    request = http.Request.make("POST", url)
    request.headers.update({"accept-encoding": "gzip, br", "content-length": str(len(content))})
    request.headers.update(headers or API_KEY)
    request.raw_content = content  # as it came, whatever the headers say of it
    return tflow.tflow(req=request)


def state(flow: http.HTTPFlow) -> Any:
    """Return all that leaves, or is shown."""
    return flow.request.get_state(), flow.comment


def run(tmp_path: Path, work: Callable[[Proxy], Awaitable[T]], *compressors: Compressor, **options: Any) -> T:
    async def inside() -> T:
        proxy = Proxy(tmp_path / "store.sqlite", options, compressors or SHORTENS)
        try:
            return await work(proxy)
        finally:
            proxy.close()

    return asyncio.run(inside())


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written outside of the test's folder."""
    monkeypatch.setenv("HEADROOM_HOME", str(tmp_path / "home"))


def sent(tmp_path: Path, flow: http.HTTPFlow, **options: Any) -> http.HTTPFlow:
    """Return a flow as it leaves a fresh proxy."""
    return run(tmp_path, lambda proxy: proxy.request(flow), **options)


def test_a_prompt_is_rewritten(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its body and the length of it; one comment and one line in the log say what was saved."""
    caplog.set_level(logging.INFO)
    given = prompt()
    before = given.request.copy()
    flow = sent(tmp_path, given)
    assert texts(flow.request.raw_content or b"")["c1"] == SHORT
    assert flow.request.headers["content-length"] == str(len(flow.request.raw_content or b""))
    changed = {name for name, value in flow.request.headers.items() if before.headers.get(name) != value}
    assert changed == {"content-length"}
    assert flow.request.path == before.path
    assert flow.comment.startswith("headroom: anthropic_messages claude · ")
    assert "->" in flow.comment
    assert "\n" not in flow.comment
    assert [record.getMessage() for record in caplog.records if "->" in record.getMessage()] == [flow.comment]


@pytest.mark.parametrize("encoding", ENCODED)
def test_an_encoded_body_leaves_plain(tmp_path: Path, encoding: str) -> None:
    flow = sent(tmp_path, prompt(ENCODED[encoding](PROMPT), {"content-encoding": encoding}))
    assert texts(flow.request.raw_content or b"")["c1"] == SHORT
    assert "content-encoding" not in flow.request.headers
    assert flow.request.headers["content-length"] == str(len(flow.request.raw_content or b""))


@pytest.mark.parametrize("encoding", ENCODED)
def test_an_encoded_body_that_is_not_changed_stays_encoded(tmp_path: Path, encoding: str) -> None:
    """Only the comment is new."""
    given = prompt(ENCODED[encoding](body(asked(), tools=())), {"content-encoding": encoding})
    before = given.request.get_state()
    assert sent(tmp_path, given).request.get_state() == before


def test_a_chunked_body_stays_chunked(tmp_path: Path) -> None:
    given = prompt(headers={"transfer-encoding": "chunked"})
    del given.request.headers["content-length"]
    flow = sent(tmp_path, given)
    assert texts(flow.request.raw_content or b"")["c1"] == SHORT
    assert flow.request.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in flow.request.headers


def _answered() -> http.HTTPFlow:
    flow = prompt()
    flow.response = http.Response.make(403)
    return flow


def _replayed() -> http.HTTPFlow:
    flow = prompt()
    flow.is_replay = "request"
    return flow


def _failed() -> http.HTTPFlow:
    flow = prompt()
    flow.error = tflow.terr()
    return flow


def _later_leg() -> http.HTTPFlow:
    flow = prompt()
    flow.metadata[LEG_OF] = "another"
    return flow


def _streamed() -> http.HTTPFlow:
    flow = prompt()
    flow.request.stream = True
    return flow


def _without_body() -> http.HTTPFlow:
    flow = prompt()
    flow.request.raw_content = None
    return flow


def _asked_only() -> http.HTTPFlow:
    flow = prompt()
    flow.request.method = "GET"
    return flow


UNTOUCHED: dict[str, Callable[[], http.HTTPFlow]] = {
    "answered by another addon": _answered,
    "replayed": _replayed,
    "failed": _failed,
    "a later leg": _later_leg,
    "streamed": _streamed,
    "no body": _without_body,
    "a GET": _asked_only,
    "another host": lambda: prompt(url="https://example.com/v1/messages"),
    "another path": lambda: prompt(url="https://api.anthropic.com/v1/messages/count_tokens"),
    "another port": lambda: prompt(url="https://api.anthropic.com:8443/v1/messages"),
    "an empty body": lambda: prompt(b""),
    "no JSON": lambda: prompt(PROMPT[:-1]),
    "a repeated key": lambda: prompt(b'{"messages":[],' + PROMPT[1:]),
    "not gzip": lambda: prompt(PROMPT, {"content-encoding": "gzip"}),
    "half of gzip": lambda: prompt(gzip.compress(PROMPT)[:-30], {"content-encoding": "gzip"}),
    "half of br": lambda: prompt(brotli.compress(PROMPT)[:-30], {"content-encoding": "br"}),
    "not zstd": lambda: prompt(PROMPT, {"content-encoding": "zstd"}),
    "an unknown encoding": lambda: prompt(PROMPT, {"content-encoding": "snappy"}),
    "two encodings": lambda: prompt(gzip.compress(brotli.compress(PROMPT)), {"content-encoding": "br, gzip"}),
    "no encoding of bytes": lambda: prompt(PROMPT, {"content-encoding": "rot13"}),
    "an encoding of text": lambda: prompt(PROMPT, {"content-encoding": "utf8"}),
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_is_no_prompt_of_now_is_untouched(tmp_path: Path, name: str) -> None:
    given = UNTOUCHED[name]()
    before = state(given)
    assert state(sent(tmp_path, given)) == before


def test_a_body_that_is_too_large_is_untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "LARGEST_BODY", len(PROMPT))
    assert texts(sent(tmp_path, prompt()).request.content or b"")["c1"] == SHORT
    given = prompt(PROMPT + b" ")
    before = state(given)
    assert state(sent(tmp_path, given)) == before


@pytest.mark.parametrize("query", ["", "?beta=true"])
def test_the_query_does_not_matter(tmp_path: Path, query: str) -> None:
    flow = sent(tmp_path, prompt(url=f"https://api.anthropic.com/v1/messages{query}"))
    assert texts(flow.request.content or b"")["c1"] == SHORT


COMPRESSED, AUDITED, LEFT = "compressed", "audited", "left"
POLICIES = [
    ({}, API_KEY, COMPRESSED, False),
    ({"headroom_mode": "lossless"}, API_KEY, COMPRESSED, False),
    ({"headroom_mode": "audit"}, API_KEY, AUDITED, False),
    ({"headroom_mode": "off"}, API_KEY, LEFT, False),
    ({"headroom_subscription": "off"}, API_KEY, COMPRESSED, False),
    ({}, LOGIN, AUDITED, True),
    ({"headroom_subscription": "off"}, LOGIN, LEFT, True),
    ({"headroom_subscription": "compress"}, LOGIN, COMPRESSED, False),
    ({"headroom_subscription": "compress", "headroom_mode": "lossless"}, LOGIN, COMPRESSED, False),
    ({"headroom_subscription": "compress", "headroom_mode": "audit"}, LOGIN, AUDITED, False),
    ({"headroom_mode": "off"}, LOGIN, LEFT, False),
    ({"headroom_mode": "off", "headroom_subscription": "compress"}, LOGIN, LEFT, False),
]


@pytest.mark.parametrize(
    ("options", "headers", "done", "told"),
    POLICIES,
    ids=[" ".join([*options.values(), "login" if headers is LOGIN else "key"]) for options, headers, *_ in POLICIES],
)
def test_the_user_decides_who_is_served(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, options: Any, headers: Any, done: str, told: bool
) -> None:
    """Traffic with a login is rewritten only if the user says so, and the log says that once."""

    async def twice(proxy: Proxy) -> list[http.HTTPFlow]:
        return [await proxy.request(prompt(headers=headers)) for _ in range(2)]

    for flow in run(tmp_path, twice, **options):
        assert (flow.request.content == PROMPT) == (done != COMPRESSED)
        assert ("(audit, nothing changed)" in flow.comment) == (done == AUDITED)
        assert bool(flow.comment) == (done != LEFT)
    assert caplog.text.count("third-party use") == told


def test_excluded_tools_stay_as_they_are(tmp_path: Path) -> None:
    flow = sent(tmp_path, prompt(), headroom_exclude=["B*"])
    assert flow.request.content == PROMPT


def test_where_the_tool_is_offered_the_answer_must_be_readable(tmp_path: Path) -> None:
    flow = sent(tmp_path, prompt(body(asked())))
    assert declared(flow.request.content or b"") == ["Bash", "Read", TOOL_NAME]
    assert flow.request.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("content", "options"),
    [(body(asked()), {"headroom_mode": "lossless"}), (body(asked(), tools=()), {}), (PROMPT, {})],
    ids=["lossless", "no tools", "met in the middle"],
)
def test_elsewhere_the_answer_may_be_encoded(tmp_path: Path, content: bytes, options: Any) -> None:
    flow = sent(tmp_path, prompt(content), **options)
    assert flow.request.headers["accept-encoding"] == "gzip, br"


def test_a_connection_that_is_not_watched_gets_no_tool(tmp_path: Path) -> None:
    """Nobody could answer its calls: one that mitmproxy has not built a layer for, or that is gone."""

    async def unwatched(proxy: Proxy) -> http.HTTPFlow:
        flow = prompt(body(asked()))
        await proxy.addon.request(flow)
        return flow

    assert not offers(run(tmp_path, unwatched).request.content or b"")


def test_a_format_whose_answers_are_not_watched_gets_no_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "REPLIES", {})
    content = body(asked())
    assert sent(tmp_path, prompt(content)).request.content == content


def test_a_name_that_is_taken_is_not_taken_twice(tmp_path: Path) -> None:
    content = body(asked(), tools=(*TOOLS, {"name": TOOL_NAME, "input_schema": {}}))
    assert sent(tmp_path, prompt(content)).request.content == content


def test_at_the_deadline_the_original_leaves(tmp_path: Path) -> None:
    block = Block()

    async def late(proxy: Proxy) -> http.HTTPFlow:
        flow = await proxy.request(prompt())
        block.go_on.set()
        return flow

    flow = run(tmp_path, late, block, headroom_deadline="0.2")
    assert flow.request.content == PROMPT


def test_without_a_store_the_original_leaves(tmp_path: Path) -> None:
    """Nothing of a conversation that begins then is touched, and the client is not told."""
    (tmp_path / "store.sqlite").write_bytes(b"somebody's notes, named by mistake" * 100)
    given = prompt()
    before = given.request.get_state()
    assert sent(tmp_path, given).request.get_state() == before
    assert (tmp_path / "store.sqlite").read_bytes().startswith(b"somebody's notes")


def test_a_fault_of_ours_lets_the_original_through(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def closed(proxy: Proxy) -> http.HTTPFlow:
        assert proxy.addon._service is not None
        proxy.addon._service.close()
        return await proxy.request(prompt())

    flow = run(tmp_path, closed)
    assert flow.request.content == PROMPT
    assert "passes untouched" in caplog.text


def test_what_comes_after_the_end_is_cut(tmp_path: Path) -> None:
    """It would leave as it came, and its past may have left in another form; the client asks whoever comes next."""

    async def over(proxy: Proxy) -> tuple[http.HTTPFlow, http.HTTPFlow]:
        proxy.addon.done()
        other = prompt(url="https://example.com/")
        return await proxy.request(prompt()), await proxy.request(other)

    cut, other = run(tmp_path, over)
    assert cut.error is not None
    assert cut.error.msg == Error.KILLED_MESSAGE
    assert other.error is None


def test_before_it_is_configured_nothing_happens() -> None:
    given = prompt()
    before = state(given)
    asyncio.run(Headroom().request(given))
    assert state(given) == before


@pytest.mark.parametrize(
    ("url", "kind", "streamed"),
    [
        ("https://api.anthropic.com/v1/messages", "text/event-stream; charset=utf-8", True),
        ("https://api.anthropic.com/v1/messages", "application/json", False),
        ("https://api.openai.com/v1/responses", "text/event-stream", True),
        ("https://example.com/v1/messages", "text/event-stream", False),
        ("https://api.anthropic.com/v1/other", "text/event-stream", False),
    ],
)
@pytest.mark.parametrize("mode", [Mode.COMPRESS, Mode.OFF])
def test_events_of_prompts_are_not_held_back(tmp_path: Path, url: str, kind: str, streamed: bool, mode: Mode) -> None:
    """mitmproxy would wait until an answer is whole; that of others is none of our business."""

    async def answered(proxy: Proxy) -> http.HTTPFlow:
        flow = await proxy.request(prompt(body(asked(), tools=()), url=url))
        flow.response = tutils.tresp(headers=http.Headers(content_type=kind))
        proxy.addon._answers.responseheaders(flow)
        return flow

    flow = run(tmp_path, answered, headroom_mode=str(mode))
    assert flow.response is not None
    assert bool(flow.response.stream) is streamed


@pytest.mark.parametrize("stream", [True, bytes.upper], ids=["already", "by another addon"])
def test_what_another_addon_does_with_events_stays(tmp_path: Path, stream: Any) -> None:
    async def answered(proxy: Proxy) -> http.HTTPFlow:
        flow = await proxy.request(prompt())
        flow.response = tutils.tresp(headers=http.Headers(content_type="text/event-stream"))
        flow.response.stream = stream
        proxy.addon._answers.responseheaders(flow)
        return flow

    flow = run(tmp_path, answered)
    assert flow.response is not None
    assert flow.response.stream is stream


def test_options_are_declared_once_and_for_all(tmp_path: Path) -> None:
    async def names(proxy: Proxy) -> set[str]:
        known = proxy.context.options.keys()
        return {name for name in known if name.startswith("headroom_")}

    assert run(tmp_path, names) == {option.name for option in OPTIONS}


@pytest.mark.parametrize(
    "wrong",
    [
        {"headroom_mode": "fast"},
        {"headroom_store": "ftp://example.com"},
        {"headroom_store": "redis://"},
        {"headroom_hosts": ["https://example.com"]},
        {"headroom_deadline": "0"},
        {"headroom_mode": "off", "headroom_subscription": "always"},
    ],
    ids=str,
)
def test_a_wrong_option_is_refused_and_changes_nothing(tmp_path: Path, wrong: dict[str, Any]) -> None:
    async def tried(proxy: Proxy) -> http.HTTPFlow:
        service, before = proxy.addon._service, proxy.addon._settings
        with pytest.raises(exceptions.OptionsError, match=next(reversed(wrong))):
            proxy.context.configure(proxy.addon, **wrong)
        assert (proxy.addon._service, proxy.addon._settings) == (service, before)
        assert proxy.context.options.headroom_mode == "compress"
        return await proxy.request(prompt())

    assert texts(run(tmp_path, tried).request.content or b"")["c1"] == SHORT


def test_options_can_be_changed_while_it_runs(tmp_path: Path) -> None:
    """What was decided is replayed from the store that it was kept in, and from no other."""

    async def changed(proxy: Proxy) -> list[bytes | None]:
        left = [(await proxy.request(prompt())).request.content]
        for options in (
            {"headroom_mode": "off"},
            {"headroom_mode": "compress", "headroom_exclude": ["Bash"]},
            {"headroom_store": str(tmp_path / "other.sqlite")},
            {"headroom_store": str(tmp_path / "store.sqlite")},
        ):
            proxy.context.configure(proxy.addon, **options)
            left.append((await proxy.request(prompt())).request.content)
        return left

    left = [texts(content or b"")["c1"] for content in run(tmp_path, changed)]
    assert left == [SHORT, TEXT, SHORT, TEXT, SHORT]


def test_an_option_of_somebody_else_changes_nothing(tmp_path: Path) -> None:
    async def changed(proxy: Proxy) -> None:
        service = proxy.addon._service
        proxy.context.configure(proxy.addon, http2=False)
        assert proxy.addon._service is service

    run(tmp_path, changed)


OURS = allow_hosts_patterns(HOSTS)


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({}, OURS),
        ({"allow_hosts": ["example"]}, ["example"]),
        ({"ignore_hosts": ["example"]}, []),
        ({"headroom_hosts": ["llm.example.com"]}, [*OURS, r"^llm\.example\.com\.?:\d+$"]),
        ({"headroom_hosts": ["llm.example.com"], "allow_hosts": ["example"]}, ["example"]),
    ],
    ids=["nothing said", "allowed", "ignored", "a host of our own", "both"],
)
def test_only_llm_hosts_are_decrypted_unless_the_user_says_which(
    tmp_path: Path, options: dict[str, Any], allowed: list[str]
) -> None:
    async def seen(proxy: Proxy) -> list[str]:
        return list(proxy.context.options.allow_hosts)

    assert sorted(run(tmp_path, seen, **options)) == sorted(allowed)


@pytest.mark.parametrize(("options", "more"), [({}, True), ({"allow_hosts": ["example"]}, False)], ids=["ours", "own"])
def test_hosts_that_are_added_later_are_decrypted_too(tmp_path: Path, options: dict[str, Any], more: bool) -> None:
    async def changed(proxy: Proxy) -> list[str]:
        proxy.context.configure(proxy.addon, headroom_hosts=["llm.example.com"])
        return list(proxy.context.options.allow_hosts)

    assert any("llm" in pattern for pattern in run(tmp_path, changed, **options)) == more


@pytest.mark.parametrize(("given", "host"), [({}, "127.0.0.1"), ({"listen_host": "0.0.0.0"}, "0.0.0.0")], ids=str)
def test_it_listens_on_this_machine_unless_the_user_says_otherwise(
    tmp_path: Path, given: dict[str, Any], host: str
) -> None:
    async def seen(proxy: Proxy) -> str:
        return str(proxy.context.options.listen_host)

    assert run(tmp_path, seen, **given) == host


def test_a_script_that_is_loaded_again_watches_again() -> None:
    """mitmproxy does so when the file changes; what the first one added must not stand in the way."""
    context = taddons.context()
    for _ in range(2):
        addon = Headroom()
        context.master.addons.add(addon)
        assert context.master.addons.get("watchlayers") is context.master.addons.chain[-2]
        context.master.addons.remove(addon)
