"""Why less was read from the cache than the conversation's previous request had sent: a guess from what has changed."""

import struct
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from headroom_mitm import breakpoints, cache_terms
from headroom_mitm.ledger_entry import Asked, Entry
from headroom_mitm.ledger_sources import Composition
from headroom_mitm.recent import Recent
from headroom_mitm.segments import DIGEST_SIZE, Digest, Prompt, Reading

HIT = 0.8
"""Share of the previous prompt that a request reads where nothing has gone wrong."""
_REMEMBERED = 5_000
_USUAL_LIFETIME = 300.0
_FIGURES = struct.Struct(f"=dddI?{DIGEST_SIZE}s")
_SMALLEST = 1_024
"""Tokens below which no provider that we know keeps a prefix."""

FIRST, SHORT, MODEL, PAUSE, FRONT, HISTORY, UNKNOWN = (
    "first request",
    "short prompt",
    "another model",
    "pause",
    "tools or system prompt changed",
    "history changed",
    "unknown",
)


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    model: str
    input: int
    front: Digest
    lifetime: float
    messages: int
    declared: bool
    """Our tool was."""


class Misses:
    """Remembers the newest request of conversations. For one thread."""

    def __init__(self) -> None:
        self._by_reading: WeakKeyDictionary[Reading, _Seen] = WeakKeyDictionary()
        self._by_key: Recent[Digest, bytes] = Recent(_REMEMBERED)

    def turned(self, asked: Asked) -> bool:
        """Say whether our tool comes into a conversation with this request that went without it before."""
        prompt = asked.prompt
        if prompt is None or not (prompt.answered and asked.added) or asked.goes_on:
            return False
        before = self._before(asked, prompt)
        return before is None or not before.declared

    def of(self, asked: Asked, made: Entry, made_of: Composition) -> str:
        """Return the reason; empty where there is none to be had, or nothing was missed."""
        prompt, first, key = asked.prompt, made.first, asked.key
        if prompt is None or first is None or key is None:
            return ""
        before, is_known = self._before(asked, prompt), self._is_known(prompt)
        now = _Seen(
            asked.at,
            asked.model,
            first.input,
            made_of.front_digest,
            _lifetime(prompt),
            len(prompt.messages),
            bool(asked.added),
        )
        self._by_reading[prompt.reading] = now
        self._by_key.put(key, _packed(now))
        if before is None:
            return FIRST if not first.read else ""
        if first.read >= HIT * min(before.input, first.input):
            return ""
        return _reason(before, now, is_known=is_known)

    def _before(self, asked: Asked, prompt: Prompt) -> _Seen | None:
        known = self._by_reading.get(prompt.known.of) if prompt.known is not None else None
        return known or (_unpacked(self._by_key.get(asked.key)) if asked.key is not None else None)

    def _is_known(self, prompt: Prompt) -> bool:
        return prompt.known is not None and prompt.known.of in self._by_reading


def _packed(seen: _Seen) -> bytes:
    """Return it in less space: conversations are many, and each may go on after hours."""
    figures = _FIGURES.pack(seen.at, seen.input, seen.lifetime, seen.messages, seen.declared, seen.front)
    return figures + seen.model.encode("utf-8", "surrogatepass")


def _unpacked(packed: bytes | None) -> _Seen | None:
    if packed is None:
        return None
    at, size, lifetime, messages, declared, front = _FIGURES.unpack_from(packed)
    model = packed[_FIGURES.size :].decode("utf-8", "surrogatepass")
    return _Seen(at, model, round(size), front, lifetime, messages, declared)


def _reason(before: _Seen, now: _Seen, *, is_known: bool) -> str:
    if before.input < _SMALLEST:
        return SHORT
    if before.model != now.model:
        return MODEL
    if now.at - before.at > before.lifetime:
        return PAUSE
    if before.front != now.front:
        return FRONT
    if not is_known or now.messages < before.messages:
        return HISTORY
    return UNKNOWN


def _lifetime(prompt: Prompt) -> float:
    marked = [cache_terms.LIFETIMES[name] for name in breakpoints.lifetimes(prompt) if name in cache_terms.LIFETIMES]
    return max(marked, default=_USUAL_LIFETIME)
