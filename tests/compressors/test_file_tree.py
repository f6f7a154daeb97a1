"""A directory is said once, above what is in it; order, columns and drawing come back exactly."""

import re

import file_tree_decoder
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.file_tree import FileTree
from headroom_mitm.compressors.tree_packages import STYLES, Style, drawn

COMPRESSOR = FileTree()
LIBRARY = "src/library/handlers/"
NAMES = ("accounts.py", "payments.py", "README.md", "settings.toml")
DATE = "Nov 21 21:27"


def folded(text: str) -> str:
    """Compress and hold the result to its word."""
    found = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert found is not None
    assert found.lossless
    assert file_tree_decoder.decode(found.text) == text
    return found.text


def paths(*directories: str) -> list[str]:
    return [directory + name for directory in directories for name in NAMES]


def long_rows(*names: str, mode: str = "-rw-r--r--", links: int = 1, date: str = DATE) -> list[str]:
    return [f"{mode} {links:>2} root staff {size:>6} {date} {name}" for size, name in enumerate(names, 99_997)]


@pytest.mark.parametrize(
    "form",
    [
        "{path}",
        "./{path}",
        "/srv/app/{path}",
        "{n}\t{path}",
        "{n:>5} {path}",
        " M {path}",
        "100644 blob ab{n}  7\t{path}",
    ],
    ids=["git ls-files", "find", "absolute", "du", "wc", "git status", "git ls-tree"],
)
@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n(Results are truncated.)"])
def test_every_list_comes_back(form: str, end: str) -> None:
    found = paths(LIBRARY, LIBRARY + "v2/", "docs/")
    assert LIBRARY in folded("\n".join(form.format(path=path, n=n) for n, path in enumerate(found, 95)) + end)


def test_names_of_a_directory_stand_in_one_line() -> None:
    assert f"\n\n{LIBRARY}\n{' '.join(NAMES)}\n\ndocs/guide/\n" in folded("\n".join(paths(LIBRARY, "docs/guide/")))


def test_numbered_names_stand_as_in_braces_of_a_shell() -> None:
    """Those with a digest, too; where a name has braces of its own, none are made."""
    found = [f"{LIBRARY}frame_{n}.png" for n in range(7, 12)] + [f"{LIBRARY}app.{n:08x}.js" for n in (1, 77, 940)]
    shown = folded("\n".join([*found, f"{LIBRARY}main.js"]))
    assert f"\n{LIBRARY}\nframe_{{7,8,9,10,11}}.png app.{{00000001,0000004d,000003ac}}.js main.js" in shown
    assert '"a{1,2}.b" stands for a1.b and a2.b.' in shown
    assert "frame_7.png frame_8.png" in folded("\n".join([*found, f"{LIBRARY}{{odd}}.js"]))


def test_what_stands_in_front_of_all_is_said_once() -> None:
    """An entry without it stays whole."""
    lines = [f"100644 blob {n}\t{path}" for n, path in enumerate(paths(LIBRARY, LIBRARY + "v2/"), 1000)]
    shown = folded("\n".join([*lines, f"100755 blob 77\t{LIBRARY}run"]))
    assert '"100644 blob " is left out in front of each' in shown
    assert "\n1000\taccounts.py\n" in shown
    assert f"\n\n(no directory)\n100755 blob 77\t{LIBRARY}run" in shown


def test_a_mixed_order_stands_below_a_directory_above() -> None:
    """Newest first, as Claude Code lists files: a heading for each would cost more than it saves."""
    found = [f"{LIBRARY}{'ab'[n % 2]}/file_{n}.py" for n in range(12)]
    assert f"{LIBRARY}\na/file_0.py\nb/file_1.py\n" in folded("\n".join(["Found 12 files", *found]))


def test_rows_of_ls_show_what_differs() -> None:
    files = long_rows("a.py", "b.py", "c.py", "d.py")
    links = long_rows("link -> a.py", mode="lrwxrwxrwx")
    shown = folded("\n".join(["total 40", *files, *links]))
    assert f'"SIZE NAME" stands for "-rw-r--r-- 1 root staff SIZE {DATE} NAME"' in shown
    assert "\ntotal 40\n99997 a.py\n99998 b.py\n99999 c.py\n100000 d.py\nlrwxrwxrwx  1 root" in shown


def test_directories_and_programs_are_marked_as_by_ls() -> None:
    lines = long_rows("a", "b", "c", "d", mode="-rwxr-xr-x") + [
        f"drwxr-xr-x {links:>2} root staff   4096 {DATE} dir{links}" for links in (2, 3, 12)
    ]
    shown = folded("\n".join(lines))
    assert "99997 a*\n" in shown
    assert "\n12 dir12/" in shown


def test_dates_that_differ_stay_in_their_rows() -> None:
    lines = [row for n in range(1, 9) for row in long_rows(f"file{n}", date=f"Jan {n:>2}  2023")]
    assert '"SIZE DATE NAME"' in folded("\n".join(lines))
    assert "\n99997 Jan  8  2023 file8" in folded("\n".join(lines))


def test_columns_wider_than_their_entries_come_back() -> None:
    """As when a listing was cut: the first row stays, and tells how wide they are."""
    lines = [f"-rw-r--r--   1 root  staff  {size:>9} {DATE} {size}.txt" for size in range(10, 20)]
    assert lines[0] in folded("\n".join(lines))


@pytest.mark.parametrize("name", ["x*", "x/", "a b", " x", "7 y", "-> z"])
def test_names_that_look_like_something_else_come_back(name: str) -> None:
    text = "\n".join(long_rows("a.py", name, "b.py", "c.py", "d.py", name))
    assert file_tree_decoder.decode(folded(text)) == text


@pytest.mark.parametrize("wide", [" ", "\u00a0"], ids=["plain", "non-breaking"])
def test_a_drawing_is_drawn_again(wide: str) -> None:
    drawing = [".", "├── lib", *(f"│__ ├── part_{n}.py" for n in range(9)), "│__ └── deep", "│__     └── b c.py"]
    drawing += ["├── empty", "└── z -> lib/part_1.py", "", "3 directories, 11 files\n"]
    shown = folded("\n".join(line.replace("__", wide * 2) for line in drawing))
    assert shown.startswith("[12 paths: each directory stands once, above its names. They were drawn by tree")
    assert "\n\n./lib/\npart_0.py part_1.py" in shown
    assert '"deep/b c.py"' in shown


PACKAGES = [(0, "top@1.0.0"), (1, "left@2.0.0"), (2, "deep@1.1.0"), (2, "twice@3.0.0"), (1, "right@2.0.1")]
PACKAGES = [
    *PACKAGES,
    *((1, f"plain-{n}@0.{n}.0 deduped") for n in range(9)),
    (0, "UNMET last@1 (of it)"),
    (1, "end@1"),
]


@pytest.mark.parametrize("lines", range(6, 14))
def test_a_drawing_that_is_cut_is_drawn_again(lines: int) -> None:
    """As by head."""
    drawing = [".", "├── lib", *(f"│   ├── part_{n}.py" for n in range(4)), "│   └── deep", "│       ├── b c.py"]
    drawing += ["│       └── d.py", "├── src", "│   ├── x.py", "│   └── y.py", "└── z.py"]
    text = "\n".join(drawing[:lines])
    form = COMPRESSOR.compress(Content(text, count=lambda text: 1 if text.startswith("[") else 99), Level.LOSSLESS)
    assert form is not None
    assert file_tree_decoder.decode(form.text) == text


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.said)
@pytest.mark.parametrize("around", ["{}", "shop@1.0.0 /srv/shop\n{}\n", "a\n\n{}\n\nb: 2 warnings\n\n"])
def test_packages_are_drawn_again(style: Style, around: str) -> None:
    shown = folded(around.format("\n".join(drawn(PACKAGES * 2, style))))
    assert f"entries of a tree, drawn as by {style.said}: " in shown or "They were drawn by tree" in shown


def test_leaves_of_a_package_share_a_line() -> None:
    shown = folded("\n".join(drawn(PACKAGES, STYLES[0])))
    assert '"*" stands for " deduped".' in shown
    assert "\ntop@1.0.0\n left@2.0.0\n  deep@1.1.0; twice@3.0.0\n right@2.0.1; plain-0@0.0.0*; plain-1@0.1.0*;" in shown


def test_packages_that_others_need_go_first_and_complaints_never() -> None:
    deep = [(0, "a@1"), *((1, f"b{n}@1") for n in range(30)), (2, "c@1 invalid: wants 2"), (0, "d@1"), (1, "e@1")]
    text = "\n".join(drawn(deep, STYLES[0]))
    found = COMPRESSOR.compress(Content(text), Level.HARD)
    assert found is not None
    assert "a@1\n [lines 2-31 left out: 30 entries]\n  c@1 invalid: wants 2\nd@1\n e@1" in found.text
    assert found.left_out == "lines 2-31 of 34"


def test_other_drawings_are_left_alone() -> None:
    names = [f"├━┱ package_{n}" for n in range(20)]
    assert COMPRESSOR.score(Content("\n".join(names))) == 0


def shown_lines(text: str, level: Level) -> tuple[str, set[int]]:
    """Compress, and return the form with the lines, from 1, that its notes do not name."""
    found = COMPRESSOR.compress(Content(text), level)
    assert found is not None
    assert not found.lossless
    missing = set()
    for first, last in re.findall(r"^ *\[lines (\d+)-(\d+) left out: ", found.text, re.MULTILINE):
        missing |= set(range(int(first), int(last) + 1))
    assert missing
    return found.text, set(range(1, text.count("\n") + 2)) - missing


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HARD], ids=lambda level: level.name)
@pytest.mark.parametrize("form", ["{path}", "./{path}", "{n}\t{path}", "100644 blob ab{n}  7\t{path}"])
def test_files_that_are_gone_are_those_that_notes_name(form: str, level: Level) -> None:
    found = [f"src/part{d}/sub{d % 2}/name_{d}_{chr(97 + n)}.py" for d in range(4) for n in range(20)]
    found = ["src/setup.cfg", "src/README.md", *found, "src/zz/Makefile"]
    text, kept = shown_lines("\n".join(form.format(path=path, n=n) for n, path in enumerate(found, 95)), level)
    for number, path in enumerate(found, 1):
        shows = re.search(rf"(?<![\w.]){re.escape(path.rpartition('/')[2])}(?![\w.])", re.sub(r"\[lines.*", "", text))
        assert (number in kept) == (shows is not None)
    assert "setup.cfg" in text
    assert "README.md" in text


def test_lines_that_are_no_files_stay() -> None:
    found = [f"src/lib/name_{n}.py" for n in range(60)]
    text, _ = shown_lines("\n".join([*found[:30], "find: src/secret: Permission denied", *found[30:]]), Level.HARD)
    assert "\nfind: src/secret: Permission denied\n" in text


@pytest.mark.parametrize("level", [Level.LIGHT, Level.MEDIUM, Level.HARD], ids=lambda level: level.name)
def test_vendored_folders_are_counted(level: Level) -> None:
    found = [f"web/src/page_{n}.{'tsx' if n % 2 else 'css'}" for n in range(30)]
    found += [f"web/node_modules/left-pad/lib/file_{n}.js" for n in range(60)]
    found += [f"web/node_modules/right/{n}.js" for n in range(10)]
    text, kept = shown_lines("\n".join(found), level)
    assert kept <= set(range(1, 31))
    assert "left out: 70 entries: web/node_modules/left-pad/lib/ 60, web/node_modules/right/ 10]" in text


def test_light_leaves_out_what_differs_in_a_number_only() -> None:
    found = [f"web/assets/chunk-{n:08x}.js" for n in range(40)] + [
        f"web/assets/page_{chr(97 + n)}.js" for n in range(20)
    ]
    text, kept = shown_lines("\n".join(found), Level.LIGHT)
    assert kept == {1, 2, 40, *range(41, 61)}
    assert "[lines 3-39 left out: 37 entries, chunk-00000002.js to chunk-00000026.js]" in text


def test_vendored_folders_stay_where_they_are_what_was_asked_for() -> None:
    text = "\n".join(f"web/node_modules/left-pad/lib/file_{n}{n % 7 * 'x'}.js" for n in range(90))
    assert COMPRESSOR.compress(Content(text), Level.LIGHT) == COMPRESSOR.compress(Content(text), Level.LOSSLESS)


def test_the_largest_of_files_alike_stays() -> None:
    names = [f"part_{n}.log" for n in range(60)]
    rows = long_rows(*names)
    rows[30] = rows[30].replace("100027", "999999")
    text, kept = shown_lines("\n".join(["total 9", *rows]), Level.MEDIUM)
    assert {1, 2, 3, 4, 32, 61} <= kept
    assert " 999999 Nov 21 21:27 part_30.log\n" in text
    assert "part_3.log to part_29.log, size 100000 to 100026]" in text


def test_branches_of_a_drawing_are_left_out_with_what_is_below() -> None:
    drawing = ["."]
    for d in range(5):
        drawing += [f"├── dir{d}", "│\u00a0\u00a0 └── deep"] + [
            f"│\u00a0\u00a0     ├── part_{d}_{n}.py" for n in range(20)
        ]
        drawing[-1] = drawing[-1].replace("├", "└")
    drawing += ["├── README.md", "└── setup.py", "", "10 directories, 102 files"]
    text, kept = shown_lines("\n".join(drawing), Level.HARD)
    assert {1, 112, 113, 114, 115} <= kept
    assert "README.md setup.py" in text
    assert "10 directories, 102 files" in text
    assert len(kept) < 20


@pytest.mark.parametrize(
    "text",
    [
        "",
        "src/a.py\nsrc/b.py",
        "\n".join(f"a{n}/x.py" for n in range(20)),
        "\n".join(f"src/a.py:{n}:text" for n in range(20)),
        "\n".join(f"src/a.py({n},7): error" for n in range(20)),
        "\n".join(["<div>", "  <p>text</p>", "</div>"] * 9),
        "\n".join("iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE" for _ in range(9)),
        "\n".join(f"// comment {n}\n/* more */\nx = a/b" for n in range(9)),
        "\n".join(f"https://example.org/{n}" for n in range(20)),
        "\n".join(f"https://example.org/src/{n}: ok" for n in range(20)),
        "root:\nchild:\nother:\nmore:\nlast:\nthen:",
    ],
    ids=["empty", "short", "all apart", "hits", "errors", "HTML", "base64", "code", "addresses", "checks", "YAML"],
)
def test_other_texts_are_left_alone(text: str) -> None:
    assert COMPRESSOR.compress(Content(text), Level.LOSSLESS) is None


_fronts = st.sampled_from(["", "", "12\t", "100644 blob ab 7\t", " M ", "  12 "])
_listed = st.sampled_from([*NAMES, "image_1.png", "image_2.png", "image_10.png", "7", "x.0123abcd.js", "a{b}.c", "a,b"])
_directories = st.sampled_from(["", "./", "/", "src/", LIBRARY, LIBRARY + "v2/", "a b/"])
_odd = st.sampled_from(["", "Found 3 files", "(no directory)", "x/", '"q"/a', "total 3", "7 x", ".:", "└── x"])
_rows = st.builds(
    "{} {:>3} {:<5} staff {:>7} {} {}".format,
    st.sampled_from(["-rw-r--r--", "drwxr-xr-x", "-rwxr-xr-x", "lrwxrwxrwx"]),
    st.integers(1, 12),
    st.sampled_from(["root", "me"]),
    st.sampled_from(["4096", "7", "1.5K"]),
    st.sampled_from([DATE, "Jan  5  2023"]),
    st.sampled_from(["a", "b c", "d*", "e/", " f"]),
)


def cheap_if_shortened(text: str) -> int:
    """Let every form count as worth it."""
    return 1 if text.startswith(("[ls -l", "[")) else 99


@given(lines=st.lists(st.one_of(st.tuples(_fronts, _directories, _listed).map("".join), _odd), max_size=40))
def test_lists_are_exact(lines: list[str]) -> None:
    """Whatever stands in front of paths, and between them."""
    text = "\n".join(lines)
    form = COMPRESSOR.compress(Content(text, count=cheap_if_shortened), Level.LOSSLESS)
    assert form is None or file_tree_decoder.decode(form.text) == text


@given(lines=st.lists(st.one_of(_rows, _rows, _rows, _odd), max_size=40))
def test_listings_are_exact(lines: list[str]) -> None:
    """However rows are cut, mixed and aligned."""
    text = "\n".join(lines)
    form = COMPRESSOR.compress(Content(text, count=cheap_if_shortened), Level.LOSSLESS)
    assert form is None or file_tree_decoder.decode(form.text) == text


_names = st.one_of(
    st.sampled_from(["a@1", "a@1 deduped", "b", "c (*)", "x; y", "z;", " lead", "[q", "*", "d*"]),
    st.text("ab; *", min_size=1, max_size=5),
)


@given(
    steps=st.lists(st.tuples(st.integers(-3, 1), _names), min_size=8, max_size=30),
    style=st.sampled_from(STYLES),
    cut=st.integers(0, 9),
)
def test_trees_of_packages_are_exact(steps: list[tuple[int, str]], style: Style, cut: int) -> None:
    """However deep they are, whatever stands in names, and wherever they end."""
    nodes: list[tuple[int, str]] = []
    for step, name in steps:
        nodes.append((max(0, nodes[-1][0] + step) if nodes else 0, name))
    tree = drawn(nodes, style)
    text = "\n".join(["before", *tree[: len(tree) - cut], "", "behind"])
    form = COMPRESSOR.compress(
        Content(text, count=lambda text: 1 if "entries of a tree" in text else 99), Level.LOSSLESS
    )
    assert form is None or file_tree_decoder.decode(form.text) == text
