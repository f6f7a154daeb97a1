"""Reports of CTest: two lines with its name for each test, most of which passed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headroom_mitm.compressors.base import Compressed, Level
from headroom_mitm.compressors.line_ranges import in_words

_STARTED = re.compile(r"(?P<indent> +)Start(?P<number> +\d+): (?P<name>\S.*)")
_PASSED = re.compile(
    r"(?P<place> *\d+)/(?P<of>\d+ Test)(?P<number> +#\d+): (?P<named>(?P<name>\S.*?) \.+)   "
    r"Passed(?P<seconds> +[\d.]+) sec"
)
_FEWEST = 3  # tests that passed in a row; fewer stay as they are
_FEWEST_COUNTED = 4
_USUAL = "0.00"
_ESCAPED = ("== ", "\\", "[")
_REACH = 4_000  # characters in which the first test stands


@dataclass(frozen=True, slots=True)
class _Test:
    """A test that passed, and where its columns end."""

    number: int
    name: str
    seconds: str
    shape: tuple[str | int, ...]

    @classmethod
    def of(cls, lines: Sequence[str], at: int) -> "_Test | None":
        """Read two lines, if they say nothing but this."""
        started = _STARTED.fullmatch(lines[at])
        passed = _PASSED.fullmatch(lines[at + 1]) if started is not None and at + 1 < len(lines) else None
        if started is None or passed is None or started["name"] != passed["name"]:
            return None
        numbers = {int(started["number"]), int(passed["place"]), int(passed["number"].strip(" #"))}
        columns = [len(passed[group]) for group in ("place", "number", "named", "seconds")]
        shape = (started["indent"], len(started["number"]), passed["of"], *columns)
        return cls(numbers.pop(), started["name"], passed["seconds"].strip(), shape) if len(numbers) == 1 else None

    def lines(self, shape: tuple[str | int, ...]) -> list[str]:
        """Write it in the columns of another test."""
        indent, wide, of, place, number, named, seconds = shape
        name = f"{self.name} ".ljust(int(named), ".")
        return [
            f"{indent}Start{self.number:>{wide}}: {self.name}",
            f"{self.number:>{place}}/{of}{f'#{self.number}':>{number}}: {name}   Passed{self.seconds:>{seconds}} sec",
        ]


def is_ctest(text: str) -> bool:
    """Say whether a text begins like a report of CTest."""
    head = text[:_REACH]
    return "Test project " in head and " Test " in head and "\n" in head and _STARTED.search(head) is not None


def form_of(lines: Sequence[str], level: Level) -> Compressed | None:
    """Return the names of what passed in a row, or from ``MEDIUM`` on how many that are; None if there is no row."""
    model: _Test | None = None
    out: list[str] = []
    gaps: list[range] = []
    shown = at = 0
    while at < len(lines):
        run = list(_run(lines, at, model))
        if model is None or len(run) < _FEWEST:
            model = model or (run[0] if run else None)
            step = 2 if run else 1
            out += [f"\\{line}" if line.startswith(_ESCAPED) else line for line in lines[at : at + step]]
            at += step
            continue
        out.append(f"== {run[0].number}-{run[-1].number} Passed")
        if level >= Level.MEDIUM and len(run) >= _FEWEST_COUNTED:
            gaps.append(range(at, at + 2 * len(run)))
            out.append(f"[{len(run)} names left out: lines {at + 1}-{at + 2 * len(run)}]")
        else:
            out += (test.name if test.seconds == _USUAL else f"{test.name} ({test.seconds})" for test in run)
        shown += len(run)
        at += 2 * len(run)
    if not shown:
        return None
    said = f"{sum(map(len, gaps)) // 2} of them not named" if gaps else "nothing left out"
    note = (
        f'[{shown} tests of CTest that passed, {said}: below "== Passed" stand their names in turn, with seconds other'
        f' than {_USUAL}; each was two lines like the first "Start" and "Passed". A first "\\" is no part of its line.]'
    )
    return Compressed("\n".join([note, *out]), lossless=not gaps, left_out=in_words(gaps, len(lines)) if gaps else "")


def _run(lines: Sequence[str], at: int, model: _Test | None) -> Iterator[_Test]:
    """Yield tests that passed in a row, written as the first of all."""
    number = None
    while at + 1 < len(lines):
        test = _Test.of(lines, at)
        if test is None or (number is not None and test.number != number) or re.search(r" \([\d.]+\)$", test.name):
            return
        if test.lines((model or test).shape) != list(lines[at : at + 2]):
            return
        yield test
        number = test.number + 1
        at += 2
