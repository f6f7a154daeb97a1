"""What fuzzers begin with, and what they do to it. All draws come from one generator, so whoever gives it decides."""

import functools
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from headroom_mitm.wording import NOTE, TOOL_NAME, marker

T = TypeVar("T", str, bytes)

_TESTS = Path(__file__).resolve().parent.parent
_LONGEST = 24_000
"""Characters of a sample; what depends on the length is asked of texts made for it."""

WORDS = (
    *("", " ", "\n", "\r\n", "\r", "\t", "\x00", "\x1b[31m", "\ufeff", "\u2028", "\x85", "é", "𝄞", "\ud83d", "ß", "İ"),
    *('"', "\\", "\\u", "\\ud800", "{", "}", "[", "]", ",", ":", "null", "true", "-0", "1e400", "NaN", "9" * 30),
    *("error", "Error: x", "FAILED", "17", "0.1", "-", "|", "~~~", "$1", "<a>", "</div>", "&amp;", "#", "@@ -1 +1 @@"),
    *("[x 3]", "{as in the call}", "Exit code 1\n", "<output>", "</output>", "2026-01-02T03:04:05Z", "a/b/c.py:3:4"),
    *(TOOL_NAME, NOTE, marker("lines 2-3 of 3", "0a1b2c3d"), "[3 lines above]", "[same as above]"),
)
TOKENS = (
    *(word.encode("utf-8", "surrogatepass") for word in WORDS),
    *(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"data: ", b"event: x", b"\n\n", b"[DONE]"),
    *(b'"type"', b'"id"', b'"role"', b'"content"', b'"tool_result"', b'"cache_control"', b'{"a":1,"a":2}', b"[" * 400),
)


@functools.cache
def texts() -> tuple[str, ...]:
    """Return texts that compressors are made for, each up to a length."""
    files = sorted((_TESTS / "golden").glob("*/*"))
    found = (path.read_bytes().decode().partition("\n# output\n")[0][:_LONGEST] for path in files if path.is_file())
    return tuple(found)


@functools.cache
def bodies(wire: str) -> tuple[bytes, ...]:
    """Return requests in a format."""
    return tuple(path.read_bytes() for path in sorted((_TESTS / "wire_bodies" / wire).glob("*.json")))


def text(rng: random.Random, most: int = 40) -> str:
    """Return a text of words and odd characters."""
    return "".join(character(rng) if rng.random() < 0.5 else rng.choice(WORDS) for _ in range(rng.randint(0, most)))


def character(rng: random.Random) -> str:
    """Return a character: mostly ASCII, now and then any, half a pair of surrogates among them."""
    return chr(rng.randrange(32, 127) if rng.random() < 0.9 else rng.randrange(0x11_0000))


def value(rng: random.Random, depth: int = 3) -> Any:
    """Return a value of JSON."""
    kind = rng.randrange(8 if depth else 6)
    if kind < 6:
        return (None, True, rng.randint(-(2**70), 2**70), rng.random() * 1e9, text(rng, 4), "")[kind]
    if kind == 6:
        return [value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    return {text(rng, 2): value(rng, depth - 1) for _ in range(rng.randint(0, 3))}


def mutated(rng: random.Random, given: T, others: Sequence[T], pieces: Sequence[T], most: int = 6) -> T:
    """Return a text, or bytes, with some things cut out, repeated, spoiled, or put in from others."""
    for _ in range(rng.randint(0, most)):
        given = _once(rng, given, others, pieces)
    return given


def mutated_text(rng: random.Random) -> str:
    """Return one of the texts that compressors are made for, or a random one, damaged."""
    known = texts()
    return mutated(rng, rng.choice(known) if rng.random() < 0.9 else text(rng), known, WORDS)


def mutated_json(rng: random.Random, raw: bytes) -> bytes:
    """Return a document in which some values are others; what is no JSON comes back as it is."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    for _ in range(rng.randint(1, 4)):
        _spoil(rng, document)
    written = json.dumps(document, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    if rng.random() < 0.05:
        depth = rng.choice((20, 200, 900, 950, 1_000, 5_000)) + rng.randint(0, 40)
        written = written.replace(b"null", rng.choice((b"[" * depth + b"]" * depth, b"1e999", b"9" * 5_000)), 1)
    return written


def cut(rng: random.Random, data: bytes, most: int = 20) -> list[bytes]:
    """Return bytes in pieces."""
    places = sorted(rng.randint(0, len(data)) for _ in range(rng.randint(0, most)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def _once(rng: random.Random, given: T, others: Sequence[T], pieces: Sequence[T]) -> T:
    start = rng.randint(0, len(given))
    end = min(len(given), start + rng.choice((0, 1, 1, 2, 10, 100, 1000)))
    inside, kind = given[start:end], rng.randrange(6)
    if kind == 0:
        return given[:start] + given[end:]
    if kind == 1:
        return given[:end] + inside * rng.randint(1, 4) + given[end:]
    if kind == 2:
        other = rng.choice(others)
        place = rng.randint(0, len(other))
        return given[:start] + other[place : place + rng.choice((10, 100, 1000))] + given[end:]
    if kind == 3:
        return given[:start] if rng.random() < 0.5 else given[start:]
    if kind == 4 and isinstance(given, bytes):
        return given[:start] + rng.randbytes(end - start) + given[end:]
    return given[:start] + rng.choice(pieces) + given[end:]


def _spoil(rng: random.Random, document: Any) -> None:
    """Put another value, or none, in some place of a document."""
    held = document
    for _ in range(rng.randint(0, 8)):
        inner = [each for each in _inside(held) if isinstance(each, dict | list) and each]
        if not inner:
            break
        held = rng.choice(inner)
    if isinstance(held, list) and held:
        at: Any = rng.randrange(len(held))
    elif isinstance(held, dict) and held:
        at = rng.choice(list(held))
    else:
        return
    kind = rng.randrange(5)
    if kind == 0:
        del held[at]
    elif kind == 1 and isinstance(held, list):
        held.insert(at, held[at])
    else:
        held[at] = (value(rng), text(rng), [held[at]])[kind - 2]


def _inside(held: Any) -> list[Any]:
    return list(held.values()) if isinstance(held, dict) else held if isinstance(held, list) else []
