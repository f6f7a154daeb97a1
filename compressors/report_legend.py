"""What a reader has to be told of the notation: one line, and only of what is there."""

import re
from collections.abc import Sequence

from headroom_mitm.compressors.report_rows import COLUMNS

_BUNDLE = re.compile(r"(?:#\d+\| )?x(?!1 )\d+ ")


def legend(lines: Sequence[str], width: int, *, whole: bool) -> str:
    """Return the line that stands above the form; ``width`` is that of pytest's terminal."""
    written = [line for line in lines if _BUNDLE.match(line)]
    said = ["Nothing is left out." if whole else "Shortened: notes say what is left out."]
    if written:
        said.append('"x2 a{b c}d" stands for 2 lines, abd and acd; " | " parts what has spaces.')
    if any(": " in line and "…" in line for line in written):
        said.append('In braces, "5%:" or "5s:" says what "…" is from there on.')
    if any(line.endswith(("%]", "[…]")) for line in written) and width != COLUMNS:
        said.append(f"[5%] was aligned to column {width}.")
    if any("=== RUN, " in line for line in written):
        said.append('"=== RUN, --- PASS: T" stands for "=== RUN   T" and "--- PASS: T".')
    if any(" ⏎ " in line for line in written):
        said.append('"t ⏎ text (C) ... ok" stands for "t (C)" and "text ... ok".')
    if any(".~)" in line for line in written):
        said.append('"t (C.~)" stands for "t (C.t)".')
    if any(line.startswith("#1| ") for line in lines):
        said.append('"#1| " marks lines that come again as "#1".')
    return f"[{' '.join(said)}]"
