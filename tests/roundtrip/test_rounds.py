"""What was hidden is told again by every worker, or by none."""

import contextlib
import json
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sample_conversations import FailingStore

from headroom_mitm.roundtrip.rounds import TOUCH_SECONDS, Retold, Rounds
from headroom_mitm.segments import Edit, Prompt
from headroom_mitm.store import Store, open_store, packing
from headroom_mitm.wire.anthropic_messages import AnthropicMessages
from headroom_mitm.wire.retelling import Round

WIRE = "anthropic_messages"
Json = dict[str, Any]
ASKED: list[Json] = [{"role": "user", "content": "x"}]
CALL = b'{"type":"tool_use","id":"toolu_1","name":"headroom_retrieve","input":{}}'
RESULT = b'{"type":"tool_result","tool_use_id":"toolu_1","content":"text"}'
DONE = b'{"type":"text","text":"Done."}'
ROUNDS: Rounds = (Round((CALL,), (0,), (RESULT,)), Round((DONE,)))
OTHER: Rounds = (Round((CALL.replace(b"_1", b"_2"),), (0,), (RESULT.replace(b"_1", b"_2"),)), Round((DONE,)))


def prompt(*messages: Json) -> Prompt:
    return AnthropicMessages().read(json.dumps({"model": "m", "messages": [*ASKED, *messages]}).encode())


QUESTION = prompt()
HISTORY = prompt({"role": "assistant", "content": [json.loads(DONE)]}, {"role": "user", "content": "And?"})


class Hand:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[FailingStore]:
    failing = FailingStore(open_store(str(path)))
    yield failing
    failing.close()


def worker(store: Store, clock: Hand | None = None) -> Retold:
    return Retold(store, clock or Hand())


def told(edits: tuple[Edit, ...]) -> str:
    """Which of the two was put back."""
    return b"".join(edit.raw for edit in edits).decode().partition("toolu_")[2][:1]


def test_another_worker_tells_it_too(path: Path, store: FailingStore) -> None:
    worker(store).keep(WIRE, QUESTION, ROUNDS)
    later = open_store(str(path))
    assert told(worker(later).edits(WIRE, HISTORY)) == "1"
    later.close()


def test_the_first_that_is_kept_is_told(store: FailingStore) -> None:
    one, two = worker(store), worker(store)
    one.keep(WIRE, QUESTION, ROUNDS)
    two.keep(WIRE, QUESTION, OTHER)
    assert [told(each.edits(WIRE, HISTORY)) for each in (one, two, worker(store))] == ["1", "1", "1"]


def test_what_has_left_without_stays_without(store: FailingStore) -> None:
    """It was in front of the model as the client tells it, and is cached so."""
    one = worker(store)
    assert one.edits(WIRE, HISTORY) == ()
    worker(store).keep(WIRE, QUESTION, ROUNDS)
    assert one.edits(WIRE, HISTORY) == ()


@pytest.mark.parametrize("fault", ["down", "mute"])
def test_what_cannot_be_kept_is_not_told(store: FailingStore, fault: str, caplog: pytest.LogCaptureFixture) -> None:
    one = worker(store)
    setattr(store, fault, True)
    one.keep(WIRE, QUESTION, ROUNDS)
    setattr(store, fault, False)
    assert one.edits(WIRE, HISTORY) == ()
    assert worker(store).edits(WIRE, HISTORY) == ()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_what_cannot_be_read_once_is_told_by_nobody_later(
    store: FailingStore, caplog: pytest.LogCaptureFixture
) -> None:
    worker(store).keep(WIRE, QUESTION, ROUNDS)
    one = worker(store)
    store.down = True
    assert one.edits(WIRE, HISTORY) == ()
    assert len(caplog.records) == 1
    store.down = False
    one.edits(WIRE, prompt({"role": "assistant", "content": "Other."}))  # the first occasion to tell the store
    assert [told(each.edits(WIRE, HISTORY)) for each in (one, worker(store))] == ["", ""]


def test_what_memory_knows_needs_no_store(store: FailingStore) -> None:
    one = worker(store)
    one.keep(WIRE, QUESTION, ROUNDS)
    one.edits(WIRE, HISTORY)
    store.down = True
    assert told(one.edits(WIRE, HISTORY)) == "1"


def test_the_store_is_asked_again_after_an_hour(store: FailingStore) -> None:
    """It counts idle time."""
    clock = Hand()
    one = worker(store, clock)
    one.keep(WIRE, QUESTION, ROUNDS)
    one.edits(WIRE, HISTORY)
    before = store.asked
    one.edits(WIRE, HISTORY)
    assert store.asked == before
    clock.now += TOUCH_SECONDS
    assert told(one.edits(WIRE, HISTORY)) == "1"
    assert store.asked == before + 1


@pytest.mark.parametrize("damaged", [b"no frame", packing.squeeze(b"no list"), b""], ids=["frame", "form", "empty"])
def test_damaged_rounds_are_not_told(path: Path, store: FailingStore, damaged: bytes) -> None:
    worker(store).keep(WIRE, QUESTION, ROUNDS)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("UPDATE rounds SET packed = ?", (damaged,))
    assert worker(store).edits(WIRE, HISTORY) == ()


def test_a_format_that_cannot_tell_is_left_alone(store: FailingStore) -> None:
    one = worker(store)
    one.keep("unknown", QUESTION, ROUNDS)
    assert one.edits("unknown", HISTORY) == ()
    assert store.asked == 0
