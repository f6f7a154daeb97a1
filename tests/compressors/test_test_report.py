"""What passed is named once a file and in order; every line comes back, and what failed stays as it is."""

import pytest
import report_decoder
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.test_report import ReportOfTests

COMPRESSOR = ReportOfTests()
PERCENT = "tests/api/test_users.py::{} PASSED"


def shortened(text: str) -> str:
    """Compress without loss and hold the result to its word."""
    found = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert found is not None
    assert found.lossless
    assert report_decoder.decode(found.text) == text
    return found.text


def verbose(names: list[str], columns: int = 80) -> str:
    """Write what pytest -v does."""
    lines = [PERCENT.format(name) for name in names]
    ends = [f" [{100 * number // len(names):>3}%]" for number in range(1, len(names) + 1)]
    return "\n".join(line + end.rjust(columns - len(line)) for line, end in zip(lines, ends, strict=True))


NAMES = [f"test_{word}" for word in ("create", "read", "update", "delete", "list", "find", "merge", "split")]


def test_a_file_is_said_once_and_a_percentage_where_it_changes() -> None:
    shown = shortened(verbose(NAMES * 4))
    assert "x32 tests/api/test_users.py::{3%: test_create 6%: test_read 9%: test_update" in shown
    assert shown.endswith("} PASSED […]")


@pytest.mark.parametrize("columns", [80, 100, 211])
def test_percentages_come_back_at_their_column(columns: int) -> None:
    shown = shortened(verbose(NAMES * 4, columns))
    assert (f"aligned to column {columns}" in shown) == (columns != 80)


def test_parameters_stand_below_the_test_that_has_them() -> None:
    names = [f"test_read[{suffix}-{size}]" for suffix in ("png", "pdf", "svg") for size in range(4)]
    shown = shortened("\n".join(f"PASSED tests/test_files.py::{name}" for name in names))
    assert shown.endswith(f"x12 PASSED tests/test_files.py::test_read[{{{' '.join(n[10:-1] for n in names)}}}]")


def test_files_of_jest_and_vitest_stand_together() -> None:
    jest = [f"PASS src/billing/of/orders/part_{n}.test.ts" for n in range(30)]
    assert "x30 PASS src/billing/of/orders/{part_0.test.ts part_1" in shortened("\n".join([*jest, "Tests: 30"]))
    vitest = [f" ✓ src/billing/part_{n}.test.ts  ({n + 2} tests) 3ms" for n in range(12)]
    assert "x12  ✓ src/billing/{part_0.test.ts  (2 tests) | part_1" in shortened(
        "\n".join([*vitest, " Test Files  12"])
    )


def test_names_with_spaces_are_parted_by_bars() -> None:
    lines = [f"    ✓ should {verb} the {thing}" for verb in ("open", "close", "lock") for thing in ("door", "window")]
    assert "x18     ✓ should {open the door | open the window | close the door |" in shortened("\n".join(lines * 3))


def test_a_go_test_is_said_once_with_its_beginning_and_its_end() -> None:
    lines = [f"=== RUN   Test{n}\n--- PASS: Test{n} (0.0{n // 8}s)" for n in range(12)]
    shown = shortened("\n".join([*lines, "PASS", "ok  \texample.org/a\t0.1s"]))
    assert "x12 === RUN, --- PASS: {0.00s: Test0 Test1 Test2 Test3 Test4 Test5 Test6 Test7 0.01s: Test8" in shown


def test_packages_of_go_stand_together_whether_cached_or_not() -> None:
    lines = [f"ok  \texample.org/shop/internal/part{n}\t{'(cached)' if n % 5 else f'{n}.2s'}" for n in range(20)]
    shown = shortened("\n".join(lines))
    assert "x20 ok  \texample.org/shop/internal/{0.2s: part0 (cached): part1 part2 part3 part4 5.2s: part5" in shown


def test_empty_lines_between_rows_are_said_once() -> None:
    lines = [f"org.shop.billing.InvoiceTest > {name[5:]}TheInvoice() PASSED\n" for name in NAMES * 3]
    assert "createTheInvoice() readTheInvoice()" in (shown := shortened("\n".join([*lines, "BUILD SUCCESSFUL in 3s"])))
    assert "} PASSED ¶\nBUILD SUCCESSFUL in 3s" in shown


def test_files_whose_tests_take_turns_stand_in_one_row() -> None:
    lines = [f"[gw{n % 3}] [{n * 2:>3}%] PASSED tests/test_{n % 5}.py::test_of_part_{n} " for n in range(1, 51)]
    assert "x50 PASSED tests/{gw1/2%: test_1.py::test_of_part_1 gw2/4%: test_2.py::" in shortened("\n".join(lines))


def test_parallel_go_tests_are_said_once_where_they_wait() -> None:
    lines = [f"=== RUN   Test{n}\n=== PAUSE Test{n}" for n in range(12)] + [f"=== CONT  Test{n}" for n in range(12)]
    shown = shortened("\n".join(lines))
    assert "x12 === RUN, PAUSE {Test0 Test1" in shown
    assert "x12 === CONT  {Test0 Test1" in shown


@pytest.mark.parametrize("kind", ["", "\n    type: 'test'"], ids=["untyped", "typed"])
def test_a_block_of_tap_is_a_duration(kind: str) -> None:
    lines = [
        f"  # Subtest: adds {n}\n  ok {n} - adds {n}\n    ---\n    duration_ms: 0.{n}7{kind}\n    ..."
        for n in range(1, 30)
    ]
    assert "x29   # Subtest, ok {0.17: 1 - adds 1 | 0.27: 2 - adds 2 |" in shortened("\n".join([*lines, "# pass 6"]))


def test_what_did_not_pass_stays_as_it_is() -> None:
    failed = ["FAILED tests/test_a.py::test_x - assert 1 == 2", "ERROR tests/test_a.py::test_y - OSError: [Errno 2]"]
    text = "\n".join([*(f"PASSED tests/test_a.py::{name}" for name in NAMES * 2), *failed])
    assert shortened(text).endswith("\n".join(failed))


def test_a_skipped_test_keeps_its_reason() -> None:
    lines = [f"{name} (pkg.tests.Disk.{name}) ... skipped 'no disk'" for name in NAMES]
    assert shortened("\n".join(lines)).endswith("} (pkg.tests.Disk.~) ... skipped 'no disk'")


def test_a_description_stands_behind_its_test() -> None:
    lines = [f"{name} (pkg.tests.Disk)\nDisks know how to {name[5:]}. ... ok" for name in NAMES * 3]
    assert "x24 {test_create ⏎ Disks know how to create. | test_read ⏎" in shortened("\n".join(lines))


def test_workers_of_xdist_are_told_apart() -> None:
    lines = [f"[gw{n % 2}] [ {n}0%] PASSED tests/test_a.py::{name} " for n, name in enumerate(NAMES, 1)]
    assert "x8 PASSED tests/test_a.py::{gw1/10%: test_create gw0/20%: test_read" in shortened("\n".join(lines))


def test_output_that_comes_again_is_shown_once() -> None:
    header = "===== test session starts =====\nplatform linux -- Python 3.12.1, pytest-8.0.0, pluggy-1.3.0"
    text = "\n".join(f"____ test_{n} ____\n{header}\nrootdir: /tmp/test_{n}0\n\n3 passed" for n in range(5))
    shown = shortened(text)
    assert shown.count("platform linux") == 1
    assert shown.count("\n#1\n") == 4


@pytest.mark.parametrize(
    "odd", ["x3 lines", "x1 x1", "#1", "#2| a", "#1 #2 x3", "x2 a{b c}d", "[Nothing is left out.]"]
)
def test_what_looks_like_notation_comes_back(odd: str) -> None:
    text = "\n".join([odd, verbose(NAMES * 3), odd, "", odd])
    assert report_decoder.decode(shortened(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-01 12:00:00 INFO started\n" * 40,
        "\n".join(f"src/a_{n}.py:12:    assert x" for n in range(40)),
        "def test_a():\n    assert True\n\n\n" * 30,
        "\n".join(f"{n}\tdef test_{n}(): pass" for n in range(40)),
        "# Heading\n\nText about tests that are ok.\n" * 20,
        '{"name": "test", "result": "ok"}\n' * 40,
    ],
    ids=["log", "search", "code", "listing", "prose", "json"],
)
def test_other_texts_are_not_claimed(text: str) -> None:
    assert COMPRESSOR.score(Content(text)) == 0


def test_one_failing_test_in_a_large_report_is_still_a_report() -> None:
    text = "\n".join(["$ pytest", *(f"notice {n}" for n in range(200)), "=== test session starts ===", verbose(NAMES)])
    assert COMPRESSOR.score(Content(text)) > 0.96


_names = st.text("ab_[]:/.{}|% 1s…~⏎x#", min_size=1, max_size=10)
_forms = st.sampled_from(
    [
        "PASSED t.py::{}",
        "t.py::{} PASSED [  5%]",
        "t.py::{} PASSED   [ 25%]",
        "=== RUN   {}",
        "--- PASS: {} (0.01s)",
        "=== RUN   {0}\n--- PASS: {0} (0.02s)",
        "{} (a.B) ... ok",
        "{0} (a.B.{0}) ... ok",
        "{} (a.B)\ntext {} ... ok",
        "test {} ... ok",
        "a.B > {} PASSED\n",
        "{} (a.B) ... ok\n",
        "t.py::{} PASSED ¶",
        "  ✓ {} (3 ms)",
        "  ✓ {}",
        "=== RUN   {0}\n=== PAUSE {0}",
        "# Subtest: {0}\nok 1 - {0}\n  ---\n  duration_ms: 0.7\n  ...",
        "[gw1] [ 5%] PASSED t.py::{} ",
        "ok  \t{}\t0.1s",
        "ok  \t{}\t(cached)",
        "{}",
        "",
    ]
)


@given(rows=st.lists(st.tuples(_forms, st.lists(_names, min_size=1, max_size=5)), max_size=12))
def test_it_is_exact(rows: list[tuple[str, list[str]]]) -> None:
    """Whatever the names are."""
    lines = [form.replace("{0}", "{}").replace("{}", name) for form, names in rows for name in names]
    text = "\n".join(lines)
    form = COMPRESSOR.compress(Content(text, count=lambda text: 1 if text.startswith("[No") else 9), Level.LOSSLESS)
    assert form is None or report_decoder.decode(form.text) == text


def shorter(text: str, level: Level) -> tuple[str, str]:
    """Return the form with something left out, and what that is."""
    found = COMPRESSOR.compress(Content(text), level)
    assert found is not None
    assert not found.lossless
    return found.text, found.left_out


def test_light_keeps_names_without_what_describes_them() -> None:
    lines = [f"{name} (pkg.tests.Disk)\nDisks know how to {name[5:]} them all quickly. ... ok" for name in NAMES * 3]
    text, left_out = shorter("\n".join(lines), Level.LIGHT)
    assert "x24 {test_create test_read test_update" in text
    assert left_out == "descriptions of 24 passed tests, of 48 lines"


def test_light_leaves_out_durations() -> None:
    lines = [f"  ✔ adds number {n} (1.{n}7029ms)" for n in range(40)]
    text, left_out = shorter("\n".join(lines), Level.LIGHT)
    assert "7029" not in text
    assert "| adds number 38 | adds number 39} (…ms)" in text or "number 39" in text
    assert left_out == "durations or percentages in 40 rows, of 40 lines"


@pytest.mark.parametrize("level", [Level.LIGHT, Level.MEDIUM, Level.HARD])
def test_output_of_passed_tests_keeps_what_speaks_of_trouble(level: Level) -> None:
    printed = "\n".join(
        f"___ test_{n} ___\n--- Captured stdout call ---\nread {n} of 50 rows\nrows are fine" for n in range(50)
    )
    trouble = "___ test_odd ___\n--- Captured stdout call ---\nconnecting\nWARNING retried after timeout\ndone now"
    failed = "=== test session starts ===\n= FAILURES =\n___ test_x ___\nE   assert 1 == 2"
    end = "= short test summary info =\nFAILED test_x\n1 failed, 51 passed in 3.2s"
    shown, left_out = shorter(f"{failed}\n= PASSES =\n{printed}\n{trouble}\n{end}", level)
    assert "\n___ test_odd ___\n" in shown
    assert "\nWARNING retried after timeout\n" in shown
    assert "E   assert 1 == 2" in shown
    assert shown.endswith("FAILED test_x\n1 failed, 51 passed in 3.2s")
    assert ("___ test_7 ___" in shown) == (level == Level.LIGHT)
    assert "lines where notes say so, of" in left_out


def test_medium_counts_by_file_and_says_where() -> None:
    rows = [f"PASSED tests/test_{file}.py::test_{n}_of_many" for file in "ab" for n in range(20)]
    text, left_out = shorter("\n".join(["=== test session starts ===", *rows, "40 passed"]), Level.MEDIUM)
    assert "\nx20 PASSED tests/test_a.py::{test_0_of_many … test_19_of_many} [lines 2-21]\n" in text
    assert "\nx20 PASSED tests/test_b.py::{test_0_of_many … test_19_of_many} [lines 22-41]\n40 passed" in text
    assert left_out == "names in 36 rows, of 42 lines"


def test_hard_counts_only() -> None:
    rows = [f"PASSED tests/test_a.py::test_{n}_of_many" for n in range(20)]
    text, _ = shorter("\n".join(["=== test session starts ===", *rows, "20 passed"]), Level.HARD)
    assert text.endswith("\nx20 PASSED tests/test_a.py::… [lines 2-21]\n20 passed")


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HARD])
def test_a_tree_keeps_its_failures_and_how_it_ended(level: Level) -> None:
    tree = [
        f"  suite {s}\n" + "\n".join(f"    ✓ does the thing {s}{n} with great care" for n in range(9)) for s in range(6)
    ]
    failed = "  suite of trouble\n    ✓ opens\n    1) closes\n    - locks"
    end = "\n\n  55 passing (2s)\n  1 pending\n  1 failing\n\n  1) closes:\n     Error: stuck\n      at door.js:5:3"
    text, _ = shorter("\n".join([*tree, failed]) + end, level)
    assert text.endswith(f"    1) closes\n    - locks{end}")
    assert ("  suite 3\n[9 passed tests in lines 32-40 left out]" in text) == (level == Level.MEDIUM)
    assert ("[54 passed tests in lines 1-" in text or "[55 passed tests in lines 1-" in text) == (level == Level.HARD)


@pytest.mark.parametrize("level", [Level.MEDIUM, Level.HARD])
def test_what_was_skipped_keeps_names_and_reasons(level: Level) -> None:
    lines = [f"{name} (pkg.tests.Disk) ... ok" for name in NAMES * 4]
    lines += [f"{name} (pkg.tests.Tape) ... skipped 'no tape drive'" for name in NAMES]
    text, _ = shorter("\n".join([*lines, "", "Ran 40 tests in 0.1s", "", "OK (skipped=8)"]), level)
    assert f"{{{' '.join(NAMES)}}} (pkg.tests.Tape) ... skipped 'no tape drive'" in text
