"""The client's last marker goes along, and there are never more than four."""

import json
from typing import Any

import pytest

from headroom_mitm.segments import Edit
from headroom_mitm.wire import document
from headroom_mitm.wire.anthropic_breakpoint import carried, marked
from headroom_mitm.wire.splice import splice

Json = dict[str, Any]
HOUR = {"type": "ephemeral", "ttl": "1h"}
USUAL = {"type": "ephemeral"}


def block(*, marker: Json | None = None, **members: Any) -> Json:
    return {"type": "text", "text": "x", **members} | ({"cache_control": marker} if marker else {})


def body_of(*blocks: Json, system: int = 0, top: Json | None = None, content: object = None, **written: Any) -> bytes:
    request: Json = {"system": [block(marker=HOUR)] * system, **(top or {})}
    request["messages"] = [{"role": "user", "content": content or list(blocks)}, {"role": "user", "content": "y"}]
    return json.dumps(request, **written).encode()


def carry(body: bytes) -> tuple[bytes, list[Edit]]:
    return carried(body, document.members(body, document.whole(body))["messages"])


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("system", [0, 1, 2])
def test_the_last_marker_is_copied_where_there_is_room(system: int, indent: int | None) -> None:
    marker, edits = carry(body_of(block(marker=USUAL), block(marker=HOUR), block(), system=system, indent=indent))
    assert json.loads(marker) == HOUR
    assert bool(edits) == (system == 2)


PLACES: dict[str, Json] = {
    "last": {"type": "text", "text": "x", "cache_control": HOUR},
    "first": {"cache_control": HOUR, "type": "text", "text": "x"},
    "between": {"type": "text", "cache_control": HOUR, "text": "x"},
    "alone": {"cache_control": HOUR},
    "with its name in a text": {"type": "text", "text": '"cache_control": 1', "cache_control": HOUR},
    "in a part of a result": {"type": "tool_result", "content": [block(), block(marker=HOUR)]},
}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("holder", PLACES.values(), ids=PLACES)
def test_without_room_it_is_taken_from_its_place(holder: Json, indent: int | None) -> None:
    """And nothing else is."""
    body = body_of(block(), holder, block(), system=3, indent=indent)
    marker, edits = carry(body)
    assert json.loads(marker) == HOUR
    found = json.loads(splice(body, edits))["messages"][0]["content"][1]
    assert json.dumps(found) == json.dumps(holder).replace(f', "cache_control": {json.dumps(HOUR)}', "").replace(
        f'"cache_control": {json.dumps(HOUR)}, ', ""
    ).replace(f'"cache_control": {json.dumps(HOUR)}', "")


@pytest.mark.parametrize(
    "body",
    [
        body_of(block(), system=3),
        body_of(content='"cache_control": {}'),
        body_of({"type": "text", "text": "x", "cache_control": None}),
        body_of(block(marker=HOUR), top={"cache_control": USUAL}),
    ],
    ids=["none in the messages", "a string", "null", "set by the provider"],
)
def test_where_there_is_none_there_will_be_none(body: bytes) -> None:
    assert carry(body) == (b"", [])


def test_a_block_is_marked_behind_its_members() -> None:
    assert marked(b'{"a":1}', b'{"type":"ephemeral"}') == b'{"a":1,"cache_control":{"type":"ephemeral"}}'
    assert marked(b'{"a":1}', b"") == b'{"a":1}'
