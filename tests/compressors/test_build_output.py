"""A message is said once, a file once; every diagnostic comes back where it stood."""

import build_output_decoder
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.build_output import BuildOutput

COMPRESSOR = BuildOutput()
FILES = ("src/server/routes/account.ts", "src/server/routes/payments.ts", "test/server.test.ts")
MESSAGE = "error TS2304: Cannot find name '{}'."


def shortened(text: str, subject: str = "") -> str:
    """Compress without loss and hold the result to its word."""
    found = COMPRESSOR.compress(Content(text, "Bash", subject), Level.LOSSLESS)
    assert found is not None
    assert found.lossless
    assert build_output_decoder.decode(found.text) == text
    return found.text


def diagnostics(form: str = "{}({},{}): {}") -> list[str]:
    """Write a message at many places of three files, and another now and then."""
    lines = []
    for path in FILES:
        for number in range(3, 60, 5):
            text = MESSAGE.format("fetch" if number % 3 else "process")
            lines.append(form.format(path, number, number % 7 + 1, text))
    return lines


@pytest.mark.parametrize(
    "form",
    ["{}({},{}): {}", "{}:{}:{}: {}", "{}:{}:{} - {}", "[ERROR] {}:[{},{}] {}"],
    ids=["tsc", "gcc", "pretty", "maven"],
)
@pytest.mark.parametrize("end", ["", "\n", "\n\nFound 36 errors in 3 files.\n", "\r\n"], ids=repr)
def test_every_form_comes_back(form: str, end: str) -> None:
    shown = shortened(("\r\n" if end == "\r\n" else "\n").join(diagnostics(form)) + end)
    assert shown.count("Cannot find name") == 1


def test_places_of_a_message_stand_together_in_front_of_it() -> None:
    shown = shortened("\n".join(diagnostics()))
    assert "$TS2304 = [36x] error TS2304: Cannot find name …." in shown
    assert f"== {FILES[0]}\n3:4 18:5 33:6 48:7 $TS2304 'process'\n8:2 13:7" in shown


def test_lines_without_columns_are_places() -> None:
    lines = [f"{path}:{n}: error: Incompatible types  [arg-type]" for path in FILES for n in range(3, 90, 7)]
    assert "\n3 10 17 24 31 38 45 52 59 66 73 80 87 $1\n" in shortened("\n".join([*lines, "Found 39 errors"]))


def test_a_table_of_eslint_comes_back_as_wide_as_it_was() -> None:
    rows = [
        "    3:1   warning  Unexpected var, use let or const instead  no-var",
        "   18:14  error    'next' is defined but never used          no-unused-vars",
        "  120:1   warning  Unexpected var, use let or const instead  no-var",
        "  121:1   warning  Unexpected var, use let or const instead  no-var",
    ]
    text = "\n".join(["", *(line for path in FILES * 2 for line in (f"/home/user/{path}", *rows, "")), "✖ 24 problems"])
    shown = shortened(text)
    assert "$1 = [18x] warning  Unexpected var, use let or const instead  no-var" in shown
    assert f"== /home/user/{FILES[0]}\n3:1 120:1 121:1 $1\n18:14 " in shown


def test_what_differs_in_a_message_stands_behind_its_name() -> None:
    lines = [f"a/b.c:{n}:5: warning: unused variable 'v{n}' of type `int` in line {n}" for n in range(9, 30)]
    shown = shortened("\n".join(lines))
    assert "= [21x] warning: unused variable … of type `int` in line …" in shown
    assert "\n9:5 $1 'v9' 9\n10:5 $1 'v10' 10\n" in shown


def test_warnings_keep_their_first_places_and_a_count_and_errors_keep_all() -> None:
    lines = [f"src/a.c:{n}:5: {kind}: unused variable 'v'" for kind in ("warning", "error") for n in range(10, 30)]
    found = COMPRESSOR.compress(Content("\n".join(sorted(lines))), Level.MEDIUM)
    assert found is not None
    assert "\n10:5 11:5 12:5 13:5 14:5 and 15 more $" in found.text
    assert " 28:5 29:5 $" in found.text
    assert found.left_out == "15 places of warnings, where rows count them, of 40 lines"


def test_codes_are_counted_where_there_are_many() -> None:
    lines = [f"{line}" for line in diagnostics()] + [
        f"{FILES[0]}(90,{n}): error TS1005: ';' expected." for n in range(9)
    ]
    assert "[45 errors, nothing left out (36 TS2304, 9 TS1005)" in shortened("\n".join(lines))


def test_code_frames_stay_below_their_diagnostic() -> None:
    frames = []
    for line in diagnostics("{}:{}:{}: {} Do you have to change your target library?"):
        frames += [line, "   12 |   return fetch(url);", "      |          ^~~~~"]
    shown = shortened("\n".join(frames))
    assert f"== {FILES[0]}\n3:4 $TS2304 'process'\n   12 |   return fetch(url);\n      |          ^~~~~\n" in shown


def framed(title: str, path: str, line: int) -> str:
    return (
        f"{title}\n  --> {path}:{line}:5\n   |\n{line} |     value = compute(of, many, {line})\n   |     ^^^^^\n   |\n"
    )


def test_of_what_was_shown_twice_with_its_code_only_the_place_is_said() -> None:
    lints = [framed(f"F841 Local variable `v{n}` is never used", FILES[n // 8], n) for n in range(10, 24)]
    errors = [framed("error[E0425]: cannot find value `x` in this scope", FILES[0], n) for n in range(30, 36)]
    found = COMPRESSOR.compress(Content("\n".join([*lints, *errors, "Found 20 errors."])), Level.LIGHT)
    assert found is not None
    assert found.text.count("value = compute(of, many, 1") == 2
    assert f"\n== {FILES[1]}\n12:5 $F841 `v12`\n13:5 $F841 `v13`\n" in found.text
    assert all(error.rstrip() in found.text for error in errors)
    assert found.text.endswith("Found 20 errors.")
    assert found.left_out == "the code of 12 diagnostics, of 141 lines"


def test_code_comes_back_where_nothing_may_be_left_out() -> None:
    text = "\n".join(framed("D103 Missing docstring in public function", FILES[0], 10) for _ in range(6))
    assert "#1 x5" in shortened(text)
    assert COMPRESSOR.score(Content(text)) > 0.8


@pytest.mark.parametrize("odd", ["== a.ts", "=- a", "12:5 x", "12 x", "| x", "$1 = [3x] y", "", "[1 diagnostics"])
def test_what_looks_like_notation_comes_back(odd: str) -> None:
    lines = diagnostics()
    text = "\n".join([odd, *lines[:20], odd, odd, *lines[20:], odd])
    assert build_output_decoder.decode(shortened(text)) == text


def test_places_out_of_order_stay_in_their_order() -> None:
    lines = diagnostics()
    assert f"=- {FILES[0]}" in shortened("\n".join([*lines[5:12], *lines[:5], *lines[12:]]))


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("\n".join(f"src/a.py:{n}:    x = error({n})" for n in range(40)), "grep -rn error src"),
        ("\n".join(f"src/a.py:{n}:5:    x = error({n})" for n in range(40)), "rg --column error"),
        ("\n".join(f"2025-01-01T12:00:{n} error: disk full" for n in range(10, 40)), "cat log"),
        ("\n".join(f"12:00:{n} warning: disk full" for n in range(10, 40)), ""),
        ("PASSED tests/test_a.py::test_b\n" * 30, "pytest"),
    ],
    ids=["grep", "columns", "log", "times", "tests"],
)
def test_other_texts_are_not_claimed(text: str, subject: str) -> None:
    assert COMPRESSOR.score(Content(text, "Bash", subject)) == 0


def test_a_compiler_without_words_of_verdict_is_known_by_its_command() -> None:
    text = "\n".join(f"./main.go:{n}:2: undefined: parse" for n in range(9, 40))
    assert COMPRESSOR.score(Content(text, "Bash", "go vet ./...")) > 0.96
    assert COMPRESSOR.score(Content(text, "Bash", "rg -n --column undefined")) == 0


_texts = st.text("a1'\"` :$…-[]()x", max_size=9).map(lambda text: f"error: {text}") | st.text(max_size=6)
_forms = st.sampled_from(
    ["{}({},{}): {}", "{}:{}:{}: {}", "{}:{}: {}", "  {}:{}  error  {}  rule", "{}", "{}:{}:{} - {}"]
)


@given(
    form=_forms,
    rows=st.lists(
        st.tuples(st.sampled_from([*FILES, "a", "== a"]), st.integers(0, 30), _texts), min_size=4, max_size=40
    ),
    other=_forms,
)
def test_it_is_exact(form: str, rows: list[tuple[str, int, str]], other: str) -> None:
    """Whatever stands where."""
    lines = []
    for number, (path, at, text) in enumerate(rows):
        used = other if number % 5 == 4 else form
        values = (
            (path, at, at % 3, text)
            if used.count("{}") == 4
            else (path, at, text)
            if used.count("{}") == 3
            else (text,)
        )
        lines.append(used.format(*values))
    text = "\n".join(lines)
    found = COMPRESSOR.compress(Content(text, count=lambda text: 1 if text.startswith("[") else 9), Level.LOSSLESS)
    assert found is None or build_output_decoder.decode(found.text) == text


PIP = [
    line
    for n in range(30)
    for line in (
        f"Requirement already satisfied: package-{n}>=1.{n} in /srv/shop/.venv/lib/python3.12/site-packages (1.{n}.4)",
        f"Collecting extra-{n}==2.{n}",
        f"  Downloading extra_{n}-2.{n}-py3-none-any.whl (1{n} kB)",
    )
]


def test_steps_of_an_installer_name_their_directory_once() -> None:
    text = "\n".join([*PIP, "Successfully installed extra-1-2.1"])
    assert COMPRESSOR.score(Content(text)) > 0.6
    assert "\n$1 = /srv/shop/.venv/lib/python3.12\n" in shortened(text)


def test_steps_that_went_well_are_counted_by_kind_and_trouble_stays() -> None:
    trouble = "  Downloading torch-2.0.whl: error: connection reset"
    lines = [*PIP[:40], trouble, *PIP[40:], "WARNING: pip is old", "Successfully installed extra-1-2.1"]
    found = COMPRESSOR.compress(Content("\n".join(lines)), Level.LIGHT)
    assert found is not None
    note, middle, other, *end = found.text.split("\n")[1:]
    assert note == "[lines 1-40 left out: 14 Requirement already satisfied, 13 Collecting, 13 Downloading]"
    assert middle == trouble
    assert other.startswith("[lines 42-91 left out: ")
    assert end == lines[-2:]
    assert found.left_out == "90 steps that went well, of 93 lines"


BUILDS = {
    "make": (
        [f"[{n:3}%] Building CXX object src/CMakeFiles/app.dir/part_{n}.cpp.o" for n in range(1, 99)],
        "[100%] Built target app",
    ),
    "ninja": (
        [f"[{n}/99] Building CXX object src/CMakeFiles/app.dir/part_{n}.cpp.o" for n in range(1, 99)],
        "[99/99] Linking CXX executable app",
    ),
    "maven": (
        [
            f"[INFO] Downloaded from central: https://repo.example/org/a-{n}.pom ({n} kB at {n * 3} kB/s)"
            for n in range(1, 99)
        ],
        "[INFO] BUILD SUCCESS",
    ),
    "gradle": ([f"> Task :app:part{n}:compileJava UP-TO-DATE" for n in range(1, 99)], "BUILD SUCCESSFUL in 12s"),
}


@pytest.mark.parametrize(("steps", "outcome"), BUILDS.values(), ids=BUILDS.keys())
def test_steps_of_a_build_are_counted_and_its_outcome_stays(steps: list[str], outcome: str) -> None:
    warning = "src/part_8.cpp:1:25: warning: unused variable"
    lines = [*steps[:40], warning, *steps[40:], outcome]
    found = COMPRESSOR.compress(Content("\n".join(lines)), Level.LIGHT)
    assert found is not None
    note, middle, other, end = found.text.split("\n")[1:]
    assert note.startswith("[lines 1-40 left out: 40 ")
    assert middle == warning
    assert other.startswith("[lines 42-99 left out: 58 ")
    assert end == outcome


def test_versions_that_apt_names_only_while_it_fetches_stay() -> None:
    """Pip says at its end what it has installed, apt does not: lightly pressed, its steps are left to others."""
    fetched = [
        f"Get:{n} http://deb.example.org/debian bookworm/main amd64 lib{n} amd64 1.{n}-2 [{n} kB]" for n in range(1, 60)
    ]
    set_up = [f"Setting up lib{n}:amd64 (1.{n}-2) ..." for n in range(1, 60)]
    text = "\n".join([*fetched, *set_up])
    assert COMPRESSOR.compress(Content(text), Level.LIGHT) is None
    harder = COMPRESSOR.compress(Content(text), Level.MEDIUM)
    assert harder is not None
    assert not harder.lossless
