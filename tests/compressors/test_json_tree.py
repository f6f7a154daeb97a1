"""JSON as a DAG: what is asked of a node late is what was read."""

import json
from typing import Any

import pytest

from headroom_mitm.compressors.json_tree import NODES, Reader, is_at_least

LONG_WORDS = "a string of some length"


def read(value: Any) -> tuple[Any, Reader]:
    reader = Reader()
    return reader.read_at(json.dumps(value), 0)[0], reader


@pytest.mark.parametrize(
    "value",
    [[], [1] * 30, [None] * 8, ["x"] * 9, [LONG_WORDS] * 3, {"a": 1}, {"a": {"b": [LONG_WORDS] * 9}}, [[1, 2]] * 12],
    ids=repr,
)
def test_a_node_has_so_many_tokens_or_not(value: Any) -> None:
    node, _ = read(value)
    assert all(is_at_least(node, least) is (node.size >= least) for least in range(80))


def test_each_place_of_a_longer_string_counts_but_equal_parts_do_so_once() -> None:
    part = {"said": LONG_WORDS, "short": "x"}
    _, reader = read([part, part, [LONG_WORDS, LONG_WORDS], {"other": LONG_WORDS}])
    assert reader.strings == {LONG_WORDS: 4}


@pytest.mark.parametrize(
    "text",
    ['{"a": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], "b": "c"}', json.dumps([1.5] * 20), json.dumps([{"ä": [None] * 9}])],
)
@pytest.mark.parametrize("place", ["value", "item", "deeper"])
def test_strings_that_hold_json_are_read_wherever_they_stand(text: str, place: str) -> None:
    node, _ = read({"value": {"a": text}, "item": {"a": [text]}, "deeper": {"a": {"b": [[text]]}}}[place])
    while isinstance(node, NODES) and type(node).__name__ != "Embedded":
        node = node.values[0]
    assert type(node).__name__ == "Embedded"


def test_a_node_knows_how_often_it_is_referred_to() -> None:
    part = {"b": {"c": 1}}
    node, _ = read([part, part, {"d": {"c": 1}}])
    assert node.values[0] is node.values[1]
    assert node.values[0].refs == 2
    assert node.values[0].values[0].refs == 2  # of one part, and of the other object
