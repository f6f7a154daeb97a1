"""Requests and answers for tests of the ledger, as the proxy makes them of a conversation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sample_compressors import rows
from sample_conversations import ANTHROPIC, SHORTENS, asked, body, result

from headroom_mitm.aligner import Aligner
from headroom_mitm.ledger_entry import Asked
from headroom_mitm.ledger_figures import CHANGED
from headroom_mitm.pipeline import Outcome, Pipeline, Policy, Ticket
from headroom_mitm.roundtrip.rounds import Retold
from headroom_mitm.router import Router
from headroom_mitm.segments import Digest
from headroom_mitm.store import open_store
from headroom_mitm.usage import Counted

NOON = 1_795_348_800.0
"""2026-11-22, 12:00 UTC."""
SONNET = "claude-sonnet-4-5"
LONG = rows(400)
HIT = Counted(fresh=10, read=20_000, write_5m=990, output=50)


class Desk:
    """Rewrites requests as the proxy does, on a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(str(folder / "desk.db"))
        aligner = Aligner(self.store, lambda: NOON)
        self._pipeline = Pipeline(aligner, Router(SHORTENS), Retold(self.store, lambda: NOON), lambda: NOON)

    def outcome(self, sent: bytes, policy: Policy) -> Outcome:
        """Return what leaves."""
        prompt, plan = self._pipeline.plan(ANTHROPIC, sent, policy)
        if plan.is_settled:
            return self._pipeline.settled(ANTHROPIC, plan, policy)
        outcome = self._pipeline.complete(ANTHROPIC, prompt, plan, policy, Ticket())
        assert outcome is not None
        return outcome

    def asked(self, sent: bytes, arm: str = CHANGED, **more: Any) -> Asked:
        """Return a request as the ledger is told of it."""
        outcome = self.outcome(sent, Policy(change=arm == CHANGED))
        told = {
            "at": NOON,
            "host": "api.anthropic.com",
            "path": "/v1/messages",
            "wire": "anthropic_messages",
            "agent": "claude-cli/2.1.0 (external, cli)",
            "account": Digest(b"account"),
            "prompt": outcome.prompt,
            "known": outcome.known,
            "added": outcome.added,
        }
        return Asked(arm=arm, **(told | more))


def talk(turns: int, *, question: str = "what now", text: str = LONG) -> bytes:
    """Return the request after so many calls of a tool, each with a long result of its own."""
    messages: Sequence[Any] = [
        *asked(question),
        *(part for n in range(turns) for part in result(f"c{n}", f"{n}{text}")),
    ]
    return body(messages, model=SONNET)
