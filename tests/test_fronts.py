"""A front is warm with the tool as far as it was sent with it: by this account, to this model, up to a marker."""

import json
from pathlib import Path
from typing import Any

import pytest
from sample_conversations import ANTHROPIC, TOOLS, Hour

from headroom_mitm.fronts import Fronts
from headroom_mitm.segments import Digest, Prompt, digest
from headroom_mitm.store import open_store
from headroom_mitm.visits import Visits

ME, OTHER = digest(b"my key"), digest(b"another's key")
MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
SHARED = {"type": "text", "text": "All that the ship's company has to know. " * 50}


def prompt(*system: dict[str, Any], model: str = "claude", question: str = "Why?", tools: Any = TOOLS) -> Prompt:
    messages = [{"role": "user", "content": question}]
    given = {"model": model, "tools": list(tools), "system": list(system), "messages": messages}
    return ANTHROPIC.read(json.dumps(given).encode())


def session(number: int) -> dict[str, Any]:
    return {"type": "text", "text": f"This is session {number}."}


def billed(number: int) -> dict[str, Any]:
    return {"type": "text", "text": f"x-anthropic-billing-header: cch={number}"}


@pytest.fixture
def clock() -> Hour:
    return Hour()


def fronts(tmp_path: Path, clock: Hour) -> Fronts:
    return Fronts(Visits(open_store(str(tmp_path / "store.sqlite")).visits, clock), clock)


def share(found: int, of: Prompt) -> str:
    """Say how much of a front is warm."""
    whole = sum(end - start for _, (start, end) in of.front)
    return "nothing" if not found else "all" if found > whole - 10 else "the shared part"


@pytest.mark.parametrize(
    ("first", "second", "account", "warm"),
    [
        (prompt(SHARED | MARK, session(1) | MARK), prompt(SHARED | MARK, session(1) | MARK, question="?"), ME, "all"),
        (prompt(SHARED | MARK, session(1)), prompt(SHARED | MARK, session(2)), ME, "the shared part"),
        (prompt(SHARED, session(1) | MARK), prompt(SHARED | MARK, session(2)), ME, "nothing"),
        (prompt(SHARED, session(1)), prompt(SHARED, session(1), question="?"), ME, "all"),
        (prompt(SHARED, session(1)), prompt(SHARED, session(2)), ME, "the shared part"),
        (prompt(billed(1), SHARED | MARK), prompt(billed(2), SHARED), ME, "all"),
        (prompt(billed(1), SHARED | MARK), prompt(billed(2), SHARED | MARK, session(1)), ME, "the shared part"),
        (prompt(SHARED | MARK), prompt(SHARED | MARK), OTHER, "nothing"),
        (prompt(SHARED | MARK), prompt(SHARED | MARK, model="claude-2"), ME, "nothing"),
        (prompt(SHARED | MARK), prompt(SHARED | MARK, tools=TOOLS[:1]), ME, "nothing"),
    ],
    ids=[
        "the same",
        "another session",
        "marked too late",
        "unmarked",
        "unmarked, another session",
        "billed, unmarked now",
        "billed",
        "another account",
        "another model",
        "other tools",
    ],
)
def test_fronts_meet_up_to_a_marker(
    tmp_path: Path, clock: Hour, first: Prompt, second: Prompt, account: Digest, warm: str
) -> None:
    fronts(tmp_path, clock).declared(first, ME)
    assert share(fronts(tmp_path, clock).warm(second, account), second) == warm


@pytest.mark.parametrize(("mark", "minutes"), [(MARK, 5), (HOUR, 60)])
def test_a_front_gets_cold(tmp_path: Path, clock: Hour, mark: dict[str, Any], minutes: int) -> None:
    given = prompt(SHARED | mark)
    known = fronts(tmp_path, clock)
    known.declared(given, ME)
    clock.now += 60 * minutes - 40
    assert known.warm(given, ME)
    known.declared(given, ME)
    clock.now += 60 * minutes - 40
    assert known.warm(given, ME)
    clock.now += 60
    assert not known.warm(given, ME)
    clock.now -= 3 * 3600  # set back
    assert not known.warm(given, ME)
