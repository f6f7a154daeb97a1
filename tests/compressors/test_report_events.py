"""Events of test runners are told as text: what was printed, how each test went, and nothing of when."""

import json

import pytest

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.test_report import ReportOfTests

COMPRESSOR = ReportOfTests()


def stream(events: list[dict[str, object]]) -> str:
    return "\n".join(json.dumps(event, separators=(",", ":")) for event in events) + "\n"


def go_events(package: str, *, fails: bool) -> list[dict[str, object]]:
    """Give the events of a package with eight tests."""
    events: list[dict[str, object]] = [
        {"Time": "2025-01-01T10:00:00.123456789Z", "Action": "start", "Package": package}
    ]
    for number in range(8):
        result = "fail" if fails and number == 5 else "pass"
        said = [f"=== RUN   TestCase{number}\n", f"--- {result.upper()}: TestCase{number} (0.00s)\n"]
        if result == "fail":
            said.insert(1, "    case_test.go:12: want 1, got 2\n")
        about = {"Package": package, "Test": f"TestCase{number}"}
        events.append({"Time": "2025-01-01T10:00:01.1Z", "Action": "run", **about})
        events += [{"Time": "2025-01-01T10:00:01.2Z", "Action": "output", **about, "Output": line} for line in said]
        events.append({"Time": "2025-01-01T10:00:01.3Z", "Action": result, **about, "Elapsed": 0.01})
    return events


def test_go_is_told_as_it_prints_without_json() -> None:
    text = stream([*go_events("example.org/shop/bill", fails=False), *go_events("example.org/shop/tax", fails=True)])
    found = COMPRESSOR.compress(Content(text), Level.LIGHT)
    assert found is not None
    assert "\n== example.org/shop/bill\nx8 === RUN, --- PASS: {TestCase0 TestCase1" in found.text
    assert "    case_test.go:12: want 1, got 2\n--- FAIL: TestCase5 (0.00s)" in found.text
    assert found.left_out == "67 events as JSON, with times and all their fields"


def test_an_end_that_was_not_printed_is_said() -> None:
    events = go_events("example.org/shop/bill", fails=False)
    events.append({"Action": "fail", "Package": "example.org/shop/tax", "Test": "TestHangs", "Elapsed": 600})
    found = COMPRESSOR.compress(Content(stream(events)), Level.LIGHT)
    assert found is not None
    assert "== example.org/shop/tax\n" in found.text
    assert found.text.endswith("\nfail: TestHangs")


def dart_events() -> list[dict[str, object]]:
    """Give the events of a file in which one test fails and one is skipped."""
    events: list[dict[str, object]] = [
        {"protocolVersion": "0.1.1", "runnerVersion": "1.2", "pid": 7, "type": "start", "time": 0},
        {"suite": {"id": 0, "platform": "vm", "path": "/srv/app/test/cart_test.dart"}, "type": "suite", "time": 1},
    ]
    for number in range(1, 20):
        test = {
            "id": number,
            "name": f"Cart adds item {number}",
            "suiteID": 0,
            "metadata": {"skip": number == 7, "skipReason": "no shop" if number == 7 else None},
            "line": 126,
            "url": "package:flutter_test/src/widget_tester.dart",
            "root_line": 10 * number,
        }
        events.append({"test": test, "type": "testStart", "time": 100 + number})
        if number == 5:
            trace = "package:test 5:9\ncart_test.dart 50:3"
            events.append({"testID": 5, "error": "Expected: 1\n  Actual: 2", "stackTrace": trace, "type": "error"})
        done = {"testID": number, "result": "failure" if number == 5 else "success", "skipped": number == 7}
        events.append({**done, "hidden": number == 1, "type": "testDone", "time": 105 + number})
    return [*events, {"success": False, "type": "done", "time": 9}]


def test_dart_is_told_by_file() -> None:
    found = COMPRESSOR.compress(Content(stream(dart_events())), Level.LIGHT)
    assert found is not None
    assert (
        "\n== /srv/app/test/cart_test.dart\n-- tests at line 126 of widget_tester.dart; behind each its id"
        in found.text
    )
    assert "Cart adds item 18 (18, 180)" in found.text
    assert "    Expected: 1\n      Actual: 2\n    package:test 5:9\n    cart_test.dart 50:3\n" in found.text
    assert " ✗ Cart adds item 5 (5, 50) failure" in found.text
    assert " - Cart adds item 7 (7, 70) skipped: no shop" in found.text
    assert "\ndone: success=False after 9 ms" in found.text
    assert "Cart adds item 1 " not in found.text


def test_where_nothing_may_be_left_out_it_stays_json() -> None:
    content = Content(stream(dart_events()))
    assert COMPRESSOR.compress(content, Level.LOSSLESS) is None
    assert COMPRESSOR.score(content) > 0.95


@pytest.mark.parametrize(
    "odd",
    [{"Action": "unheard-of", "Package": "a"}, ["a list"], 7],
    ids=["unknown action", "list", "number"],
)
def test_a_stream_with_something_unknown_in_it_is_left_alone(odd: object) -> None:
    text = stream(go_events("example.org/a", fails=False)) + json.dumps(odd)
    assert COMPRESSOR.compress(Content(text), Level.LIGHT) is None
