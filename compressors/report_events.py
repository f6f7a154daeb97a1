"""Reports in JSON lines, told as text: what ``go test -json`` printed, and what Dart and Flutter say of each test."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import orjson

_FEWEST = 12  # events
_SAMPLE = 4_000  # characters
_MARKS = {"success": "✓", "skipped": "-"}
Event = dict[str, object]


@dataclass(frozen=True, slots=True)
class Told:
    """The lines of a text, and how many events they tell."""

    lines: list[str]
    events: int


def is_stream(text: str) -> bool:
    """Say whether the text looks like events of a known test runner, one a line."""
    head = text[:_SAMPLE].lstrip()
    go = '"Action":"' in head and '"Package":"' in head
    return head.startswith("{") and (go or '"protocolVersion"' in head or '"type":"testStart"' in head)


def told(lines: Sequence[str]) -> Told | None:
    """Return the events as text, or None where some line cannot be told."""
    events = [event for line in lines if line and not line.isspace() for event in [_event(line)]]
    if len(events) < _FEWEST or any(event is None for event in events):
        return None
    known = [event for event in events if event is not None]
    tell: Callable[[Sequence[Event]], list[str] | None] = _go if "Action" in known[0] else _dart
    found = tell(known)
    return None if found is None else Told(found, len(known))


def _event(line: str) -> Event | None:
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) else None


def _go(events: Sequence[Event]) -> list[str] | None:
    """Tell what was printed, package by package. How tests ended is printed, too; if not, it is said."""
    printed: dict[str, list[str]] = {}
    ended: dict[str, list[tuple[str, str]]] = {}
    for event in events:
        action, package = event.get("Action"), str(event.get("Package") or event.get("ImportPath") or "")
        output = event.get("Output")
        if isinstance(output, str):
            printed.setdefault(package, []).append(output)
        elif action in ("fail", "skip", "pass"):
            ended.setdefault(package, []).append((str(action), str(event.get("Test") or package)))
        elif action not in ("start", "run", "pause", "cont", "bench"):
            return None
    out: list[str] = []
    for package in {**printed, **ended}:
        text = "".join(printed.get(package, ()))
        out += [f"== {package}", *text.removesuffix("\n").split("\n")]
        out += [f"{action}: {name}" for action, name in ended.get(package, ()) if name not in text]
    return out


@dataclass(slots=True)
class _Tests:
    """What Dart tells of suites and tests."""

    suites: dict[object, list[str]] = field(default_factory=dict)
    paths: dict[object, str] = field(default_factory=dict)
    tests: dict[object, Event] = field(default_factory=dict)
    places: dict[object, str] = field(default_factory=dict)
    out: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        for suite, lines in self.suites.items():
            yield f"== {self.paths.get(suite, '')}"
            yield from lines
        yield from self.out

    def path_of(self, test: Event) -> str:
        return self.paths.get(test.get("suiteID"), "").rpartition("/")[2]

    def done(self, event: Event) -> None:
        test = self.tests.get(event.get("testID"), {})
        if event.get("hidden"):
            return
        lines = self.suites.setdefault(test.get("suiteID"), [])
        place = f"line {test.get('line')} of {str(test.get('url') or '').rpartition('/')[2]}"
        if self.places.setdefault(test.get("suiteID"), place) != place:
            self.places[test.get("suiteID")] = place
            lines.append(f"-- tests at {place}")
        elif not lines:
            lines.append(f"-- tests at {place}; behind each its id, and its line in {self.path_of(test)}")
        result = "skipped" if event.get("skipped") else event.get("result")
        about = test.get("metadata")
        reason = about.get("skipReason") if isinstance(about, dict) else None
        mark = _MARKS.get(str(result), "✗")
        line = f" {mark} {test.get('name')} ({test.get('id')}, {test.get('root_line') or test.get('line')})"
        tail = "" if result == "success" else f" {result}{f': {reason}' if reason else ''}"
        lines.append(line + tail)

    def other(self, event: Event) -> None:
        """Tell errors and what was printed, as they are."""
        test = self.tests.get(event.get("testID"), {})
        lines = self.suites.setdefault(test.get("suiteID"), [])
        for part in ("message", "error", "stackTrace"):
            text = event.get(part)
            lines += [f"    {line}" for line in str(text).rstrip("\n").split("\n")] if text else []


def _dart(events: Sequence[Event]) -> list[str] | None:
    known = _Tests()
    for event in events:
        kind = event.get("type")
        test, suite = event.get("test"), event.get("suite")
        if kind == "suite" and isinstance(suite, dict):
            known.paths[suite.get("id")] = str(suite.get("path"))
        elif kind == "testStart" and isinstance(test, dict):
            known.tests[test.get("id")] = test
        elif kind == "testDone":
            known.done(event)
        elif kind in ("error", "print"):
            known.other(event)
        elif kind == "done":
            known.out.append(f"done: success={event.get('success')} after {event.get('time')} ms")
        elif kind not in ("start", "allSuites", "group", "debug"):
            return None
    return list(known.lines())
