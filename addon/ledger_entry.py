"""One request with its answer, as the ledger keeps it: pure, from what was sent and what the provider reported."""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from headroom_mitm import breakpoints, families, tokens
from headroom_mitm.ledger_figures import CHANGED, Calibrated, Sums, Tokens
from headroom_mitm.ledger_money import Bill, Change, Priced, Sent, bill, without
from headroom_mitm.ledger_sources import Composition, size_of
from headroom_mitm.prices import provider_of
from headroom_mitm.segments import Digest, Edit, Key, Prompt, Rendering, Role, Segment, digest
from headroom_mitm.sizes import counted_of
from headroom_mitm.usage import Counted
from headroom_mitm.wire import document
from headroom_mitm.wire.continued import goes_on

_CLIENTS = (
    ("claude-cli", "claude-code"),
    ("codex", "codex"),
    ("geminicli", "gemini-cli"),
    ("opencode", "opencode"),
    ("ai-sdk", "ai-sdk"),
    ("aider", "aider"),
    ("litellm", "litellm"),
    ("cline", "cline"),
    ("roo", "roo-code"),
    ("githubcopilot", "copilot"),
    ("openhands", "openhands"),
    ("goose", "goose"),
    ("anthropic/python", "anthropic-python"),
    ("anthropic/js", "anthropic-js"),
    ("openai/python", "openai-python"),
    ("openai/js", "openai-js"),
    ("google-genai", "google-genai"),
    ("curl", "curl"),
)
"""What user agents hold, and the name under which the ledger has them."""
OTHER = "other"
_LONGEST_NAME = 60
_UNNAMED = re.compile(r"[^\w.:/@+ -]")
_MODEL_IN_PATH = re.compile(r"/(?:models|deployments)/([^/:?]+)")


@dataclass(frozen=True)
class Asked:
    """A request, as it left. What follows from it is asked for again and again, and found out once."""

    at: float
    """Seconds since the epoch."""
    host: str
    path: str
    wire: str
    agent: str
    """The user agent."""
    arm: str
    account: Digest
    prompt: Prompt | None = None
    """None where the body could not be read, or not in time."""
    known: Mapping[Key, Rendering] = field(default_factory=dict)
    """What its texts have become, or would have."""
    added: tuple[Edit, ...] = ()
    """What the model reads in it and the client did not send."""
    behind: "Behind | None" = None
    """The answer that it goes on from, if that is known."""
    turned: bool = False
    """Our tool is declared in it, and was not in the conversation's previous request, as far as that is known."""

    @functools.cached_property
    def model(self) -> str:
        """Its name; some formats have it in the path."""
        named = self.prompt.model if self.prompt is not None else ""
        found = _MODEL_IN_PATH.search(self.path)
        return bounded(named or (found[1] if found else "") or "unknown")

    @functools.cached_property
    def client(self) -> str:
        """What sent it, of those that are known by name."""
        agent = self.agent.lower()
        return next((name for part, name in _CLIENTS if part in agent), OTHER)

    @functools.cached_property
    def key(self) -> Digest | None:
        """What its conversation is known by."""
        if self.behind is not None:
            return self.behind.key
        return digest(self.prompt.head, self.account) if self.prompt is not None else None

    @functools.cached_property
    def day(self) -> str:
        """In UTC."""
        return str(datetime.fromtimestamp(self.at, UTC).date())

    @property
    def goes_on(self) -> bool:
        """It goes on from an answer that the provider keeps: its body holds only what is new."""
        return self.prompt is not None and goes_on(self.prompt)


@dataclass(frozen=True, slots=True)
class Behind:
    """What is known of an answer that its provider keeps, and of all that stands before it."""

    key: Digest
    """Of its conversation."""
    taken: float
    """Estimated tokens by which we have made the conversation shorter up to there."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written down of one request."""

    sums: Sums
    alone: Counted | None
    """The first round's prompt without us, in the provider's tokens; None where nothing was reported."""
    first: Counted | None
    bill: Bill | None
    sources: Mapping[str, Tokens]
    tools: Mapping[str, Tokens]
    compressors: Mapping[str, Tokens]
    estimated: int
    """Tokens of the prompt as it left, by our own count; 0 where that cannot be told."""
    taken: float = 0.0
    """Estimated tokens by which we have made the conversation shorter up to here."""


def entry(
    asked: Asked, legs: tuple[Counted, ...], retrieved: int, made_of: Composition | None, calibrated: Calibrated
) -> Entry:
    """Return what is to be written down."""
    texts = _texts(asked)
    first = legs[0] if legs else None
    sent = _sent(asked, made_of, first, calibrated.ratio) if made_of is not None else None
    is_changed = asked.arm == CHANGED
    alone = without(first, sent) if first is not None and sent is not None and is_changed else first
    priced = Priced(provider_of(asked.host, asked.model), asked.model, asked.day)
    billed = None
    if alone is not None:
        billed = bill(legs, alone, priced, calls=retrieved, marked=is_changed and _is_ours_alone(asked))
    total = sum(legs, Counted())
    sums = Sums(
        requests=1,
        legs=max(1, len(legs)),
        retrieved=retrieved,
        measured=int(first is not None),
        priced=int(billed is not None),
        texts_before=sum(text.before for text in texts),
        texts_after=sum(text.after for text in texts),
        **{name: getattr(total, name) for name in ("fresh", "read", "write_5m", "write_1h", "output")},
    )
    if billed is not None:
        sums = replace(sums, paid=billed.paid, without=billed.without, rounds=billed.rounds, caching=billed.caching)
    return Entry(
        sums,
        alone,
        first,
        billed,
        sources=_sources(asked, made_of, texts),
        tools=_summed((text.tool, text) for text in texts),
        compressors=_summed((text.compressor, text) for text in texts if text.compressor),
        estimated=round(sent.total) if sent is not None and not asked.goes_on else 0,
        taken=-sum(change.by for change in sent.changes) if sent is not None else 0.0,
    )


def figures(asked: Asked, made: Entry, legs: tuple[Counted, ...], retrieved: tuple[str, ...]) -> dict[str, Any]:
    """Return what a flow is told of its request: numbers, names and lists of them only."""
    total = sum(legs, Counted())
    sums = made.sums
    found: dict[str, Any] = {
        "format": asked.wire,
        "provider": provider_of(asked.host, asked.model),
        "model": asked.model,
        "client": asked.client,
        "arm": asked.arm,
        "conversation": asked.key.hex() if asked.key is not None else None,
        "prompt_before": made.alone.input if made.alone is not None else None,
        "prompt_after": made.first.input if made.first is not None else None,
        "texts_before": sums.texts_before,
        "texts_after": sums.texts_after,
        "cache": sums.cache_share if legs else None,
        "usage": {name: getattr(total, name) for name in ("fresh", "read", "write_5m", "write_1h", "output")}
        if legs
        else None,
        "legs": sums.legs,
        "retrieved": list(retrieved),
        "paid": made.bill.paid if made.bill is not None else None,
        "without": made.bill.without if made.bill is not None else None,
        "saved": made.bill.saved if made.bill is not None else None,
        "caching": made.bill.caching if made.bill is not None else None,
        "sources": {name: [one.before, one.after] for name, one in made.sources.items()},
        "compressors": {name: [one.before, one.after] for name, one in made.compressors.items()},
    }
    return found


@functools.lru_cache(maxsize=1_024)
def bounded(name: str) -> str:
    """Return a name that can stand in one of ours: short, and without bars."""
    return _UNNAMED.sub("_", name)[:_LONGEST_NAME].strip() or OTHER


class _Text(NamedTuple):
    tool: str
    compressor: str
    before: int
    after: int
    is_said: bool
    """It stands in the user's place."""


def _texts(asked: Asked) -> list[_Text]:
    """Return all texts of a request: hundreds, so it matters what is done for each."""
    prompt, found = asked.prompt, list[_Text]()
    body = prompt.body if prompt is not None else b""
    for segment in prompt.segments if prompt is not None else ():
        rendering, tool = asked.known.get(segment.key), _tool(prompt, segment)
        is_said = segment.role is Role.USER
        if rendering is None or rendering.is_raw:
            size = tokens.estimate(segment.size) if rendering is None else rendering.tokens_before
            found.append(_Text(tool, "", size, size, is_said))
        else:
            compressor = _unversioned(rendering.compressor)
            before = counted_of(rendering.before, functools.partial(document.string, body, segment.span))
            found.append(_Text(tool, compressor, before, rendering.tokens_after, is_said))
    return found


def _tool(prompt: Prompt | None, segment: Segment) -> str:
    call = prompt.calls.get(segment.call_id) if prompt is not None else None
    return bounded(families.family(call)) if call is not None and call.name else OTHER


@functools.lru_cache(maxsize=256)
def _unversioned(compressor: str) -> str:
    return bounded(compressor.partition("/")[0])


def _summed(texts: Iterable[tuple[str, _Text]]) -> dict[str, Tokens]:
    found: dict[str, tuple[int, int]] = {}
    for name, text in texts:
        before, after = found.get(name, (0, 0))
        found[name] = before + text.before, after + text.after
    return {name: Tokens(*sums) for name, sums in found.items()}


def _sources(asked: Asked, made_of: Composition | None, texts: list[_Text]) -> dict[str, Tokens]:
    """Return tokens by source; what stands in the user's place and came from a command, came from a command."""
    if made_of is None:
        return {}
    found = made_of.by_source
    said = min(found["user"], sum(text.before for text in texts if text.is_said))
    found["user"] -= said
    found["results"] += said
    saved = sum(text.before - text.after for text in texts)
    changed = {name: Tokens(size, size) for name, size in found.items() if size}
    if saved and "results" in changed:
        results = found["results"]
        changed["results"] = Tokens(results, max(0, results - saved))
    if asked.arm == CHANGED and asked.added:
        changed["ours"] = Tokens(0, sum(size_of(asked.added).values()))
    return changed


def _is_ours_alone(asked: Asked) -> bool:
    """Say whether the client lets nothing be cached that is only cached where it is marked."""
    prompt = asked.prompt
    return prompt is not None and prompt.blocks is not None and not breakpoints.lifetimes(prompt)


def _sent(asked: Asked, made_of: Composition, first: Counted | None, ratio: float) -> Sent | None:
    """Return the prompt as it left."""
    prompt = asked.prompt
    if prompt is None:
        return None
    found: list[tuple[int, float, float]] = []
    if asked.arm == CHANGED:
        for segment in prompt.segments:
            rendering = asked.known.get(segment.key)
            if rendering is not None and not rendering.is_raw:
                by = rendering.tokens_after - rendering.tokens_before
                found.append((segment.span.start, float(rendering.tokens_after), float(by)))
        found += [(at, float(size), float(size)) for at, size in size_of(asked.added).items()]
    found.sort()
    shift, changes = 0.0, list[Change]()
    behind, begins = float(made_of.sent_before), 0.0
    places = made_of.before(prompt, [at for at, _, _ in found])
    for place, (_, size, added) in zip(places, found, strict=True):
        begins += added * (place < behind)
        changes.append(Change(place + shift, size, added, is_old=place < behind))
        shift += added
    total = made_of.total + shift
    if not asked.goes_on:
        return Sent(total, behind + begins, changes, ratio, turned=asked.turned)
    # All before it is with the provider, with what we have taken from it.
    upstream = max(0.0, (first.input if first is not None else 0) / ratio - total)
    changes = [Change(one.at + upstream, one.size, one.by, is_old=False) for one in changes]
    if asked.behind is not None and asked.behind.taken:
        changes.insert(0, Change(0.0, 0.0, -asked.behind.taken, is_old=True))
    return Sent(total + upstream, upstream, changes, ratio)
