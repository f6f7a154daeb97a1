"""A path leads to a value's own characters, or to words that say why not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.roundtrip.json_path import Found, NotFound, value_at

DOCUMENT = json.dumps(
    {
        "items": [{"name": "a", "a.b": 1}, {"name": "b", 'say "hi"': 2, "it's": 3, "back\\slash": 4, "": 5}],
        "caf\u00e9": {"x y": None, "*": True},
        "0": "digit",
        "list": [[1, 2], [3]],
    },
    ensure_ascii=False,
)
FOUND: dict[str, tuple[str, str]] = {
    # path: value, the same path in one way of writing
    "items[0].name": ('"a"', "items[0].name"),
    "$.items[1].name": ('"b"', "items[1].name"),
    ".items.1.name": ('"b"', "items.1.name"),
    'items[0]["a.b"]': ("1", 'items[0]["a.b"]'),
    "['items'][0]['a.b']": ("1", 'items[0]["a.b"]'),
    'items[1]["say \\"hi\\""]': ("2", 'items[1]["say \\"hi\\""]'),
    "items[1]['it\\'s']": ("3", 'items[1]["it\'s"]'),
    'items[1]["it\'s"]': ("3", 'items[1]["it\'s"]'),
    'items[1]["back\\\\slash"]': ("4", "items[1].back\\slash"),
    'items[1][""]': ("5", 'items[1][""]'),
    "caf\u00e9.x y": ("null", 'caf\u00e9["x y"]'),
    "caf\u00e9['*']": ("true", 'caf\u00e9["*"]'),
    "0": ('"digit"', "0"),
    "list[0][1]": ("2", "list[0][1]"),
    "list.[0].[1]": ("2", "list[0][1]"),
    " list[ 1 ][0] ": ("3", "list[1][0]"),
}
NOT_FOUND: dict[str, str] = {
    "items[2]": "There is no items[2]: items has 2 items, the first is [0].",
    "items[0].size": "There is no items[0].size: items[0] has 2 members: name, a.b.",
    "items.name": "There is no items.name: items has 2 items",
    "items[0].name.first": 'There is no items[0].name.first: items[0].name is "a".',
    "nothing": "There is no nothing: the document has 4 members: items, caf\u00e9, 0, list.",
    "list[99999999999999999999]": "is not understood",
    "items[*].name": "is not understood",
    "items[-1]": "is not understood",
    "items[0:2]": "is not understood",
    "items..name": "is not understood",
    "items[0": "is not understood",
    'items["a': "is not understood",
    "items.": "is not understood",
    "x" * 5000: "is not understood",
}


@pytest.mark.parametrize(("path", "found"), FOUND.items(), ids=FOUND)
def test_what_is_there_is_found(path: str, found: tuple[str, str]) -> None:
    assert value_at(DOCUMENT, path) == Found(*found)


@pytest.mark.parametrize(("path", "found"), FOUND.items(), ids=FOUND)
def test_the_written_path_leads_to_the_same(path: str, found: tuple[str, str]) -> None:
    assert value_at(DOCUMENT, found[1]) == Found(*found)


@pytest.mark.parametrize(("path", "words"), NOT_FOUND.items(), ids=[path[:20] for path in NOT_FOUND])
def test_what_is_not_there_is_explained(path: str, words: str) -> None:
    found = value_at(DOCUMENT, path)
    assert isinstance(found, NotFound)
    assert words in found.reason
    assert len(found.reason) < 2000


@pytest.mark.parametrize("path", ["$", "."])
def test_the_root_is_the_whole(path: str) -> None:
    found = value_at(DOCUMENT, path)
    assert isinstance(found, Found)
    assert json.loads(found.text) == json.loads(DOCUMENT)


def test_a_value_keeps_its_characters() -> None:
    """Numbers that no program could hold, escapes, and a name that is there twice."""
    text = '{"a": {"n":[1.50, 1e5, 12345678901234567890.12345678901234567890], "s":"\\u00e9\\/", "k":1, "k":2}}'
    found = value_at(text, "a")
    assert isinstance(found, Found)
    lines = ["{", ' "n": [', "  1.50,", "  1e5,", "  12345678901234567890.12345678901234567890", " ],"]
    assert found.text.split("\n") == [*lines, ' "s": "\\u00e9\\/",', ' "k": 1,', ' "k": 2', "}"]


@pytest.mark.parametrize(
    "text",
    [
        f"Exit code 0\n{DOCUMENT}\n[done]\n",
        f"[INFO] start {{x}}\n[1]\n  {DOCUMENT}",
        f"result: {DOCUMENT}",
        json.dumps(json.loads(DOCUMENT), indent=4).replace("\n", "\r\n"),
    ],
    ids=["between lines", "behind brackets", "in a line", "crlf"],
)
def test_a_document_is_found_among_other_lines(text: str) -> None:
    assert value_at(text, "items[1].name") == Found('"b"', "items[1].name")


@pytest.mark.parametrize("text", ["", "no json", "{broken", "[" * 100_000, '{"a": NaN', "\ud83d", '{"a": "\\ud83d'])
def test_a_text_without_a_document_says_so(text: str) -> None:
    assert isinstance(value_at(text, "a"), NotFound)


@given(text=st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps), path=st.text("ab.[]\"'0*$ \\"))
def test_nothing_is_raised(text: str, path: str) -> None:
    assert isinstance(value_at(text, path), Found | NotFound)
