"""Requests as no client would send them: what is read of them, and what leaves instead."""

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import mutations
from wire_talks import Round, Talk, body

from headroom_mitm.aligner import Aligner
from headroom_mitm.caching import Wishes
from headroom_mitm.compressors import COMPRESSORS, Level
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.pipeline import Outcome, Pipeline, Policy, Ticket
from headroom_mitm.roundtrip.rounds import Retold
from headroom_mitm.router import Router
from headroom_mitm.segments import Digest, Prompt
from headroom_mitm.store import Store, open_store
from headroom_mitm.wire import BY_NAME, WIRES, document
from headroom_mitm.wire.base import Chaining, Wire
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.splice import splice, text_edit

NAMES = tuple(BY_NAME)
TOOLS = ("Bash", "Read", "ls", "shell", "read")
NOW = 1_800_000_000.0


def request(rng: random.Random) -> tuple[Wire, bytes]:
    """Return a body and a format, mostly that of the body."""
    name = rng.choice(NAMES)
    raw = body(name, _talk(rng)) if rng.random() < 0.6 else rng.choice(mutations.bodies(name))
    if rng.random() < 0.6:
        raw = mutations.mutated_json(rng, raw)
    if rng.random() < 0.4:
        raw = mutations.mutated(rng, raw, mutations.bodies(rng.choice(NAMES)), mutations.TOKENS)
    return (rng.choice(WIRES) if rng.random() < 0.1 else BY_NAME[name]), raw


def _talk(rng: random.Random) -> Talk:
    rounds = tuple(
        Round(
            mutations.text(rng, 3),
            tuple(tuple(_output(rng) for _ in range(rng.randint(1, 2))) for _ in range(rng.randint(0, 3))),
            rng.random() < 0.5,
        )
        for _ in range(rng.randint(0, 3))
    )
    return Talk(mutations.text(rng, 3), rounds, rng.getrandbits(32))


def _output(rng: random.Random) -> str:
    found = mutations.mutated_text(rng)[:8_000] if rng.random() < 0.5 else mutations.text(rng, 4)
    return found.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")


def wire(rng: random.Random) -> None:
    """A body is read exactly or not at all, and only named spans change."""
    form, raw = request(rng)
    try:
        prompt = form.read(raw)
    except UnreadableBody:
        return
    assert prompt.body is raw
    assert splice(raw, []) is raw
    assert form.read(raw) == prompt
    for segment in prompt.segments:
        text = document.string(raw, segment.span)
        assert len(text) == segment.size
        assert json.loads(raw[slice(*segment.span)]) == text
    chosen = [segment for segment in prompt.segments if rng.random() < 0.5]
    edits = [text_edit(segment.span, f"new {number}") for number, segment in enumerate(chosen)]
    declared = form.declare(prompt, "tool", "what it does", b'{"type":"object"}')
    changed = splice(raw, edits + ([declared] if declared else []))
    assert _is_json(changed) or not _is_json(raw)
    again = form.read(changed)
    assert len(again.segments) == len(prompt.segments)
    assert _told(again) == _told(prompt)
    _chained(rng, form, raw)


def _chained(rng: random.Random, form: Wire, raw: bytes) -> None:
    if not isinstance(form, Chaining):
        return
    try:
        form.may_go_on(raw)
        answers = [Answered(HiddenCall("call_1", b"{}"), "what it brought")] if rng.random() < 0.5 else []
        if form.previous(raw):
            assert _is_json(form.relinked(raw, "resp_0", answers)) or not _is_json(raw)
        form.opened(rng.choice(mutations.bodies("openai_responses")), raw)
    except UnreadableBody:
        return


def _told(prompt: Prompt) -> Any:
    """Return what an edit of texts does not change. Where calls have no ids, those made for them follow from texts."""
    return prompt.model, prompt.streamed, sorted((call.name, call.subject) for call in prompt.calls.values())


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True


class Proxy:
    """A pipeline with the compressors that there are."""

    def __init__(self, store: Store) -> None:
        retold = Retold(store, lambda: NOW)
        self._pipeline = Pipeline(Aligner(store, lambda: NOW), Router(COMPRESSORS), retold, lambda: NOW)

    def outcome(self, form: Wire, raw: bytes, policy: Policy, *, late: bool) -> Outcome:
        """Do what the service does."""
        prompt, plan = self._pipeline.plan(form, raw, policy)
        ticket = Ticket()
        done = None
        if not plan.is_settled and not (late and ticket.take()):
            done = self._pipeline.complete(form, prompt, plan, policy, ticket)
        if done is not None:
            return done
        settled = self._pipeline.settled(form, plan, policy)
        if not plan.is_settled:
            self._pipeline.give_up(prompt, plan, "deadline")
            self._pipeline.keep()
        return settled


def _policy(rng: random.Random) -> Policy:
    excluded = frozenset(rng.sample(TOOLS, rng.randint(0, 2)))
    return Policy(
        change=rng.random() < 0.9,
        lossy=rng.random() < 0.8,
        answerable=rng.random() < 0.9,
        excludes=excluded.__contains__,
        account=Digest(bytes(16)),
        pins={rng.choice((*TOOLS, "log_lines")): rng.choice(list(Level))} if rng.random() < 0.5 else {},
        caching=Wishes(
            takes_key=rng.random() < 0.5, chooses_lifetime=rng.random() < 0.5, orders_tools=rng.random() < 0.3
        ),
    )


def pipeline(rng: random.Random) -> None:
    """Whatever policy: what leaves is a request of the same conversation, and leaves in the same bytes for ever."""
    form, raw = request(rng)
    policy = _policy(rng)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "store.sqlite"))
        try:
            _same_for_ever(rng, form, raw, policy, store)
        finally:
            store.close()


def _same_for_ever(rng: random.Random, form: Wire, raw: bytes, policy: Policy, store: Store) -> None:
    proxy = Proxy(store)
    try:
        first = proxy.outcome(form, raw, policy, late=rng.random() < 0.1)
    except UnreadableBody:
        return
    _is_faithful(form, first, policy)
    assert _texts(form, proxy.outcome(form, raw, policy, late=False).body) == _texts(form, first.body)
    other = Proxy(store).outcome(form, raw, policy, late=rng.random() < 0.5)
    assert _texts(form, other.body) == _texts(form, first.body)


def _is_faithful(form: Wire, outcome: Outcome, policy: Policy) -> None:
    """Only texts of results, cache markers and our tool may differ."""
    prompt: Prompt = outcome.prompt
    if not policy.change:
        assert outcome.body is prompt.body
        return
    if outcome.body is prompt.body:
        return
    after = form.read(outcome.body)
    assert len(after.segments) == len(prompt.segments)
    assert _told(after) == _told(prompt)
    for before, now in zip(prompt.segments, after.segments, strict=True):
        assert before.key == now.key or not before.protected
    if _is_json(prompt.body):
        assert _is_json(outcome.body)
    assert outcome.originals == {} or outcome.offered


def _texts(form: Wire, raw: bytes) -> Any:
    return [document.string(raw, segment.span) for segment in form.read(raw).segments]
