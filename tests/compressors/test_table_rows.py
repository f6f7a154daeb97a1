"""Padding goes, what rows share is said once, and every cell comes back; what is left out is said where it was."""

import re

import pytest
import table_rows_decoder
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.table_cells import Table
from headroom_mitm.compressors.table_columns import Columns
from headroom_mitm.compressors.table_delimited import Delimited
from headroom_mitm.compressors.table_frames import FRAMES, PSQL, UNCOUNTED, Style
from headroom_mitm.compressors.table_records import Records
from headroom_mitm.compressors.table_rows import TableRows, document_of

COMPRESSOR = TableRows()
NAMES = ("id", "customer", "city", "country", "paid at", "total")
CUSTOMERS = (("Ada Quist", "Oslo", "Norway"), ("B. Osei", "Accra", "Ghana"), ("Chen Wei", "Taipei", "Taiwan"))
DRAWN = [Style(frame, centered, numbers) for frame in FRAMES for centered in (True, False) for numbers in (True, False)]
DRAWN = [style for style in DRAWN if style.frame not in (PSQL, UNCOUNTED) or (style.centered and style.numbers_right)]
DRAWN = [style for style in DRAWN if style.frame.pad or not style.centered]
BOXED = DRAWN[1]
STYLES = [*DRAWN, Columns(3, padded=False), Columns(2, padded=True), Delimited(","), Delimited("\t")]
STYLES += [
    Delimited(",", rule)
    for rule in ("where they have a space, a quote or more than ASCII", "where they are no numbers")
]
STYLES += [Records("psql", 30), Records("mysql"), Records("sqlite3")]


def orders(count: int) -> Table:
    rows = []
    for number in range(count):
        name, city, country = CUSTOMERS[number * 7 % 3]
        rows.append((str(1000 + number), name, city, country, f"2026-03-{number % 28 + 1:02} 00:00:00", f"{number}.50"))
    return Table(NAMES, tuple(rows), 0, 0, 1)


def in_capitals(table: Table) -> Table:
    return Table(tuple(name.upper() for name in table.names), table.rows, 0, 0, 1)


def drawn(style: object, table: Table) -> str:
    return "\n".join(style.draw(in_capitals(table) if isinstance(style, Columns) else table))


def folded(text: str) -> str:
    """Compress and hold the result to its word."""
    found = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert found is not None
    assert found.lossless
    assert table_rows_decoder.decode(found.text) == text
    return found.text


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.said())
@pytest.mark.parametrize(
    "around", ["{}", "{}\n", "\n{}\n\n(cut)\n> not ours\n\\ neither"], ids=["bare", "ended", "between"]
)
def test_every_style_comes_back(style: object, around: str) -> None:
    assert "Ada Quist" in folded(around.format(drawn(style, orders(24))))


def test_columns_of_a_table_are_read_as_psql_describes_them() -> None:
    rows = [(f"column_{n}", "character varying(64)", "", "not null", "") for n in range(20)]
    table = Table(("Column", "Type", "Collation", "Nullable", "Default"), tuple(rows), 0, 0, 1)
    lines = [
        '                    Table "public.parts"',
        *Style(UNCOUNTED, True, True).draw(table),
        "Indexes:",
        '    "pk"',
    ]
    shown = folded("\n".join(lines))
    assert (
        "> in all rows: Type=character varying(64)|Collation=|Nullable=not null|Default=\n> Column\ncolumn_0\n" in shown
    )


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.said())
def test_carriage_returns_come_back(style: object) -> None:
    assert "line ends are CRLF" in folded(drawn(style, orders(24)).replace("\n", "\r\n"))


def test_what_follows_from_a_key_is_said_once_for_each() -> None:
    shown = folded(drawn(DRAWN[0], orders(24)))
    assert "\n> by customer (3): city|country\n> Ada Quist|Oslo|Norway\n" in shown
    assert shown.count("Oslo") == 1
    assert '\n> paid at ends with " 00:00:00"\n' in shown
    assert "\n1000|Ada Quist|2026-03-01|0.50\n" in shown


def test_what_holds_for_many_rows_stands_above_them() -> None:
    rows = [(f"r{n}", "eu-west-1 (Ireland)" if n < 20 else "us-east-1 (Virginia)", "ready") for n in range(40)]
    shown = folded(drawn(DRAWN[0], Table(("name", "region", "state"), tuple(rows), 0, 0, 1)))
    assert "\n> in all rows: state=ready\n> == region\n> name\n== eu-west-1 (Ireland)\nr0\nr1\n" in shown
    assert shown.count("us-east-1") == 1


def test_only_what_is_unusual_is_said_where_nearly_all_are_alike() -> None:
    rows = [(f"pod-{n}", "CrashLoopBackOff" if n in (7, 31) else "Running", str(n)) for n in range(40)]
    shown = folded(drawn(DRAWN[0], Table(("name", "status", "port"), tuple(rows), 0, 0, 1)))
    assert "> unless said: status=Running" in shown
    assert "\npod-7|7|status=CrashLoopBackOff\n" in shown


@pytest.mark.parametrize(
    ("usual", "other", "is_left_empty"),
    [("Running", "Pending", True), ("Running", "", False), ("Failed", "Running", False)],
    ids=["usual", "others are empty", "trouble"],
)
def test_a_usual_value_is_left_empty(usual: str, other: str, is_left_empty: bool) -> None:
    """Not where another cell is empty itself, and never a value that speaks of trouble."""
    rows = [(f"pod-{n}", other if n % 3 == 1 else usual, str(n)) for n in range(60)]
    shown = folded(drawn(DRAWN[0], Table(("name", "status", "port"), tuple(rows), 0, 0, 1)))
    assert (f"\n> where empty: status={usual}\n" in shown) == is_left_empty
    assert (f"\npod-7|{other}|7\npod-8||8\n" in shown) == is_left_empty


def test_the_day_or_folder_that_all_cells_begin_with_is_said_once() -> None:
    rows = [(f"r{n}", f"2026-03-01 0{n % 10}:17", f"/var/log/jobs/2026/{n}.txt") for n in range(20)]
    shown = folded(drawn(DRAWN[0], Table(("name", "at", "log"), tuple(rows), 0, 0, 1)))
    assert '\n> at begins with "2026-03-01 "\n> log begins with "/var/log/jobs/2026/"\n' in shown
    assert "\nr7|07:17|7\n" in shown


def test_columns_of_one_name_stay_in_their_rows() -> None:
    rows = [("x", str(n), "x") for n in range(30)]
    assert "\nx|7|x\n" in folded(drawn(BOXED, Table(("a", "n", "a"), tuple(rows), 0, 0, 1)))


SESSION = """SELECT * FROM parts WHERE id = {n};
 id |   name   {end}
----+----------
  {n} | washer {n}
(1 row)

SELECT nothing{n} FROM parts;
ERROR:  column "nothing{n}" does not exist
LINE 1: SELECT nothing{n} FROM parts;
               ^
DELETE FROM parts WHERE id < 0;
SELECT id FROM parts WHERE id < 0;
 id {end}
----
(0 rows)

"""


def test_a_session_stays_in_order() -> None:
    """With one row behind its columns, and the place of an error told without its line again."""
    shown = folded("".join(SESSION.format(n=n, end="") for n in range(1, 9)))
    assert "\n> id|name = 3|washer 3\nSELECT nothing3 FROM parts;\n" in shown
    assert 'ERROR:  column "nothing3" does not exist\nLINE 1 ^8\n' in shown
    assert "\n> id (0)\n" in shown


def test_errors_of_a_session_stay_with_their_statements() -> None:
    quiet = "".join(f"INSERT INTO parts VALUES ({n}, 'washer');\nUPDATE stock SET n = {n * 17};\n" for n in range(4))
    text = "".join(SESSION.format(n=n, end="") + quiet for n in range(1, 9))
    found = COMPRESSOR.compress(Content(text), Level.HARD)
    assert found is not None
    assert not found.lossless
    for n in range(1, 9):
        assert f'SELECT nothing{n} FROM parts;\nERROR:  column "nothing{n}" does not exist\nLINE 1 ^8' in found.text
    assert "\n[lines 11-30 left out: 11 statements, 2 results of 1 rows]\n" in found.text


def gaps(text: str) -> set[int]:
    """Return the lines, from 1, that notes say are left out."""
    return {
        line
        for first, last in re.findall(r"\[\d+ rows left out: lines (\d+)-(\d+)\]", text)
        for line in range(int(first), int(last) + 1)
    }


@pytest.mark.parametrize("style", STYLES[:5] + STYLES[-5:-3], ids=lambda style: style.said())
@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HARD], ids=lambda level: level.name)
def test_rows_that_are_gone_are_those_that_notes_name(style: object, level: Level) -> None:
    text = drawn(style, orders(200))
    found = COMPRESSOR.compress(Content(text), level)
    assert found is not None
    assert not found.lossless
    missing = gaps(found.text)
    for number, line in enumerate(text.split("\n"), 1):
        for key in re.findall(r"\b1[01]\d\d\b", line):
            assert (number in missing) != (re.search(rf"^{key}\b", found.text, re.MULTILINE) is not None)


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HARD], ids=lambda level: level.name)
def test_what_is_remarkable_stays(level: Level) -> None:
    """Ends, extremes, rare values, empty cells, errors, keys that stand twice."""
    rows = [[f"k{n}", "red" if n % 2 else "blue", str(500 + n * 7 % 100), f"ok {n}"] for n in range(300)]
    rows[90][2] = "-4"
    rows[101][2] = "99000"
    rows[140][1] = "mauve"
    rows[171][3] = ""
    rows[180][3] = "failed: disk full"
    rows[222][0] = rows[211][0]
    table = Table(("key", "colour", "size", "note"), tuple(map(tuple, rows)), 0, 0, 1)
    found = COMPRESSOR.compress(Content(drawn(DRAWN[0], table)), level)
    assert found is not None
    kept = set(re.findall(r"^k\d+\|.*", found.text, re.MULTILINE))
    assert kept >= {"|".join(rows[at]) for at in (0, 90, 101, 140, 171, 180, 211, 222, 299)}
    assert len(kept) < 150
    assert f"> {300 - len(kept)} rows left out below: key " in found.text
    assert "blue" in found.text


def test_light_leaves_nothing_out() -> None:
    """A row's cells are facts that one may ask for by name."""
    text = drawn(DRAWN[0], orders(300))
    assert COMPRESSOR.compress(Content(text), Level.LIGHT) == COMPRESSOR.compress(Content(text), Level.LOSSLESS)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.said())
@pytest.mark.parametrize("level", Level, ids=lambda level: level.name)
def test_a_form_is_not_shortened_again(style: object, level: Level) -> None:
    found = COMPRESSOR.compress(Content(drawn(style, orders(200))), level)
    assert found is not None
    assert COMPRESSOR.score(Content(found.text)) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n".join(f"2026-03-01 10:00:{n},123 INFO, ready, {n}" for n in range(10, 40)),
        "\n".join(f'{{"a": {n}, "b": 2, "c": 3}}' for n in range(30)),
        "\n".join(f"    call(one, two, {n})" for n in range(30)),
        "\n".join(f"{n}, {n + 1}, {n + 2}," for n in range(30)),
        "# Title\n\nSome text, with commas, here and there.\n" * 20,
        "\n".join(f"src/lib/part_{n}.py" for n in range(30)),
        "\n".join(f"name = value {n}" for n in range(30)),
        "\n".join(f"key_{n}: value" for n in range(30)),
    ],
    ids=["empty", "log", "JSON lines", "code", "numbers", "prose", "paths", "settings", "YAML"],
)
def test_other_texts_are_left_alone(text: str) -> None:
    assert COMPRESSOR.compress(Content(text), Level.LOSSLESS) is None


_cells = st.one_of(
    st.sampled_from(
        ["", "NULL", "1", "22.5", "-3", "a", "long text with words", "==", "> x", "x = 1", "a|b", "ünï", "表"]
    ),
    st.text('ab1 =|>"{},:;', max_size=6).map(str.strip),
)


@given(st.data(), st.sampled_from(STYLES))
def test_any_cells_are_exact(data: st.DataObject, style: object) -> None:
    """Whatever stands in cells: it comes back, or the table is left as it was."""
    count = data.draw(st.integers(2, 5))
    names = tuple(
        data.draw(
            st.lists(
                st.sampled_from(["ID", "NAME", "STATE", "A=B", "C.1", "NAME", "SIZE"]), min_size=count, max_size=count
            )
        )
    )
    few = data.draw(st.lists(_cells, min_size=1, max_size=4))
    rows = data.draw(st.lists(st.tuples(*[st.one_of(st.sampled_from(few), _cells)] * count), min_size=2, max_size=16))
    text = "before\n" + drawn(style, Table(names, tuple(rows), 0, 0, 1)) + "\n\nbehind"
    found = document_of(text.split("\n"))
    assert found is None or table_rows_decoder.decode(found.whole()) == text


@pytest.mark.parametrize(("level", "every"), [(Level.MEDIUM, 20), (Level.HARD, 50)])
def test_the_course_of_measured_values_stays(level: Level, every: int) -> None:
    rows = [f"{1767225600 + 60 * n},{n * 37 % 1009}.5,{n * 53 % 997},web" for n in range(600)]
    form = COMPRESSOR.compress(Content("\n".join(["time,load,reads,host", *rows])), level)
    assert form is not None
    shown = form.text.split("\n")
    assert all(row.removesuffix(",web") in shown for row in rows[::every])
    assert "(middle half " in form.text
