"""What ``json_records`` makes of JSON, and that its text alone gives the JSON back."""

import json

import json_records_decoder as decoder
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_mitm.compressors.base import Content, Level
from headroom_mitm.compressors.json_records import JsonRecords

ODD_NUMBERS = ("1.0", "1e5", "1E+5", "-0", "-0.0", "0.10", "123456789012345678901234567890", "1e999", "0.1e-7", "17")
ODD_STRINGS = (
    *(
        "",
        " ",
        "null",
        "true",
        "1",
        "1.0",
        "-",
        "+",
        ":",
        "a,b",
        "a b",
        " a",
        "a ",
        "$1",
        "$1/x",
        "*",
        "a*b",
        "@a",
        "#",
    ),
    *('"', "\\", "a\nb", "\u2028", "\x00", "\x01", "é", "\ud800", "😀", "{x}", "a{/x}", "a[0]", "[", "]", "{", "a;b"),
    *("JSON", "JSON({})", "JSON2(x y", "~~~", "~~~json", "a:b", "a=b", "?", "$name", "$id", "@key", "jsonl[2]:", "-x"),
    *("2024-05-20T10:00:00Z", "https://example.org/users/", "https://example.org/users/octocat/repos", "007", "a(b)"),
    *('{"a": [1, 2.0], "b": "a string with JSON in it"}', '{"a":[1,2],"b":"compact, and long enough to be found"}'),
    *('{\n  "a": {},\n  "b": [],\n  "c": [\n    1,\n    "indented text"\n  ]\n}', '["\\u00e9 escaped", "to ascii", 1]'),
)
KEYS = (
    "id",
    "name",
    "url",
    "a.b",
    "a b",
    "",
    '"',
    "@key",
    "$1",
    "k:v",
    "é",
    "x=1",
    "-",
    "#",
    "{a}",
    "[0]",
    "type",
    "JSON",
)


class Spelled(str):
    """A JSON text, to be put into a document as it is."""


def document(value: object, indent: int | None) -> str:
    if isinstance(value, Spelled):
        return str(value)
    if isinstance(value, dict):
        inside = [f"{json.dumps(key)}: {document(item, indent)}" for key, item in value.items()]
        return "{" + (",\n  " if indent else ",").join(inside) + "}"
    if isinstance(value, list):
        return "[" + (",\n" if indent else ", ").join(document(item, indent) for item in value) + "]"
    return json.dumps(value, ensure_ascii=bool(indent))


scalars = st.one_of(
    st.sampled_from(ODD_STRINGS),
    st.sampled_from(ODD_NUMBERS).map(Spelled),
    st.integers(0, 30),
    st.booleans(),
    st.none(),
    st.text(max_size=8),
    st.integers(1, 9).map(lambda n: f"https://example.org/repos/octo/hello/issues/{n}"),
    st.sampled_from(("open", "closed", "a longer text that stands in many records of the document")),
)
keys = st.one_of(st.sampled_from(KEYS), st.text(max_size=4))


def containers(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(keys, inner, max_size=5),
        records(inner),
        st.dictionaries(keys, st.fixed_dictionaries({"id": inner, "name": inner}), max_size=5),
    )


@st.composite
def records(draw: st.DrawFn, inner: st.SearchStrategy[object]) -> object:
    """Objects that are alike: some keys missing, some values equal in all, some made of others."""
    names = draw(st.lists(keys, min_size=1, max_size=6, unique=True))
    few = draw(st.lists(inner, min_size=1, max_size=4))
    rows = []
    for number in range(draw(st.integers(1, 8))):
        row = {}
        for place, name in enumerate(names):
            how = draw(st.integers(0, 7))
            if how == 0:
                continue
            if how == 1:
                row[name] = draw(inner)
            elif how == 2:
                row[name] = f"https://example.org/repos/octo/hello/{number}/{place}"
            elif how == 3:
                row[name] = str(number)
            else:
                row[name] = few[place % len(few)]
        rows.append(row)
    return rows


documents = st.recursive(scalars, containers, max_leaves=40)


def compressed(text: str) -> str | None:
    found = JsonRecords().compress(Content(text, count=len), Level.LOSSLESS)
    return None if found is None else found.text


@settings(max_examples=300, deadline=None)
@given(
    value=st.one_of(containers(documents), records(documents)), indent=st.sampled_from([None, 2]), head=st.booleans()
)
def test_text_alone_gives_the_values_back(value: object, indent: int | None, head: bool) -> None:
    """Whatever comes out, its decoder turns it into equal JSON."""
    text = ("Exit code 0\n" if head else "") + document(value, indent)
    found = compressed(text + " " * 3000)
    assert found is None or decoder.same(text, decoder.decode(found))
