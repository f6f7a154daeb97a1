"""Which requests belong together."""

import json
from typing import Any

from headroom_mitm.conversation import Conversation, size
from headroom_mitm.segments import Prompt
from headroom_mitm.wire import BY_NAME

ASKED = {"role": "user", "content": "Do it."}


def read(*messages: dict[str, Any], **members: Any) -> Prompt:
    return BY_NAME["anthropic_messages"].read(json.dumps({"model": "m", **members, "messages": messages}).encode())


def answer(said: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": said, **more}]}


def test_the_first_answer_gives_the_name() -> None:
    first = Conversation.of(read(ASKED))
    one, two = Conversation.of(read(ASKED, answer("One."), ASKED)), Conversation.of(read(ASKED, answer("Two."), ASKED))
    assert first.name is None
    assert first.beginning == one.beginning == two.beginning
    assert one.name != two.name
    assert one == Conversation.of(read(ASKED, answer("One."), ASKED, answer("Three."), ASKED, system="Other"))


def test_a_marker_is_no_part_of_it_and_the_model_is() -> None:
    messages = ASKED, answer("One."), ASKED
    marked = ASKED, answer("One.", cache_control={"type": "ephemeral"}), ASKED
    assert Conversation.of(read(*messages)) == Conversation.of(read(*marked))
    assert Conversation.of(read(*messages)).name != Conversation.of(read(*messages, model="other")).name


def test_tools_and_system_prompts_do_not_count_for_the_size() -> None:
    assert size(read(ASKED, system="S" * 999)) < size(read(ASKED)) + 20
