"""Answers are named the same whether all of a conversation is looked at or its end."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from wire_talks import TALKS, body
from wire_talks import Talk as Told

from headroom_mitm.segments import Call, Digest, Talk
from headroom_mitm.wire import WIRES
from headroom_mitm.wire.base import Wire
from headroom_mitm.wire.retelling import Round
from headroom_mitm.wire.retellings import RETELLINGS

LAW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def named(wire: Wire, talk: Talk) -> list[Digest]:
    """The names of the answers in a conversation, in their order."""
    asked: list[Digest] = []

    def recall(keys: Sequence[Digest]) -> dict[Digest, Sequence[Round]]:
        asked.extend(keys)
        return {}

    assert RETELLINGS[wire.name].edits(talk, recall) == []
    return asked


class Unlooked(NamedTuple):
    """So that a message is read for the names, and says itself whose it is, and what it calls."""

    by_model: bool = True
    calls: tuple[Call, ...] = ()


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
@given(told=TALKS)
@LAW
def test_the_end_of_a_conversation_names_its_answers_as_the_whole_does(wire: Wire, told: Told) -> None:
    used, before = type(wire)(), list[Digest]()
    for count in range(len(told.rounds) + 1):
        prompt = used.read(body(wire.name, told.until(count)))
        talk = prompt.talk()
        whole, end = named(wire, talk), named(wire, prompt.talk(is_end=True))
        assert whole == named(wire, talk._replace(turns=(Unlooked(),) * len(talk.turns)))
        called = [key for key in end if key in whole]
        assert whole[len(whole) - len(called) :] == called
        assert set(whole) - set(before) <= set(end)
        before = whole
