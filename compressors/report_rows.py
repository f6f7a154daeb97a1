"""Lines of test runners, read: which test, and how it went."""

import re
from collections import Counter
from collections.abc import Sequence

from headroom_mitm.compressors.report_notation import Row

Piece = str | Row
"""A line as it is, or a row."""

_LONGEST = 400  # characters; a longer line is no row
_NOT_PASSED = re.compile(r"XFAIL|expected failure|skipped")
# Forms of lines by what they begin with, or hold. Each gives head, name, mid, value, end; those not named are empty.
_FORMS_OF = {
    sign: tuple(map(re.compile, forms))
    for sign, forms in {
        "=== ": (r"(?P<head>=== (?:RUN|PAUSE|CONT)   ?)(?P<name>\S+)",),  # go test -v
        "--- ": (r"(?P<head> *--- PASS: )(?P<name>\S+)(?P<mid> \()(?P<value>[\d.]+s)(?P<end>\))",),
        "[gw": (
            r"\[(?P<worker>gw\d+)\] \[ *(?P<value>\d+%)\] (?P<head>PASSED )(?P<name>\S+::.*?\S) ?",
        ),  # pytest-xdist
        "PASS ": (
            r"(?P<head>PASS )(?P<name>\S+)(?P<mid> \()(?P<value>[\d.]+)(?P<end> ?m?s\))",  # jest
            r"(?P<head>PASS )(?P<name>\S+)",
        ),
        "PASSED ": (r"(?P<head>PASSED )(?P<name>\S+::.*?\S)",),  # pytest -rA
        "XFAIL ": (r"(?P<head>XFAIL )(?P<name>\S+::.*?\S)",),
        "ok ": (
            r"(?P<head>ok  \t)(?P<name>\S+)(?P<mid>\t)(?P<value>[\d.]+s|\(cached\))(?P<end>.*)",  # go test
            r"(?P<head>ok  \t)(?P<name>\S+)(?P<mid>\t.*)",
            r"(?P<head>ok )(?P<name>\d+ .*)",  # TAP
        ),
        "?   \t": (r"(?P<head>\?   \t)(?P<name>\S+)(?P<mid>\t.*)",),
        "test ": (r"(?P<head>test )(?P<name>\S.*?)(?P<mid> \.\.\. ok)",),  # cargo test
        **dict.fromkeys(
            ("Creating", "Create", "create", "Applying"), (r"(?P<head>C\w+ \w+ |\w+ )(?P<name>\S+)(?P<mid>.*)",)
        ),
        **dict.fromkeys(
            "✔✓√",
            (
                r"(?P<head> *. )(?P<name>\S.*?)(?P<mid> \()(?P<value>[\d.]+)(?P<end> ?m?s\))",  # mocha, jest, node
                r"(?P<head> *. )(?P<name>\S.*\(\d+ tests?\))(?P<mid> )(?P<value>\d+)(?P<end> ?m?s)",  # vitest
                r"(?P<head> *. )(?P<name>\S.*?)(?P<mid> )(?P<value>\d+)(?P<end>ms)",
                r"(?P<head> *. )(?P<name>\S.*)",
            ),
        ),
    }.items()
}
_SIGN = re.compile(r" *(=== |--- |\[gw|PASS |PASSED |XFAIL |ok |\?   \t|test |Creating|Create|create|Applying|[✔✓√])")
_FORMS_WITHOUT = tuple(
    (sign, re.compile(form))
    for sign, form in (
        ("%]", r"(?P<name>\S+::.*?\S)(?P<mid> (?:PASSED|XFAIL)) +\[ *(?P<value>\d+%)\]"),  # pytest -v
        (" PASSED", r"(?P<name>\S+::\S.*?|\S.* > \S.*?)(?P<mid> PASSED)"),  # pytest, gradle
        (" ... ", r"(?P<name>\w+)(?P<mid> \([\w.]+\) \.\.\. (?:ok|expected failure|skipped .*))"),  # unittest
        (" ok", r"(?P<name>test\w*)(?P<mid> ok)"),
    )
)
_METHOD = re.compile(r"(\w+) (\([\w.]+\))")
_DOC = re.compile(r"(\S.*?)( \.\.\. (?:ok|expected failure|skipped .*))")
_RUN = re.compile(r"=== RUN   (\S+)")
_DONE = re.compile(r"(--- PASS: )(\S+) \(([\d.]+s)\)")
_PERCENT = re.compile(r"(.*) \[(?:(gw\d+)/)?(\d+)%\]")
_PAIR = re.compile(r"=== RUN, (--- PASS: )(\S+)( \(.*\))")
_PAUSED = "=== RUN, PAUSE "
_ANNOUNCED = re.compile(r" *# Subtest: ")
_TAP_LINES = 6
_TAP = re.compile(
    r"(?P<indent> *)# Subtest: (?P<name>.+)\n(?P=indent)ok (?P<number>\d+) - (?P=name)\n(?P=indent)  ---\n"
    r"(?P=indent)  duration_ms: (?P<value>[\d.]+)\n(?:(?P=indent)  type: '(?P<type>\w+)'\n)?(?P=indent)  \.\.\.(?=\n|$)"
)
_SUBTEST = re.compile(r"( *)# Subtest, ok (\d+) - (.*) \(([\d.]+) ms(?:, (\w+))?\)")
_DOCUMENTED = re.compile(r"(\w+) ⏎ (.*)( \([\w.~]+\))( \.\.\. .*)")
_PADDED = re.compile(r"  \[ *\d+%\]$")
_AGAIN = ".~)"
_EMPTY = " ¶"
_FOLDED = re.compile(r" ¶$|=== RUN, |%\]$|\.~\)| ⏎ |# Subtest, ")
"""Only rows with one of these are other lines than they read."""
COLUMNS = 80
"""Of a terminal, where nothing else is known."""


def pieces(lines: Sequence[str], width: int) -> list[Piece]:
    """Return the text as rows where they can be told, and lines as they are; ``width`` is that of pytest's terminal."""
    found: list[Piece] = []
    at = 0
    while at < len(lines):
        row = _spaced(lines, at, _row(lines, at))
        # Only what comes back to the character is a row.
        if row is None or not row.is_plain or originals(row.text, width) != list(row.lines):
            found.append(lines[at])
            at += 1
        else:
            found.append(row)
            at += len(row.lines)
    return found


def width_of(lines: Sequence[str]) -> int:
    """Return the column at which pytest ends its percentages."""
    widths = Counter(len(line) for line in lines if line.endswith("%]") and _PADDED.search(line))
    return widths.most_common(1)[0][0] if widths else COLUMNS


def originals(text: str, width: int) -> list[str]:
    """Return the lines that one row stands for."""
    if _FOLDED.search(text) is None:
        return [text]
    if text.endswith(_EMPTY):
        return [*originals(text.removesuffix(_EMPTY), width), ""]
    if (match := _PAIR.fullmatch(text)) is not None:
        return [f"=== RUN   {match[2]}", f"{match[1]}{match[2]}{match[3]}"]
    if text.startswith(_PAUSED) and " " not in (name := text.removeprefix(_PAUSED)):
        return [f"=== RUN   {name}", f"=== PAUSE {name}"]
    if (match := _SUBTEST.fullmatch(text)) is not None:
        return _subtest(*match.groups())
    if (match := _PERCENT.fullmatch(text)) is not None:
        if match[2]:
            return [f"[{match[2]}] [{match[3]:>3}%] {match[1]} "]
        return [match[1] + f" [{match[3]:>3}%]".rjust(width - len(match[1]))]
    if _AGAIN in text:
        text = text.replace(_AGAIN, f".{text.partition(' ')[0]})", 1)
    if (match := _DOCUMENTED.fullmatch(text)) is not None:
        return [match[1] + match[3], match[2] + match[4]]
    return [text]


def _spaced(lines: Sequence[str], at: int, row: Row | None) -> Row | None:
    """Put an empty line to its row, as Gradle and Maven write them: it stands behind the row above or below, too."""
    if row is None or len(row.lines) > 1 or not row.mid or lines[at + 1 : at + 2] != [""]:
        return row
    above = at > 1 and not lines[at - 1] and lines[at - 2].endswith(row.mid)
    alike = above or any(line.endswith(row.mid) for line in lines[at + 2 : at + 3])
    return row._replace(end=row.end + _EMPTY, lines=(*row.lines, "")) if alike else row


def _row(lines: Sequence[str], at: int) -> Row | None:
    line = lines[at]
    if len(line) > _LONGEST:
        return None
    row = _several(lines, at)
    if row is not None:
        return row
    match = _matched(line)
    if match is None:
        return None
    part = match.groupdict("")
    get = part.get
    head, name, mid, end, value = get("head", ""), get("name", ""), get("mid", ""), get("end", ""), get("value", "")
    if value.endswith("%"):
        worker = get("worker", "")
        value, mid, end = f"{worker}/{value}" if worker else value, f"{mid} [", "]"
    mid = _said_again(name, mid)
    return Row(head, name, mid, value, end, (line,), _NOT_PASSED.search(head + mid) is None)


def _matched(line: str) -> re.Match[str] | None:
    sign = _SIGN.match(line)
    if sign is not None:
        for form in _FORMS_OF[sign[1]]:
            if (match := form.fullmatch(line)) is not None:
                return match
    for mark, form in _FORMS_WITHOUT:
        if mark in line and (match := form.fullmatch(line)) is not None:
            return match
    return None


def _several(lines: Sequence[str], at: int) -> Row | None:
    """Read lines as one row."""
    line = lines[at]
    if at + 1 == len(lines):
        return None
    if line.startswith("=== RUN ") or (line[-1:] == ")" and line[:1].isalpha()):
        return _pair(line, lines[at + 1])
    return _tap(lines[at : at + _TAP_LINES]) if "# Subtest: " in line else None


def _pair(line: str, other: str) -> Row | None:
    """Read two lines as one row."""
    if (run := _RUN.fullmatch(line)) is not None:
        if other == f"=== PAUSE {run[1]}":
            return Row("=== RUN, PAUSE ", run[1], "", "", "", (line, other))
        done = _DONE.fullmatch(other)
        if done is None or done[2] != run[1]:
            return None
        return Row(f"=== RUN, {done[1]}", run[1], " (", done[3], ")", (line, other))
    if (method := _METHOD.fullmatch(line)) is not None and (doc := _DOC.fullmatch(other)) is not None:
        mid = _said_again(method[1], f" {method[2]}") + doc[2]
        return Row("", f"{method[1]} ⏎ {doc[1]}", mid, "", "", (line, other), _NOT_PASSED.search(doc[2]) is None)
    return None


def _tap(lines: Sequence[str]) -> Row | None:
    """Read what Node says of a test in TAP as one row."""
    if _ANNOUNCED.match(lines[0]) is None:
        return None
    match = _TAP.match("\n".join(lines))
    if match is None:
        return None
    end = f" ms, {match['type']})" if match["type"] else " ms)"
    head = f"{match['indent']}# Subtest, ok "
    return Row(head, f"{match['number']} - {match['name']}", " (", match["value"], end, tuple(match[0].split("\n")))


def _subtest(indent: str, number: str, name: str, value: str, kind: str | None) -> list[str]:
    block = ["---", f"duration_ms: {value}", *([f"type: '{kind}'"] if kind else []), "..."]
    return [f"{indent}# Subtest: {name}", f"{indent}ok {number} - {name}", *(f"{indent}  {line}" for line in block)]


def _said_again(name: str, mid: str) -> str:
    """Newer versions of Python say ``test_a (module.Class.test_a)``: return the second with a sign for the name."""
    return mid.replace(f".{name})", _AGAIN, 1) if mid.startswith(" (") else mid
