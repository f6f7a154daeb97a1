"""What a hostile prompt, page, command output or model may try, against the parts that meet it: each is refused.

The same through a real proxy: tests/e2e/test_trust.py.
"""

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from sample_conversations import ANTHROPIC, asked, body, result

from headroom_mitm.compressors import Level
from headroom_mitm.errors import MissingOriginal, UnreadableBody
from headroom_mitm.roundtrip.answering import serve
from headroom_mitm.roundtrip.decoding import MOST_AT_ONCE, decoded, decoder
from headroom_mitm.roundtrip.pages import Query, page
from headroom_mitm.router import Router, Source
from headroom_mitm.segments import Digest, Key, Rendering, digest, digest_of_text
from headroom_mitm.store import Decision, open_store
from headroom_mitm.store.sealing import Keys
from headroom_mitm.store.tenant import TenantStore
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.reply import HiddenCall

SECRET = "the launch code is 0000\n" * 40
DEEP = 200_000
BOMB = b" " * (4 * MOST_AT_ONCE)
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "br": lambda data: brotli.compress(data, quality=3),
}


def known(name: str, text: str) -> Rendering:
    return Rendering(Key(digest(name.encode())), "short", digest_of_text(text), "log_lines/1", 2, False, 900, 30)


MINE, FOREIGN = known("mine", "my own text"), known("foreign", SECRET)
TEXTS = {MINE.original: "my own text", FOREIGN.original: SECRET}


def ask(**arguments: Any) -> str:
    """Return what a model of my conversation gets, on a store that has others' texts as well."""
    call = HiddenCall("call", json.dumps(arguments).encode())
    return serve(call, {MINE.id: MINE}, TEXTS.__getitem__).answered.text


def test_an_id_of_another_conversation_serves_nothing() -> None:
    """It does not tell either whether there is such a text: what nobody ever made is answered alike."""
    assert "launch" not in ask(id=FOREIGN.id)
    assert ask(id=FOREIGN.id).replace(FOREIGN.id, "") == ask(id="00000000").replace("00000000", "")
    assert "my own text" in ask(id=MINE.id)


@pytest.mark.parametrize(
    "wanted",
    [
        "../../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        f"{FOREIGN.id}/../{FOREIGN.id}",
        FOREIGN.original.hex(),
        FOREIGN.key.hex(),
        "' OR 1=1 --",
        "*",
        ["00000000"],
        {"$gt": ""},
        None,
        0,
    ],
    ids=str,
)
def test_what_is_no_id_of_the_conversation_serves_nothing(wanted: object) -> None:
    shown = ask(id=wanted)
    assert "There is no text with id" in shown
    assert "launch" not in shown
    assert "root:" not in shown


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "file:///etc/passwd", "$..*", "__class__"])
def test_a_path_leads_into_the_text_and_nowhere_else(path: str) -> None:
    shown = page('{"a": 1}', Query(path=path))
    assert shown.is_error
    assert "root:" not in shown.text


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "^(([a-z])+.)+[A-Z]([a-z])+$", ".*" * 60, "[", "(?P<x>"])
def test_a_search_is_for_the_characters_themselves(pattern: str) -> None:
    """No pattern takes longer than a look at each character: it is none."""
    text = "a" * 200_000 + "!\n" + f"here is {pattern} itself\n"
    shown = page(text, Query(search=pattern)).text
    assert shown.startswith("[1 lines")
    assert "here is" in shown


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_body_that_stands_for_too_much_is_not_unfolded(encoding: str) -> None:
    bomb = ENCODERS[encoding](BOMB)
    assert len(bomb) * 500 < len(BOMB)
    with pytest.raises(UnreadableBody, match="stand for more than"):
        decoded(encoding, bomb, MOST_AT_ONCE)
    decode = decoder(encoding)
    assert decode is not None
    with pytest.raises(UnreadableBody, match="stand for more than"):
        decode(bomb)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


DEEP_BODIES: dict[str, bytes] = {
    "all of it": nested(DEEP).encode(),
    "unclosed": b'{"messages":' + b'[{"a":' * DEEP,
    "a message": b'{"model":"m","max_tokens":9,"messages":[%b]}' % nested(DEEP).encode(),
    "a content": b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":%b}]}' % nested(DEEP).encode(),
    "an unknown field": b'{"model":"m","x":%b,"messages":[],"input":[],"contents":[]}' % nested(DEEP).encode(),
    "tools": b'{"model":"m","messages":[],"tools":%b,"input":[],"contents":[]}' % nested(DEEP).encode(),
}


@pytest.mark.parametrize("wire", BY_NAME.values(), ids=BY_NAME)
@pytest.mark.parametrize("raw", DEEP_BODIES.values(), ids=DEEP_BODIES)
def test_a_deep_body_is_unreadable_or_read(wire: Any, raw: bytes) -> None:
    """Nothing else: it leaves as it came, and the process lives on."""
    try:
        prompt = wire.read(raw)
    except UnreadableBody:
        return
    assert prompt.body is raw


DEEP_TEXTS = {
    "lists": nested(DEEP),
    "unclosed": '{"a":' * DEEP,
    "a little less": '{"a":' * 500 + "1" + "}" * 500,
    "elements": "<div>" * 20_000,
}


@pytest.mark.parametrize("text", DEEP_TEXTS.values(), ids=DEEP_TEXTS)
def test_a_deep_result_is_shortened_or_left(text: str) -> None:
    """Nothing breaks on what a command or a page prints."""
    segment = ANTHROPIC.read(body(asked() + result("c1", text))).segments[0]
    found = Router().render(Source(segment, text, None), frozenset(), lossy=True, level_of=lambda *_: Level.HARD)
    assert (found.key, found.original) == (segment.key, segment.digest)


@pytest.mark.parametrize("path", ["[0]", "[0][0][0]", "a.a.a"])
@pytest.mark.parametrize("text", [nested(DEEP), '{"a":' * DEEP + "1" + "}" * DEEP])
def test_a_path_into_a_deep_text_is_answered(text: str, path: str) -> None:
    assert page(text, Query(path=path)).text


def test_deep_arguments_of_our_tool_are_none() -> None:
    call = HiddenCall("call", b'{"id":' + nested(DEEP).encode() + b"}")
    assert "There is no text" in serve(call, {MINE.id: MINE}, TEXTS.__getitem__).answered.text


def test_another_tenant_gets_no_text_even_by_its_digest(tmp_path: Path) -> None:
    """Not even where both have sent the same, and one of them knows all that can be known of the other's."""
    with_keys = open_store(str(tmp_path / "s.sqlite"), keys=lambda: Keys((bytes(32),)))
    TenantStore(with_keys, "ann").freeze([Decision(FOREIGN, SECRET)])
    bob = TenantStore(with_keys, "bob")
    assert bob.recall([FOREIGN.key]) == {}
    for asked_for in (FOREIGN.original, Digest(FOREIGN.key)):
        with pytest.raises(MissingOriginal):
            bob.original(asked_for)
    with_keys.close()
