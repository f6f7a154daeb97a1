"""What a reader has to be told of the notation: one line, and only of what is there."""

import re
from collections.abc import Sequence

from headroom_mitm.compressors.report_rows import COLUMNS

_VALUE = re.compile(r"[{ ](?:[\w./]*\d(?:%|m?s|m)?|\(cached\)): .*…")
_SAID_OF = {
    "=== RUN, -": '"=== RUN, --- PASS: T" stands for "=== RUN   T" and "--- PASS: T".',
    "=== RUN, PAUSE ": '"=== RUN, PAUSE T" stands for "=== RUN   T" and "=== PAUSE T".',
    "# Subtest, ok ": '"# Subtest, ok 1 - T (5 ms, k)" stands for "# Subtest: T", "ok 1 - T" and, indented by two, '
    '"---", "duration_ms: 5", "type: \'k\'", "...".',
    " ⏎ ": '"t ⏎ text (C) ... ok" stands for "t (C)" and "text ... ok".',
    " ¶": '" ¶" stands for an empty line behind each.',
    ".~)": '"t (C.~)" stands for "t (C.t)".',
}
_BUNDLE = re.compile(r"(?:#\d+\| )?x(?!1 )\d+ ")


def legend(lines: Sequence[str], width: int, *, whole: bool) -> str:
    """Return the line that stands above the form; ``width`` is that of pytest's terminal."""
    written = [line for line in lines if _BUNDLE.match(line)]
    said = ["Nothing is left out." if whole else "Shortened: notes say what is left out."]
    if written:
        said.append('"x2 a{b c}d" stands for 2 lines, abd and acd; " | " parts what has spaces.')
    if any(_VALUE.search(line) for line in written):
        said.append('In braces, "5%:" or "5s:" says what "…" is from there on.')
    elif any("…" in line for line in written):
        said.append('"…" is left out.')
    if width != COLUMNS and any(line.endswith(("%]", "[…]")) for line in written):
        said.append(f"[5%] was aligned to column {width}.")
    said += [words for sign, words in _SAID_OF.items() if any(sign in line for line in written)]
    if any(line.startswith("#1| ") for line in lines):
        said.append('"#1| " marks lines that come again as "#1".')
    return f"[{' '.join(said)}]"
