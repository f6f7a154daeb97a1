"""What a hostile prompt, page, command output or model may try, against the parts that meet it: each is refused.

The same through a real proxy: tests/e2e/test_trust.py.
"""

import gzip
import json
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from sample_conversations import ANTHROPIC, asked, body, result

from headroom_mitm.compressors import Level
from headroom_mitm.epochs import lineage
from headroom_mitm.errors import MissingOriginal, UnreadableBody
from headroom_mitm.roundtrip.answering import serve
from headroom_mitm.roundtrip.decoding import MOST_AT_ONCE, decoded, decoder, readable
from headroom_mitm.roundtrip.pages import Query, page
from headroom_mitm.router import Router, Source
from headroom_mitm.segments import Digest, Key, Rendering, digest, digest_of_text
from headroom_mitm.store import Decision, open_store
from headroom_mitm.store.sealing import Keys
from headroom_mitm.store.tenant import TenantStore
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.reply import HiddenCall
from headroom_mitm.wire.splice import splice

SECRET = "the launch code is 0000\n" * 40
DEEP = 200_000
BOMB = b" " * (MOST_AT_ONCE + 2**24)
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
        "/proc/self/environ\0",
        f"\0{FOREIGN.id}",
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


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../etc/passwd", "file:///etc/passwd", "/etc/passwd\0", "\0", "$..*", "__class__"]
)
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


def seconds(size: int, pattern: str) -> float:
    text = ("a" * 99 + "!\n") * (size // 100)
    began = time.thread_time()
    page(text, Query(search=pattern))
    return time.thread_time() - began


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*a){20}", "a" * 200, " ".join("ab") * 40, "(?=a)" * 40])
def test_a_search_takes_as_long_as_the_text_is(pattern: str) -> None:
    """Eight times the text, about eight times as long; a pattern that is tried over and over would take far longer."""
    short, long = (min(seconds(size, pattern) for _ in range(3)) for size in (25_000, 200_000))
    assert long < 30 * max(short, 0.001)


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


MEMBERS: dict[str, bytes] = {
    "gzip": gzip.compress(b" " * 2**20) * 200,
    "zstd": ENCODERS["zstd"](b" " * 2**20) * 200,
    "x-gzip": gzip.compress(b"") * 20_000 + gzip.compress(BOMB),
}


@pytest.mark.parametrize("encoding", MEMBERS)
def test_a_bomb_in_many_members_is_not_unfolded(encoding: str) -> None:
    """Each of them is harmless, and another begins where one ends."""
    with pytest.raises(UnreadableBody, match="stand for more than"):
        decoded(encoding, MEMBERS[encoding], MOST_AT_ONCE)
    assert readable(encoding, MEMBERS[encoding]) is None


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_bomb_in_another_is_not_looked_into(encoding: str) -> None:
    """One encoding is undone, and what comes of it is no JSON; several at once are none that we know."""
    inner = ENCODERS[encoding](BOMB[: 2**20])
    assert decoded(encoding, ENCODERS[encoding](inner), MOST_AT_ONCE) == inner
    for wire in BY_NAME.values():
        with pytest.raises(UnreadableBody):
            wire.read(inner)
    for several in (f"{encoding}, {encoding}", f"{encoding},identity", f"identity {encoding}"):
        with pytest.raises(UnreadableBody, match="a body in"):
            decoded(several, inner, MOST_AT_ONCE)


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


_HUGE = b"9" * 1_000_000
ODD_BODIES: dict[str, bytes] = {
    "a key twice": b'{"model":"a","messages":[],"input":[],"contents":[],"messages":[],"input":[],"contents":[]}',
    "a key twice in a message": b'{"model":"m","messages":[{"role":"user","content":"a","content":"b"}],'
    b'"input":[{"role":"user","content":"a","content":"b"}],"contents":[{"role":"user","role":"model","parts":[]}]}',
    "a huge number": b'{"model":"m","max_tokens":%b,"messages":[],"input":[],"contents":[]}' % _HUGE,
    "a huge exponent": b'{"model":"m","max_tokens":1e%b,"messages":[],"input":[],"contents":[]}' % _HUGE,
    "a model that is a number": b'{"model":%b,"messages":[],"input":[],"contents":[]}' % _HUGE,
}


ODD_TOOLS = [b"true", b"7", b'"x"', b'{"a":1}', b"[[1],null,2]", b"[" * 980 + b"]" * 980, b"9" * 5_000]


@pytest.mark.parametrize("wire", BY_NAME.values(), ids=BY_NAME)
@pytest.mark.parametrize("tools", ODD_TOOLS, ids=lambda raw: raw[:12].decode())
def test_what_is_declared_may_be_anything(wire: Any, tools: bytes) -> None:
    """A conversation has a name of its own all the same."""
    try:
        prompt = wire.read(b'{"model":"m","messages":[],"input":[],"contents":[],"tools":%b}' % tools)
    except UnreadableBody:
        return
    assert lineage(prompt)


@pytest.mark.parametrize("wire", BY_NAME.values(), ids=BY_NAME)
@pytest.mark.parametrize("raw", ODD_BODIES.values(), ids=ODD_BODIES)
def test_an_odd_body_is_unreadable_or_leaves_as_it_came(wire: Any, raw: bytes) -> None:
    """Two servers may read it in two ways: ours changes nothing in it."""
    try:
        prompt = wire.read(raw)
    except UnreadableBody:
        return
    assert prompt.segments == ()
    assert splice(prompt.body, []) is raw


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
