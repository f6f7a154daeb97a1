"""What ``json_records`` makes of JSON, and that its text alone gives the JSON back."""

import gc
import json

import json_records_decoder as decoder
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_mitm.compressors.base import Content, Level
from headroom_mitm.compressors.json_records import JsonRecords
from headroom_mitm.compressors.json_tree import Obj

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

    __slots__ = ()


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


def compressed(text: str, level: Level = Level.LOSSLESS) -> str | None:
    found = JsonRecords().compress(Content(text, count=len), level)
    return None if found is None else found.text


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.one_of(containers(documents), records(documents)), min_size=1, max_size=3),
    indent=st.sampled_from([None, 2]),
    head=st.sampled_from(["", "Exit code 0\n", "~~~\n"]),
)
def test_text_alone_gives_the_values_back(values: list[object], indent: int | None, head: str) -> None:
    """Whatever comes out, its decoder turns it into equal JSON."""
    text = head + "\n".join(document(value, indent) for value in values)
    found = compressed(text + " " * 3000)
    assert found is None or decoder.same(text, decoder.decode(found))


def rows(count: int = 12, **more: object) -> list[dict[str, object]]:
    return [{"id": number, "name": f"name {number}", "state": "open", **more} for number in range(count)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps(rows())[:-30], id="truncated"),
        pytest.param("[" + "NaN, " * 60 + "1]", id="not a number"),
        pytest.param("[" * 100 + "1" + "]" * 100 + " " * 100, id="too deep"),
        pytest.param(json.dumps(rows(1)), id="too short"),
        pytest.param(json.dumps("a string " * 40), id="no container"),
        pytest.param("[2024-05-20 10:00:00] INFO started\n" * 40, id="brackets of a log"),
        pytest.param(json.dumps(rows()) + "\n~~~json\n", id="our own fence in the text"),
    ],
)
def test_declines(text: str) -> None:
    assert compressed(text) is None


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        pytest.param(json.dumps(rows()), 1, 1, id="minified"),
        pytest.param("\n" + json.dumps({"items": rows()}, indent=4) + "\n", 1, 1, id="indented"),
        pytest.param("\n".join(map(json.dumps, rows())), 0.95, 0.95, id="lines"),
        pytest.param("Exit code 0\n" + json.dumps(rows()), 0.5, 0.9, id="behind a head"),
        pytest.param("HTTP/1.1 200 OK\n\n" + json.dumps(rows(), indent=1), 0.5, 0.9, id="behind headers"),
        pytest.param("[2024-05-20 10:00:00] INFO started\n" * 40, 0, 0, id="log"),
        pytest.param("a line of prose\n" * 400 + json.dumps(rows(2)), 0, 0, id="little JSON in much text"),
        pytest.param("[[ -f file ]] && echo found # of a script\n" * 10, 0, 0, id="script"),
        pytest.param("", 0, 0, id="empty"),
    ],
)
def test_score(text: str, least: float, most: float) -> None:
    """Certain where the text is JSON, less so where JSON lines could be a log, by share where there is other text."""
    assert least <= JsonRecords().score(Content(text)) <= most


def test_a_key_that_comes_twice_stays_twice() -> None:
    text = '[{"id": 1, "a": 1, "a": 2, "b": "text"}, {"id": 2, "a": 3, "a": 4, "b": "more"}]' + " " * 200
    found = compressed(text)
    assert found is not None
    assert decoder.same(text, decoder.decode(found))
    assert "{id:2 a:3 a:4 b:more}" in found


def test_of_few_records_none_is_left_out() -> None:
    text = json.dumps(rows(6))
    assert {compressed(text, level) for level in Level} == {compressed(text)}


def test_nothing_is_said_twice() -> None:
    """A repeated part is written once, wherever it stands."""
    owner = {"login": "octo-organisation", "id": 4711, "site": "https://example.org/octo", "type": "Organization"}
    found = compressed(json.dumps({"repository": {"owner": owner}, "runs": rows(3, owner=owner), "by": [owner, 1]}))
    assert found is not None
    assert found.count("octo-organisation") == 1
    assert found.count("4711") == 1


def test_what_is_said_once_may_hold_what_is_said_once() -> None:
    """Large parts that differ in one place become a table in which parts of their own stand that are equal in all."""

    def outputs(number: int) -> dict[str, object]:
        said = [f"The description of output {at or number + 100}" for at in range(8)]
        return {f"output_{at}": {"expression": {}, "description": text} for at, text in enumerate(said)}

    plans = [
        {"db": {"one": {"module": {"outputs": outputs(n)}}, "two": {"module": {"outputs": outputs(n), "own": {}}}}}
        for n in range(3)
    ]
    text = json.dumps(plans)
    found = compressed(text)
    assert found is not None
    assert decoder.same(text, decoder.decode(found))


def test_nothing_is_left_to_the_cyclic_collector() -> None:
    """It comes by now and then only, and a large result is thousands of objects."""
    text = json.dumps([{"number": number, "name": f"the name of number {number}"} for number in range(40)], indent=2)
    gc.collect()
    gc.disable()
    try:
        assert all(JsonRecords().compress(Content(text), level) is not None for level in Level)
        assert not any(isinstance(one, Obj) for one in gc.get_objects())
    finally:
        gc.enable()


def test_objects_that_some_rows_lack_leave_gaps_in_their_columns() -> None:
    rows = [{"id": n, "by": None if n == 7 else {"name": f"name-{n}", "kind": "ab"[n % 2]}} for n in range(12)]
    text = json.dumps(rows, indent=2)
    found = compressed(text)
    assert found is not None
    assert decoder.same(text, decoder.decode(found))


def test_text_around_stays_verbatim() -> None:
    head, tail = "Exit code 1\r\n  [warn] $1 # not ours\n\n", "{not json}\ttail  "
    found = compressed(head + json.dumps(rows(), indent=2) + "\n" + tail)
    assert found is not None
    assert head in found
    assert found.endswith("\n" + tail)


def test_unlike_lines_of_json_are_items() -> None:
    lines = [{"query": "up{job}", "limit": 5}, {"status": "success", "data": {"result": []}}, [1, 2, 3], {"end": None}]
    found = compressed("\n".join(map(json.dumps, lines)))
    assert found is not None
    assert found.startswith("jsonl[4]:\n - {query:up{job} limit:5}\n")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[1]", "[1.0]"),
        ("[1]", '["1"]'),
        ("[1]", "[true]"),
        ("[0.10]", "[0.1]"),
        ('[{"a":null}]', "[{}]"),
        ('[""]', "[null]"),
        ('[{"a":1,"b":2}]', '[{"b":2,"a":1}]'),
        ("[[]]", "[{}]"),
        ("head\n[1]", "[1]"),
    ],
)
def test_comparison_tells_values_apart(one: str, other: str) -> None:
    """The comparison behind the law of losslessness can fail."""
    assert decoder.same(one, one)
    assert not decoder.same(one, other)


def test_a_number_in_quotes_is_not_said_by_the_name_of_the_number() -> None:
    ports = range(8080, 8100)
    text = json.dumps([{"name": f"s{number}", "port": number, "published": str(number)} for number in ports])
    assert decoder.same(text, decoder.decode(compressed(text) or ""))
