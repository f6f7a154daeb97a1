"""What git prints, in its shorter form: exact where nothing is left out, and counted where something is."""

import random
import re

import diff_hunks_decoder
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_golden import GOLDEN, read

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.diff_hunks import DiffHunks

COMPRESSOR = DiffHunks()
INPUTS = [read(path)[0].text for path in sorted((GOLDEN / "diff_hunks").glob("*"))]
ODD_STARTS = (" ", "  ", "+", "-", "=== ", "@@ 3 @@", " a/ ", "-- ", " a | 3 +", "\\ No newline", "commit ab | x | y")


def patch(*hunks: str, head: str = "") -> str:
    first = head or "diff --git a/src/a.py b/src/a.py\nindex 1a2b..3c4d 100644\n--- a/src/a.py\n+++ b/src/a.py"
    return "\n".join([first, *hunks, ""])


def lossless(text: str) -> str:
    """Return the form of a text behind a longer one, for which a legend is worth its tokens."""
    text = patch(*(hunk(f"{9 * n}", f"{9 * n}", 4) for n in range(1, 40))) + text
    found = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert found is not None
    assert diff_hunks_decoder.decode(found.text) == text
    return found.text


def hunk(old: str, new: str, lines: int, first: int = 0) -> str:
    body = [f" line {first + number}" for number in range(lines)]
    body[lines // 2 : lines // 2 + 1] = ["-was", "+is"]
    return "\n".join([f"@@ -{old},{lines} +{new},{lines} @@ def f():", *body])


@given(st.randoms(use_true_random=False))
def test_pieces_of_real_output_come_back(source: random.Random) -> None:
    """Cut anywhere, lines changed, swapped and mixed with another output: exact, or left alone."""
    lines = source.choice(INPUTS).split("\n")
    begin = source.randrange(len(lines))
    lines = lines[begin : begin + source.randrange(5, 60)]
    for _ in range(source.randrange(4)):
        at = source.randrange(len(lines))
        lines[at] = source.choice(
            (lines[at][: len(lines[at]) // 2], source.choice(ODD_STARTS) + lines[at], lines[at - 1], "")
        )
    found = COMPRESSOR.compress(Content("\n".join(lines)), Level.LOSSLESS)
    assert found is None or diff_hunks_decoder.decode(found.text) == "\n".join(lines)


@pytest.mark.parametrize("line", ['                "cut/HelpButton.tsx | 20 ++--', "  a/b.py | 3 +", "   | 4"])
def test_a_line_that_looks_like_a_row_below_a_directory_is_not_taken_for_one(line: str) -> None:
    rows = [f" packages/components/part_{number}.tsx | {number} +" for number in range(10, 40)]
    text = "\n".join([*rows, line, "the end"])
    found = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert found is None or diff_hunks_decoder.decode(found.text) == text


def test_a_line_number_is_that_of_the_new_file() -> None:
    """Where the file has grown above, old and new differ; a reader wants the lines that exist now."""
    grown = "@@ -1,2 +1,4 @@\n a\n+b\n+c\n d"
    text = lossless(patch(grown, hunk("40", "42", 6), hunk("90", "92", 6)))
    assert "@@ 1 @@\n a" in text
    assert "@@ 42 @@ def f():" in text
    assert '@@ 92 @@ "\n' in text


def test_what_stands_behind_a_header_is_said_once() -> None:
    """A hunk in the function of the one above says so; one in another, or in another file, names it."""
    other = hunk("90", "90", 6).replace("def f():", "def g():")
    text = lossless(patch(hunk("10", "10", 6), hunk("40", "40", 6), other, hunk("140", "140", 6)))
    said = re.findall(r"^@@ \d+ @@(.*)", text, re.MULTILINE)
    assert said[-5:] == [' "', " def f():", ' "', " def g():", " def f():"]


def test_a_header_that_does_not_follow_stays() -> None:
    text = lossless(patch(hunk("40", "42", 6), hunk("90", "97", 6)))
    assert "@@ -40,6 +42,6 @@" in text
    assert "@@ -90,6 +97,6 @@" in text


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (
            "new file mode 100644\nindex 000..3c4d\n--- /dev/null\n+++ b/a.py",
            "=== a.py, new file mode 100644; index 000..3c4d",
        ),
        (
            "deleted file mode 100644\nindex 3c4d..000\n--- a/a.py\n+++ /dev/null",
            "=== a.py, deleted file mode 100644; index",
        ),
        ("old mode 100644\nnew mode 100755", "=== a.py (no names), old mode 100644; new mode 100755"),
    ],
    ids=["new", "deleted", "mode"],
)
def test_heads_of_files_are_one_line(head: str, told: str) -> None:
    text = lossless(patch(hunk("1", "1", 4), patch(hunk("1", "1", 4), head=f"diff --git a/a.py b/a.py\n{head}")))
    assert told in text


def test_a_renamed_file_has_both_names() -> None:
    head = "diff --git a/a.py b/lib/b.py\nsimilarity index 97%\nrename from a.py\nrename to lib/b.py"
    assert "=== a.py => lib/b.py (no names), similarity index 97%" in lossless(patch(head, patch(hunk("3", "3", 5))))


def test_a_cut_output_keeps_its_last_hunk() -> None:
    """Clients cut long outputs; the header then speaks of lines that are not there."""
    text = patch(hunk("40", "40", 6), hunk("90", "90", 60))
    assert lossless(text[: text.index(" line 7")]).endswith(" line 6\n")


@pytest.mark.parametrize("level", [Level.LIGHT, Level.MEDIUM])
def test_changed_lines_stay(level: Level) -> None:
    """Whatever is left out around them; each stands under the number of its line in the new file."""
    text = patch(*(hunk(str(100 * n), str(100 * n), 21, n) for n in range(1, 9)))
    found = COMPRESSOR.compress(Content(text), level)
    assert found is not None
    assert not found.lossless
    assert found.text.count("\n-was\n+is") == 8
    keep = 1 if level is Level.LIGHT else 0
    assert all(f"@@ {100 * n + 10 - keep} @@" in found.text for n in range(1, 9))
    assert f"{8 * (20 - 2 * keep)} lines of context" in found.left_out


def test_pinned_versions_of_lock_files_stay() -> None:
    entry = "\n".join(
        (
            ' "node_modules/a": {',
            '-"version": "1.2.3",',
            '-"integrity": "sha512-aa",',
            '+"version": "1.3.0",',
            '+"integrity": "sha512-bb",',
            " },",
        )
    )
    name = "package-lock.json"
    head = f"diff --git a/{name} b/{name}\nindex 1a..2b 100644\n--- a/{name}\n+++ b/{name}"
    hunks = [f"@@ -{9 * n},4 +{9 * n},4 @@\n{entry}".replace("/a", f"/a{n}") for n in range(20)]
    found = COMPRESSOR.compress(Content(patch(*hunks, head=head)), Level.LIGHT)
    assert found is not None
    assert all(f'"node_modules/a{n}": {{\n-"version": "1.2.3",' in found.text for n in range(20))
    assert "sha512" not in found.text
    assert "60 lines of generated files" in found.left_out


@pytest.mark.parametrize("level", list(Level))
def test_counts_add_up(level: Level) -> None:
    """Lines of the patch that are shown and those that are said to be left out are all there were."""
    for text in INPUTS:
        found = COMPRESSOR.compress(Content(text), level)
        if found is None or found.lossless:
            continue
        gone = sum(
            int(count.replace(",", "")) for count in re.findall(r"([\d,]+) (?:added|removed) lines", found.left_out)
        )
        signed = [sum(line[:1] in ("+", "-") for line in said.split("\n")) for said in (text, found.text)]
        heads = text.count("\n--- ") + text.count("\n+++ ")
        if "generated" not in found.left_out:
            assert signed[0] - heads == signed[1] + gone
