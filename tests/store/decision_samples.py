"""Decisions for the tests of the stores, named by a word."""

from headroom_mitm.segments import Key, Rendering, digest, digest_of_text
from headroom_mitm.store import Decision

TEXTS = {
    "empty": "",
    "ascii": "2 passed in 0.1s\n",
    "nul": "a\0b\0",
    "surrogates": "cut \ud83d in the middle, \udc80 alone",
    "astral": "\U0001f600 é \u2028",
    "line ends": "a\r\nb\rc\n",
    "one megabyte": "".join(f"{number} ok\n" for number in range(110_000)),
}


def key(name: str) -> Key:
    return Key(digest(name.encode()))


def lossy(name: str, text: str = "short", original: str = "a long text") -> Decision:
    """A decision for the call ``name`` that leaves something out, so that the original is kept."""
    rendering = Rendering(key(name), text, digest_of_text(original), "log_lines/1", 2, False, 900, 30)
    return Decision(rendering, original)


def lossless(name: str, text: str = "shorter", original: str = "a long text") -> Decision:
    return Decision(
        Rendering(key(name), text, digest_of_text(original), "json_records/1", 0, True, 900, 300, key("its base"))
    )


def raw(name: str, original: str = "a long text") -> Decision:
    return Decision(Rendering(key(name), None, digest_of_text(original), "deadline", 0, True, 900, 900))
