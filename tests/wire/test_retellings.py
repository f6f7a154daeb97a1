"""Answers are named the same whether all of a conversation is looked at or its end."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from wire_talks import TALKS, Talk, body

from headroom_mitm.segments import Digest, Prompt
from headroom_mitm.wire import WIRES
from headroom_mitm.wire.base import Wire
from headroom_mitm.wire.retelling import Round
from headroom_mitm.wire.retellings import RETELLINGS

LAW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def named(wire: Wire, prompt: Prompt) -> list[Digest]:
    """The names of the answers in a prompt, in their order."""
    asked: list[Digest] = []

    def recall(keys: Sequence[Digest]) -> dict[Digest, Sequence[Round]]:
        asked.extend(keys)
        return {}

    assert RETELLINGS[wire.name].edits(prompt, recall) == []
    return asked


def as_if_all_were_the_models(prompt: Prompt) -> Prompt:
    """So that each message is read for the names, and says itself whose it is."""
    return replace(prompt, layouts=tuple(replace(layout, by_model=True) for layout in prompt.layouts))


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
@given(talk=TALKS)
@LAW
def test_the_end_of_a_conversation_names_its_answers_as_the_whole_does(wire: Wire, talk: Talk) -> None:
    used, before = type(wire)(), list[Digest]()
    for count in range(len(talk.rounds) + 1):
        prompt = used.read(body(wire.name, talk.until(count)))
        whole, end = named(wire, prompt), named(wire, prompt.since_known())
        assert whole == named(wire, as_if_all_were_the_models(prompt))
        called = [key for key in end if key in whole]
        assert whole[len(whole) - len(called) :] == called
        assert set(whole) - set(before) <= set(end)
        before = whole
