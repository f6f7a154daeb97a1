"""Where less was read than was sent before, the ledger says why, as far as that can be seen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_samples import HIT, NOON, Desk, talk

from headroom_mitm import ledger_misses
from headroom_mitm.calibration import ASSUMED
from headroom_mitm.ledger_entry import Asked, entry
from headroom_mitm.ledger_misses import Misses
from headroom_mitm.ledger_sources import Sources
from headroom_mitm.usage import Counted

WRITTEN = Counted(fresh=10, write_5m=20_000)
NOTHING = Counted(fresh=21_000)
SHORT = Counted(fresh=900)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


class Seen:
    """Asks for the reasons of one request after the other."""

    def __init__(self) -> None:
        self.misses, self.sources = Misses(), Sources()

    def of(self, asked: Asked, counted: Counted | None) -> str:
        assert asked.prompt is not None
        made_of = self.sources.of(asked.prompt)
        legs = (counted,) if counted is not None else ()
        return self.misses.of(asked, entry(asked, legs, 0, made_of, ASSUMED), made_of)


LATER = {
    "hit": ({}, HIT, ""),
    "nothing known": ({}, None, ""),
    "pause": ({"at": NOON + 301}, NOTHING, ledger_misses.PAUSE),
    "unknown": ({"at": NOON + 9}, NOTHING, ledger_misses.UNKNOWN),
}


@pytest.mark.parametrize(("more", "counted", "reason"), LATER.values(), ids=LATER)
def test_a_reason_is_what_has_changed(desk: Desk, more: dict[str, float], counted: Counted, reason: str) -> None:
    seen = Seen()
    assert seen.of(desk.asked(talk(1)), WRITTEN) == ledger_misses.FIRST
    assert seen.of(desk.asked(talk(2), **more), counted) == reason


def test_a_short_prompt_is_never_cached(desk: Desk) -> None:
    seen = Seen()
    seen.of(desk.asked(talk(1)), SHORT)
    assert seen.of(desk.asked(talk(2)), NOTHING) == ledger_misses.SHORT


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"claude-sonnet-4-5", b"claude-opus-4-5", ledger_misses.MODEL),
        (b"Runs a command.", b"Runs any command.", ledger_misses.FRONT),
        (b'"id": "c0"', b'"id": "d0"', ledger_misses.HISTORY),
    ],
)
def test_what_the_client_changed_is_named(desk: Desk, old: bytes, new: bytes, reason: str) -> None:
    seen = Seen()
    seen.of(desk.asked(talk(2)), WRITTEN)
    assert seen.of(desk.asked(talk(3).replace(old, new)), NOTHING) == reason


def test_conversations_do_not_mix(desk: Desk) -> None:
    seen = Seen()
    seen.of(desk.asked(talk(1)), WRITTEN)
    assert seen.of(desk.asked(talk(1, question="another")), NOTHING) == ledger_misses.FIRST
    assert seen.of(desk.asked(talk(2)), HIT) == ""
