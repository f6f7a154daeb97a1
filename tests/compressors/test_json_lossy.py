"""What is left out of JSON at which level, and how that is said."""

import json
import re

import pytest
from hypothesis import given, settings
from test_json_records import documents

from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.json_records import JsonRecords

LOSSY = (Level.LIGHT, Level.MEDIUM, Level.HARD)
HASH = "sha512-GwtvgtXxnWsucXvbQXkRgqksiH2Qed37H9xHZocE5sA3N8O8O8FA3uclQXxXVzc9XBZuEOMK7rjZ"


def compressed(value: object, level: Level) -> Compressed:
    text = value if isinstance(value, str) else json.dumps(value, indent=1)
    found = JsonRecords().compress(Content(text), level)
    assert found is not None
    return found


def runs(count: int = 60) -> list[dict[str, object]]:
    """Records that are alike."""
    return [
        {
            "id": 1000 + 7 * number,
            "name": f"run {number}",
            "state": ("done", "open")[number % 2],
            "took": 40 + number % 9,
        }
        for number in range(count)
    ]


def rows_of(text: str) -> int:
    return sum(bool(re.match(r" *\d{4},run", line)) for line in text.split("\n"))


# Trouble

TROUBLE = {
    "severity of a checker": {"severity": 1, "message": "'send' is shadowed", "line": 12, "column": 3},
    "severity in a word": {"severity": "style", "message": "spaces missing", "file": "a.sh"},
    "finding without a severity": {"code": "F401", "message": "unused import", "location": {"row": 3, "column": 1}},
    "level of a logger": {"level": 50, "msg": "no more connections", "time": 17},
    "level in a word": {"level": "warn", "msg": "pool is small"},
    "answer": {"path": "/cart", "status": 503, "took": 3},
    "exit code": {"command": "make", "exit_code": 2},
    "failed check": {"name": "disk", "ok": False},
    "error": {"name": "a", "error": {"kind": "quota"}},
    "deep finding": {"file": "b.js", "found": [{"inner": {"ruleId": "x", "message": "unused", "line": 3}}]},
}


@pytest.mark.parametrize("level", LOSSY)
@pytest.mark.parametrize("record", TROUBLE.values(), ids=list(TROUBLE))
def test_a_record_that_tells_of_trouble_stays_however_many_do(level: Level, record: dict[str, object]) -> None:
    for often in (1, 40):
        records = [*runs(30), *({**record, "number": 7001 + number} for number in range(often)), *runs(30)]
        text = compressed({"runs": records}, level).text
        assert all(str(7001 + number) in text for number in range(often))


@pytest.mark.parametrize(
    "record",
    [{"level": 30, "msg": "ready"}, {"level": "info", "msg": "ready"}, {"status": 200}, {"exit_code": 0}, {"ok": True}],
    ids=str,
)
def test_what_went_well_is_no_trouble(record: dict[str, object]) -> None:
    records = [{**record, "number": 7001 + number} for number in range(60)]
    assert "7031" not in compressed({"runs": records}, Level.HARD).text


def test_lines_of_a_long_text_that_speak_of_trouble_stay() -> None:
    lines = [f"{number}: a step that went well and left nothing to say" for number in range(400)]
    lines[200] = "200: error: no such file"
    for level in LOSSY:
        text = compressed({"log": "\n".join(lines), "name": "build"}, level).text
        assert "200: error: no such file" in text
        assert "150: a step" not in text


def test_rows_of_words_keep_their_ends_and_what_speaks_of_trouble() -> None:
    rows = [[f"2025-01-0{1 + number % 9}", f"job {number} done"] for number in range(60)]
    rows[30] = ["2025-01-04", "job 30 failed"]
    assert "job 29 done" in compressed({"columns": ["day", "what"], "rows": rows}, Level.LIGHT).text
    form = compressed({"columns": ["day", "what"], "rows": rows}, Level.HARD)
    assert "job 30 failed" in form.text
    assert "job 59 done" in form.text
    assert "job 29 done" not in form.text
    assert form.left_out == "56 rows"


# Records


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HARD])
def test_rows_that_are_shown_and_rows_that_are_left_out_are_all_of_them(level: Level) -> None:
    form = compressed({"runs": runs()}, level)
    assert "runs[60]{" in form.text
    gaps = [(int(a), int(b)) for a, b in re.findall(r"^ +…\((\d+)-(\d+) left out\)$", form.text, re.MULTILINE)]
    gone = sum(last - first + 1 for first, last in gaps)
    assert rows_of(form.text) + gone == 60
    assert form.left_out == f"{gone} records"
    assert f"…({gone} of 60 left out below: id 10" in form.text


@pytest.mark.parametrize("level", LOSSY)
@pytest.mark.parametrize("number", [0, 1, 59], ids=["first", "second", "last"])
def test_the_beginning_and_the_end_stay(level: Level, number: int) -> None:
    assert f"{1000 + 7 * number},run {number}," in compressed({"runs": runs()}, level).text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("state", "failed: no space left"),
        ("state", "paused"),
        ("took", 90_000),
        ("error", {"code": 17}),
        ("error", "quota"),
        ("retried_by", "anna"),
    ],
    ids=["alarm", "rare value", "outlier", "error object", "error", "rare key"],
)
@pytest.mark.parametrize("level", LOSSY)
def test_what_is_unlike_the_others_stays(level: Level, key: str, value: object) -> None:
    records = runs()
    records[33] = {**records[33], key: value}
    assert "run 33" in compressed({"runs": records}, level).text


def test_no_error_is_nothing_unusual() -> None:
    records = [{**record, "error": None, "failures": 0} for record in runs()]
    assert rows_of(compressed({"runs": records}, Level.HARD).text.replace(",,", ",")) < 10


def test_what_is_left_out_is_told_by_field() -> None:
    text = compressed({"runs": runs()}, Level.MEDIUM).text
    assert "; state done x 27, open x 27; took 40 to 48)" in text
    assert "name run 4, run 5, run 6, " in text


def test_light_keeps_every_record() -> None:
    assert compressed({"runs": runs()}, Level.LIGHT).lossless


def test_of_a_file_that_may_be_edited_next_nothing_is_left_out() -> None:
    text = json.dumps({"runs": runs()}, indent=1)
    found = JsonRecords().compress(Content(text, "Read", "/app/runs.json", fresh_read=True), Level.HARD)
    assert found is not None
    assert found.lossless


def test_json_lines_are_records_too() -> None:
    form = compressed("\n".join(map(json.dumps, runs())), Level.MEDIUM)
    assert form.text.split("\n")[1].startswith("jsonl[60]{")
    assert "…(5-58 left out)" in form.text


def test_of_an_object_whose_keys_are_names_the_names_are_told() -> None:
    packages = {f"pkg-{number}": {"version": f"1.{number}.0", "dev": True} for number in range(40)}
    text = compressed({"packages": packages}, Level.MEDIUM).text
    assert "packages{40}{@key" in text
    assert all(f"pkg-{number}" in text for number in range(40))
    assert "1.20.0" not in text


# Strings, lists, bookkeeping


def test_a_hash_is_cut_and_a_name_or_an_address_is_not() -> None:
    address = "https://example.org/a/long/way/to/the/place/of/the/package/that/is/meant/here/and-nowhere-else.tgz"
    text = compressed({"a": [{"integrity": HASH, "resolved": address} for _ in range(9)]}, Level.LIGHT).text
    assert f"{HASH[:16]}…(+{len(HASH) - 16})" in text
    assert address in text


def test_a_long_text_keeps_its_head_and_its_end() -> None:
    words = " ".join(f"word{number}" for number in range(900))
    form = compressed({"body": words, "id": 1}, Level.LIGHT)
    assert words[:600] in form.text
    assert words[-150:] in form.text
    assert f"…(+{len(words) - 750})" in form.text
    assert form.left_out == f"{len(words) - 750} characters of long strings"


def test_of_many_numbers_the_ends_and_the_range_stay() -> None:
    values = [number * 37 % 101 for number in range(200)]
    form = compressed({"values": values, "unit": "ms"}, Level.LIGHT)
    assert f"[0 37 …(197 left out: 0 to 100) {values[-1]}]" in form.text
    assert form.left_out == "197 values of lists"


def test_points_are_cut_as_rows() -> None:
    ring = [[-75.1 - number / 1000, 45.5] for number in range(90)]
    text = compressed({"type": "Polygon", "coordinates": [ring]}, Level.LIGHT).text
    assert "[[-75.1 45.5;-75.101 45.5;…(87 left out);-75.189 45.5]]" in text


def test_of_what_is_equal_each_is_counted() -> None:
    values = list(range(100))
    form = compressed({"a": values, "b": {"c": values}, "name": "x"}, Level.LIGHT)
    assert form.left_out == "194 values of lists"


def test_the_bookkeeping_of_kubernetes_goes() -> None:
    entries = [{"manager": f"m{number}", "operation": "Update", "fieldsV1": {"f:a": {}}} for number in range(6)]
    text = compressed({"kind": "Pod", "metadata": {"name": "web-1", "managedFields": entries}}, Level.LIGHT).text
    assert "managedFields:…(6 entries left out)" in text


def test_large_objects_far_down_are_named_at_the_hardest_level() -> None:
    value: object = {f"key{number}": f"a value of some length {number}" for number in range(20)}
    for level in range(7):
        value = {f"level{level}": value, "kind": "node"}
    assert "…(20 keys: key0 key1 key2 key3 …)" in compressed(value, Level.HARD).text


def test_objects_far_down_that_tell_of_trouble_are_shown_at_the_hardest_level() -> None:
    value: object = {f"key{number}": f"a value of some length {number}" for number in range(20)} | {"exitCode": 137}
    for level in range(7):
        value = {f"level{level}": value, "kind": "node"}
    assert "exitCode" in compressed([value, runs()], Level.HARD).text


@pytest.mark.parametrize("level", LOSSY)
def test_a_text_that_has_our_mark_is_not_cut(level: Level) -> None:
    assert compressed({"runs": [*runs(), {"id": 1, "name": "…(3 left out)"}]}, level).lossless


@settings(max_examples=60, deadline=None)
@given(documents)
def test_any_json_is_pruned_or_left_whole(value: object) -> None:
    """No exception, and what is left out is said in the text, too."""
    text = json.dumps([value, runs(30), value], default=str)
    for level in LOSSY:
        form = compressed(text, level)
        assert form.lossless or ("…(" in form.text and form.left_out)
