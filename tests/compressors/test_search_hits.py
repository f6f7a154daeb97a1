"""A path is said once, above its lines; every line stays verbatim behind it, and the order comes back."""

import re

import pytest
import search_hits_decoder
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.compressors import Content, Level, search_numbers
from headroom_mitm.compressors.search_hits import SearchHits

COMPRESSOR = SearchHits()
FILES = ("src/server/routes/account_settings.py", "src/server/routes/payments.py", "src/server/README.md")
ROOT = "/home/user/project/"


def folded(text: str, subject: str = "rg -n foo") -> str:
    """Compress and hold the result to its word."""
    found = COMPRESSOR.compress(Content(text, "Bash", subject), Level.LOSSLESS)
    assert found is not None
    assert found.lossless
    assert search_hits_decoder.decode(found.text) == text
    return found.text


def hits(*numbers: int, path: str = FILES[0], text: str = "    call(number {}, of=many)") -> list[str]:
    return [f"{path}:{number}:{text.format(number)}" for number in numbers]


@pytest.mark.parametrize(
    "form",
    ["{path}:{n}:def f(x={n}):", "{path}:{n}:8:def f(x={n}):", "{path}:def f(x={n}):", "./{path}:{n}:", "{path}:{n}"],
    ids=["numbered", "with columns", "without numbers", "empty lines", "counts"],
)
@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\r\n"], ids=["no end", "end", "two ends", "CRLF"])
def test_every_form_comes_back(form: str, end: str) -> None:
    lines = [form.format(path=path, n=number) for path in FILES for number in (7, 80, 914, 1500)]
    assert len(folded(("\r\n" if end == "\r\n" else "\n").join(lines) + end)) < len("\n".join(lines))


def test_a_file_with_many_hits_stands_above_them_and_others_below_their_directory() -> None:
    """Where most files have one hit, saying the directory once is shorter than saying each path."""
    shown = folded("\n".join([*hits(1, 5, 9, 12), *hits(3, path=FILES[1]), *hits(4, path="src/server/routes/x.py")]))
    assert f"\n\n{FILES[0]}\n1:    call(number 1, of=many)\n5:" in shown
    assert "\n\nsrc/server/routes/\npayments.py:3:    call(number 3, of=many)\nx.py:4:" in shown


def test_a_path_that_comes_again_gets_another_heading() -> None:
    shown = folded("\n".join([*hits(1, 5, 9), *hits(2, 3, 4, path=FILES[1]), *hits(40, 50, 60)]))
    assert shown.count(f"\n\n{FILES[0]}\n") == 2


def test_lines_of_context_keep_their_mark() -> None:
    """``12-`` is context, ``12:`` a hit; what separates two places stays."""
    context = [f"{FILES[0]}-{number}-    text - {number}-" for number in (11, 13)]
    text = "\n".join([context[0], *hits(12), context[1], "--", *hits(41, 42, 43)])
    assert "\n11-    text - 11-\n12:    call(number 12, of=many)\n13-    text - 13-\n--\n41:" in folded(text)


def test_a_path_that_looks_like_a_line_of_context_is_one() -> None:
    path = "runs/2016-09-17-ubuntu/raw.csv"
    lines = [*hits(1, 2, 30, path=path), f"{path}-31-a-32-b: 3", *hits(34, path=path)]
    assert "\n31-a-32-b: 3\n" in folded("\n".join(lines))


def test_a_root_that_only_lines_without_a_colon_carry_is_said_once() -> None:
    """Claude Code cuts it off up to the first colon, wherever that stands."""
    lines = [f"{FILES[0]}:12:def f():", f"{ROOT}{FILES[0]}-13-    return", f"{FILES[0]}-14-    x: int"]
    shown = folded("\n".join([*lines, f"{ROOT}{FILES[0]}-15-", f"{ROOT}{FILES[0]}-16-    pass"]))
    assert shown.count(ROOT) == 1
    assert f"{FILES[0]}\n12:def f():\n13-    return\n14-    x: int\n15-\n16-    pass" in shown


def test_a_line_that_breaks_the_rule_of_the_root_still_comes_back() -> None:
    lines = [*hits(12, 13, 19), f"{ROOT}{FILES[0]}-14-", f"{FILES[0]}-15-", f"{ROOT}{FILES[0]}:16:f()"]
    text = "\n".join([*lines, *hits(*range(20, 40))])
    assert search_hits_decoder.decode(folded(text)) == text


def test_equal_texts_of_a_file_stand_behind_all_their_numbers() -> None:
    text = "\n".join(f"{FILES[0]}:{n}:    {'raise ValueError' if n % 3 else 'return None'}" for n in range(5, 16))
    shown = folded(text)
    assert "\n5,7,8,10,11,13,14:    raise ValueError\n6,9,12,15:    return None" in shown
    assert '"3,9:text" is the same text at both lines' in shown


@pytest.mark.parametrize(
    "lines",
    [
        [f"{FILES[0]}{mark}{n}{mark}        }}  // end of it" for n, mark in enumerate(":-::-:::", 5)],
        [f"{FILES[0]}:{n}:        }}  // end of it" for n in (5, 7, 6, 8, 9)],
        [f"{FILES[0]}:{n}:        }}  // end of it" for n in (5, 6, 6, 8, 9)],
        [f"{FILES[0]}:0{n}:        }}  // end of it" for n in (5, 6, 7, 8, 9)],
    ],
    ids=["in context", "out of order", "twice", "leading zero"],
)
def test_equal_texts_stay_apart_where_numbers_do_not_say_the_order(lines: list[str]) -> None:
    """And where code is read with what stands around it."""
    assert ",6:" not in folded("\n".join(lines))


@pytest.mark.parametrize("odd", ["", "Binary file x matches", "--", "(no path)", "src/", "12:x", "\n\n", "[note]"])
def test_lines_without_a_path_come_back(odd: str) -> None:
    """Wherever they stand; those before the first hit without a heading."""
    shown = folded("\n".join([odd, *hits(1, 2, 3), odd, *hits(4, 5, 6), *hits(3, 5, path=FILES[1]), odd, odd]))
    assert shown.split("\n")[1] == odd.split("\n", 1)[0]


def test_matches_are_counted_where_a_search_is_known() -> None:
    """Compilers and linters write the same form, and theirs are no matches."""
    text = "\n".join([*hits(1, 2, 3), f"{FILES[0]}-4-context"])
    assert folded(text).startswith("[3 matches: each path")
    assert folded(text, "golangci-lint run").startswith("[Each path")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n".join(hits(7)),
        "a.py:1:x\nb.py:2:y\nc.py:3:z\nd.py:4:w",
        "\n".join(f"2024-05-01 10:00:{n} INFO ready" for n in range(10, 40)),
        "\n".join(f"10:00:{n} ready" for n in range(10, 40)),
        "\n".join(f"tests/api/test_users.py::test_{n} PASSED" for n in range(30)),
        "\n".join(f"https://example.org:80{n}:/x" for n in range(10, 40)),
        "\n".join(f"    at run (/srv/app/index.js:{n}:7)" for n in range(10, 40)),
        "\n".join(f"key_{n}: value of src/{n}.py" for n in range(30)),
        "\n".join(f"src/lib/part_{n}.py" for n in range(30)),
    ],
    ids=["empty", "short", "no gain", "log", "times", "tests", "addresses", "stack", "settings", "paths"],
)
def test_other_texts_are_left_alone(text: str) -> None:
    assert COMPRESSOR.compress(Content(text), Level.LOSSLESS) is None


_texts = st.text('ab1:-,/. \t\r\x00"', max_size=8)
_paths = st.sampled_from([*FILES, "a.py", "src/-1-/b.c", ROOT + FILES[0], "C:\\x\\y.cs", "./src/server/-.py"])
_marks = st.sampled_from([":{}:", ":{}:", "-{}-", ":", "-"])


@given(
    pieces=st.lists(
        st.tuples(_paths, st.integers(0, 30), st.lists(st.tuples(st.sampled_from(":---"), _texts), max_size=14)),
        min_size=2,
        max_size=6,
    ),
    between=st.sampled_from(["--", "", "x"]),
)
def test_pieces_of_files_are_exact(pieces: list[tuple[str, int, list[tuple[str, str]]]], between: str) -> None:
    """Whatever stands in lines that follow each other."""
    made = [f"{FILES[0]}:1:x", between]
    for path, first, lines in pieces:
        made += [f"{path}{mark}{n}{mark}{text}" for n, (mark, text) in enumerate(lines, first)] + [between]
    text = "\n".join(made)
    form = COMPRESSOR.compress(Content(text, count=lambda text: 1 if text.startswith("[") else 9), Level.LOSSLESS)
    assert form is None or search_hits_decoder.decode(form.text) == text


@given(
    lines=st.lists(st.tuples(_paths, _marks, st.integers(0, 120), _texts), min_size=4, max_size=60),
    others=st.lists(st.tuples(st.integers(0, 60), st.sampled_from(["", "--", "(no path)", "7:x", "x/", "a b"]))),
)
def test_it_is_exact(lines: list[tuple[str, str, int, str]], others: list[tuple[int, str]]) -> None:
    """Whatever paths, marks and texts there are, and whatever stands between them."""
    made = [path + mark.format(number) + text for path, mark, number, text in lines]
    for at, other in others:
        made.insert(at, other)
    text = "\n".join(made)
    form = COMPRESSOR.compress(Content(text, count=lambda text: 1 if text.startswith("[") else 9), Level.LOSSLESS)
    assert form is None or search_hits_decoder.decode(form.text) == text


@pytest.mark.parametrize(
    "stamp",
    [
        "2025-01-01T00:{:02}:07Z",
        "[2025-01-01T00:{:02}:07Z]",
        "12:{:02}:07.123",
        "Jan-01-12:{:02}:07",
        "api.log.1.2017-05-16_13:{:02}:08 2017-05-16 13:53:08.471",
    ],
)
def test_lines_of_a_log_are_no_hits(stamp: str) -> None:
    """A time of day has colons and numbers, too."""
    text = "\n".join(f"{stamp.format(n)} INFO core.io compiled unit {n}" for n in range(60))
    assert COMPRESSOR.score(Content(text)) == 0


def test_frames_of_ruby_are_no_hits() -> None:
    text = "\n".join(f"/srv/gems/rack-3.0/lib/rack/part_{n % 7}.rb:{n}:in `call'" for n in range(60))
    assert COMPRESSOR.score(Content(text)) == 0


def numbered(*count_of_file: int) -> str:
    return "\n".join(
        f"src/part_{file}.py:{n * 3}:    {'def ' if n == count // 2 else ''}name_{file}_{n}(value)"
        for file, count in enumerate(count_of_file)
        for n in range(1, count + 1)
    )


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HARD], ids=lambda level: level.name)
def test_hits_that_are_gone_are_those_that_notes_name(level: Level) -> None:
    """Each line is shown, or lies in a range of the result that a note gives; the counts of files add up."""
    text = numbered(50, 3, 20, 1, 40)
    found = COMPRESSOR.compress(Content(text, "Bash", "rg -n name"), level)
    assert found is not None
    assert not found.lossless
    missing = set()
    for first, last, what in re.findall(r"\[lines (\d+)-(\d+) left out: ([^\]]*)\]", found.text):
        missing |= set(range(int(first), int(last) + 1))
        counts = re.findall(r"(\d+) more here|\.py (\d+)", what)
        assert sum(int(here or there) for here, there in counts) == int(last) - int(first) + 1
    for number, line in enumerate(text.split("\n"), 1):
        assert (number in missing) != (line.rpartition(" ")[2] in found.text)
    assert f" {len(missing)} of 114 lines are left out." in found.text


def test_declarations_stay_before_other_hits() -> None:
    found = COMPRESSOR.compress(Content(numbered(50, 50), "Bash", "rg -n name"), Level.MEDIUM)
    assert found is not None
    assert "def name_0_25" in found.text
    assert "def name_1_25" in found.text


def test_counts_of_nothing_go_first() -> None:
    text = "\n".join(f"src/part_{n}.py:{7 if n in (13, 57) else 0}" for n in range(90))
    found = COMPRESSOR.compress(Content(text, "Bash", "grep -rc name src"), Level.MEDIUM)
    assert found is not None
    assert found.text.count("\n:7\n") == 2
    assert "[lines 15-57 left out: 43 files with 0 each]" in found.text


def test_light_leaves_no_hit_out() -> None:
    content = Content(numbered(50, 50, 50), "Bash", "rg -n name")
    assert COMPRESSOR.compress(content, Level.LIGHT) == COMPRESSOR.compress(content, Level.LOSSLESS)


def test_a_line_of_a_minified_file_is_shown_around_the_match() -> None:
    line = "a" * 3000 + " fetchUser() " + "b" * 3000
    text = "\n".join([f"dist/app.js:1:{line}", *hits(1, 2, 3)])
    found = COMPRESSOR.compress(Content(text, "Bash", "rg -n 'fetchUser'"), Level.LIGHT)
    assert found is not None
    assert found.left_out == "parts of 1 long line (1)"
    shown = found.text.split("\n")[3]
    left = sum(map(int, re.findall(r" \[… (\d+) characters left out\] ?", shown)))
    assert " fetchUser() " in shown
    assert len(re.sub(r" \[… \d+ characters left out\] ", "", shown)) + left == len(f"1:{line}")


def test_numbers_that_only_count_on_are_left_out() -> None:
    """One in ten stays, and that of each match; so does one of an empty line, or of a text that looks numbered."""
    lines = [
        f"{FILES[0]}{':' if n == 12 else '-'}{n}{':' if n == 12 else '-'}{text}"
        for n, text in enumerate(
            ["def f():", "    a", "", "    b", "7:c", "    d", "    e", "    f", "    g", "    h"], 12
        )
    ]
    shown = folded(
        "\n".join([*lines, f"{FILES[1]}:39:f()", *(f"{FILES[1]}-{n}-    more of it" for n in range(40, 60))])
    )
    assert "\n12:def f():\n    a\n14-\n    b\n16-7:c\n    d\n    e\n    f\n20-    g\n    h\n" in shown
    assert " A line without a number is the next one." in shown


def test_a_text_of_many_files_is_said_once() -> None:
    """With its own sign, if the hits speak of such names themselves."""
    lines = [
        f"src/part_{file}.py:{n}:    async def app(scope, receive, send):" for file in range(9) for n in (file, 80)
    ]
    shown = folded("\n".join(lines))
    assert shown.split("\n")[1] == "$1 = async def app(scope, receive, send):"
    assert "$1 stands for what is given first." in shown
    assert "\nsrc/part_3.py\n3,80:    $1\n" in shown
    assert "@1 = async" in folded("\n".join([*lines, "src/a.sh:7:echo $1"]))
    assert "@1 = async" in folded("\n".join([*lines, "src/$1.sh:7:echo", "src/$1.sh:9:done"]))


@pytest.mark.parametrize("above", ["", "lib/application.js\n", "12 matches\n\nlib/application.js\n"])
def test_lines_around_hits_of_one_file_show_few_numbers(above: str) -> None:
    """As by rg with a heading, or by a search in one file."""
    block = [f"{n}{':' if n % 9 == 4 else '-'}  const value{n} = read({n});" for n in range(101, 128)]
    block[3] = "104-"
    text = above + "\n".join([*block, "--", *(line.replace("1", "2", 1) for line in block), "--", "500:x"])
    shown = folded(text + "\n")
    assert "\n101-  const value101 = read(101);\n  const value102 = read(102);\n" in shown
    assert "\n104-\n  const value105 = read(105);\n  const value106" in shown
    assert "\n112:  const value112" in shown
    assert "\n110-  const" in shown


@given(
    lines=st.lists(
        st.one_of(
            st.tuples(st.integers(0, 14), st.sampled_from(":---"), _texts).map(lambda one: f"{one[0]}{one[1]}{one[2]}"),
            st.sampled_from(["", "--", "lib/a.js", "7", "08-x"]),
        ),
        max_size=30,
    )
)
def test_numbers_that_are_left_out_come_back(lines: list[str]) -> None:
    """Whatever stands in lines and between them."""
    shown = search_numbers.written(lines)
    assert shown is None or search_hits_decoder.decode(shown + "\n") == "\n".join(lines) + "\n"
