"""A kept answer that is read again shows no call of our tool; all else of it is the provider's."""

import json
from collections.abc import Sequence

import pytest
from responses_events import OURS, TOOLS, Json, answer, call, reasoning, text

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire.openai_responses_stored import without_calls

SHELL = call("call_c", "shell")
RESULT: Json = {"type": "function_call_output", "call_id": "call_c", "output": f"says {OURS}"}
BROUGHT: Json = {"type": "function_call_output", "call_id": "call_1", "output": "lines"}
# items, and the numbers of those that are shown
ITEMS: dict[str, tuple[Sequence[Json], Sequence[int]]] = {
    "a call": ([reasoning(), text("a"), call("call_1")], [0, 1]),
    "and what it brought": ([call("call_1"), BROUGHT, text("a")], [2]),
    "newest first": ([text("a"), BROUGHT, call("call_1")], [0]),
    "beside the client's": ([call("call_1"), SHELL, RESULT, BROUGHT], [1, 2]),
    "only ours": ([call("call_1"), call("call_2")], []),
}


@pytest.mark.parametrize("name", ["output", "data"])
@pytest.mark.parametrize(("items", "shown"), ITEMS.values(), ids=ITEMS)
def test_only_what_is_ours_is_missing(items: Sequence[Json], shown: Sequence[int], name: str) -> None:
    document = {"first_id": "i0", name: items, "unknown": [1.50, None]}
    found = without_calls(json.dumps(document, indent=1).encode(), OURS)
    assert json.loads(found) == {**document, name: [items[number] for number in shown]}


def test_the_rest_keeps_its_bytes_and_loses_our_declaration() -> None:
    raw = json.dumps(answer(text("caf\u00e9"), call("call_1"), tools=TOOLS), indent=2).encode()
    found = without_calls(raw, OURS)
    assert [tool["name"] for tool in json.loads(found)["tools"]] == ["shell"]
    assert OURS.encode() not in found
    assert b'"text": "caf\\u00e9"' in found
    assert found.startswith(raw[:20])


@pytest.mark.parametrize("value", [{"output": [SHELL, RESULT]}, {"output": OURS}, {"data": None}, {}])
def test_where_nothing_is_ours_the_very_bytes_go_on(value: Json) -> None:
    raw = json.dumps(value, indent=3).encode()
    assert without_calls(raw, OURS) is raw


@pytest.mark.parametrize("raw", [b"", b"[]", b"<html>", b'{"data":[1]}', b'{"data":[{}', b'{"data":[],"data":[]}'])
def test_what_is_no_such_answer_is_said_to_be_unreadable(raw: bytes) -> None:
    with pytest.raises(UnreadableBody):
        without_calls(raw, OURS)
