"""Texts as no tool would print them, calls of our tool as no model would make them."""

import json
import random
import time
from typing import Any

import msgspec
import mutations
import test_laws

from headroom_mitm import framing, parts, tokens
from headroom_mitm.compressors import COMPRESSORS, Compressor, Content, Level
from headroom_mitm.errors import MissingOriginal
from headroom_mitm.roundtrip.answering import serve
from headroom_mitm.roundtrip.pages import Query, page
from headroom_mitm.router import Router, Source
from headroom_mitm.segments import Digest, Key, Rendering, Role, Segment, Span, digest, digest_of_text
from headroom_mitm.store.packing import to_bytes
from headroom_mitm.wire import document, subject
from headroom_mitm.wire.reply import HiddenCall

LEAST_SECONDS = 0.4
"""CPU time below which nothing is called slow."""
MOST_GROWTH = 9
"""Of the time, where a text becomes four times as long: what grows with the square takes 16 times as long."""
MOST_TOKENS = 8_000
"""Of a page, its note and whatever is repeated of the question."""


def compressors(rng: random.Random) -> None:
    """The laws of tests/compressors/test_laws.py, for the compressors that know the text, and one more."""
    text = mutations.mutated_text(rng)[:12_000]
    content = Content(text)
    chosen = [one for one in COMPRESSORS if one.score(content) > 0.2]
    for compressor in {one.name: one for one in [*chosen[:3], rng.choice(COMPRESSORS)]}.values():
        found = test_laws.breaches(compressor, text)
        assert not found, f"{compressor.name}: {found}"


def growth(rng: random.Random) -> None:
    """A text that is four times as long takes about four times as long."""
    piece = mutations.mutated_text(rng)[: rng.choice((3, 30, 300))] + rng.choice(("", "\n", " "))
    if not piece:
        return
    compressor, level = rng.choice(COMPRESSORS), rng.choice(list(Level))
    short, long = (piece * (size // len(piece)) for size in (12_000, 48_000))
    if (slow := _seconds(compressor, long, level)) < LEAST_SECONDS:
        return
    ratio = slow / max(1e-6, min(_seconds(compressor, short, level) for _ in range(2)))
    assert ratio < MOST_GROWTH, f"{compressor.name} at {level.name}: {ratio:.0f} times as long, {slow:.1f} s"


def _seconds(compressor: Compressor, text: str, level: Level) -> float:
    began = time.thread_time()
    content = Content(text)
    compressor.score(content)
    compressor.compress(content, level)
    return time.thread_time() - began


def router(rng: random.Random) -> None:
    """What a text becomes has fewer tokens, can be sent, and comes again; what leaves something out says its id."""
    text = mutations.mutated_text(rng)
    if rng.random() < 0.2:
        text = rng.choice(mutations.WORDS) + text + rng.choice(mutations.WORDS)
    frame = framing.unframe(text)
    assert "".join(frame) == text
    segment = Segment(Span(0, 0), Role.TOOL, "call_1", 0, digest_of_text(text), len(text))
    source = Source(segment, text, None, edited=rng.random() < 0.3, is_old=rng.random() < 0.3)
    level, lossy = rng.choice(list(Level)), rng.random() < 0.7
    found = Router().render(source, frozenset(), lossy=lossy, level_of=lambda *_: level)
    assert found == Router().render(source, frozenset(), lossy=lossy, level_of=lambda *_: level)
    if found.text is None:
        return
    found.text.encode()
    assert tokens.count(found.text) < tokens.count(text)
    assert found.lossless or found.id in found.text
    assert lossy or found.lossless


KNOWN = Rendering(Key(digest(b"mine")), "short", Digest(bytes(16)), "log_lines/1", 2, False, 900, 30)
_LINES = ("1", "0", "-1", "3-", "2-1", "1-2", "7@3", "1@999999999", "99999999999", " 2 .. 3 ", "²", "٣", "1,2,3", "x")
_PATHS = ("a", "$", ".", "$.a[0]", 'a["b"]', "[0]", "a..b", "[*]", "a[-1]", "['x']", "a" * 1_001, "a." * 400, "../x")


def retrieve(rng: random.Random) -> None:
    """Whatever a model asks for: a page no longer than a page, of the text's own characters; nothing without its id."""
    text = mutations.mutated_text(rng)
    if rng.random() < 0.3:
        text = to_bytes(text).decode("utf-8", "replace").replace("\n", "")
    arguments = _arguments(rng, text)
    call = HiddenCall("call_1", arguments)
    served = serve(call, {KNOWN.id: KNOWN}, lambda _: text)
    assert served.text_id in {"", KNOWN.id}
    assert KNOWN.id.encode() in arguments or not served.text_id
    assert tokens.count(served.answered.text) < MOST_TOKENS
    served.answered.text.encode("utf-8", "surrogatepass")
    serve(call, {KNOWN.id: KNOWN}, _gone)
    query = Query(_lines(rng), _searched(rng, text), _path(rng))
    shown = page(text, query)
    assert tokens.count(shown.text) < MOST_TOKENS
    if query.search and not query.path and not query.lines and "no lines contain" in shown.text:
        assert not any(query.search.casefold() in line.casefold() for line in text.split("\n"))


def _gone(_: Digest) -> str:
    raise MissingOriginal("gone")


def _arguments(rng: random.Random, text: str) -> bytes:
    wanted: Any = rng.choice((KNOWN.id, f"id={KNOWN.id}]", "0a1b2c3d", [KNOWN.id], {"id": KNOWN.id}, 7, None))
    asked = {"id": wanted, "lines": _lines(rng), "search": _searched(rng, text), "path": _path(rng)}
    for name in list(asked):
        if rng.random() < 0.3:
            del asked[name]
        elif rng.random() < 0.2:
            asked[name] = mutations.value(rng)
    try:
        raw = msgspec.json.encode(asked)
    except UnicodeEncodeError:
        raw = b'{"id":"%b"}' % KNOWN.id.encode()
    return mutations.mutated(rng, raw, [raw], mutations.TOKENS, 2) if rng.random() < 0.3 else raw


def _lines(rng: random.Random) -> str:
    return rng.choice(("", "", *_LINES, f"{rng.randint(0, 400)}@{rng.randint(0, 9_000)}-{rng.randint(0, 400)}"))


def _path(rng: random.Random) -> str:
    return rng.choice(("", "", "", *_PATHS, mutations.text(rng, 5)))


def _searched(rng: random.Random, text: str) -> str:
    at = rng.randint(0, len(text))
    return rng.choice(("", text[at : at + rng.randint(0, 250)], mutations.text(rng, 3), "(a+)+$", "." * 300, "ß", "İ"))


def subjects(rng: random.Random) -> None:
    """What a call was about is told of whatever arguments, and its output is parted so that the parts are all of it."""
    arguments = {rng.choice(subject.NAMES): mutations.value(rng), "command": mutations.text(rng), "x": "y" * 500}
    raw = mutations.mutated_json(rng, json.dumps(arguments).encode())
    raw = mutations.mutated(rng, raw, [raw], mutations.TOKENS, 1)
    text = json.dumps(raw.decode("utf-8", "replace")).encode()
    told = (subject.of_object(raw, document.whole(raw)), subject.of_string(text, document.whole(text)))
    assert all(len(each) <= subject.LONGEST for each in told)
    output = mutations.mutated_text(rng)
    split = parts.split(output, rng.choice((*told, "cat a; echo '---'; cat b", 'echo "$x"; ls')))
    assert "".join(part.text for part in split) == output
