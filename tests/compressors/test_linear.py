"""Work grows with the text, not with its square: twice the text takes twice the calls, whatever its shape.

Calls are counted, not seconds: their number is the same on every machine and in every run.
"""

import functools
import json
import sys
from collections.abc import Callable
from types import FrameType

import pytest

from headroom_mitm.compressors import COMPRESSORS
from headroom_mitm.compressors.base import Content, Level

SHAPES: dict[str, Callable[[int], str]] = {
    # Each takes the number of its repetitions.
    "tables: borders of markdown": lambda n: "| a | b |\n" + "|---|---|\n" * n,
    "tables: borders with spaces": lambda n: "| a | b |\n" + "| --- | --- |\n" * n,
    "tables: borders of boxes": lambda n: "+---+---+\n" * n,
    "tables: names and borders": lambda n: "| a | b |\n|---|---|\n" * n + "| a | bbbbbb |\n",
    "tables: borders of psql": lambda n: " a | b\n---+---\n" * n + " 1 | 2\n",
    "tables: borders of sqlite3": lambda n: "aa  bb\n" + "--  --\n" * n,
    "tables: names of kubectl": lambda n: "NAME    READY   STATUS\n" * n + "NAM     READY   STATUS  \n",
    "tables: names of ps": lambda n: ("Name  Size  Used Avail\n" * 4 + "x\n") * n,
    "tables: fields that never fit": lambda n: "id = 1\nname = x\n\n" * n + "  id = 1\nname = x\n",
    "tables: fields that end otherwise": lambda n: "id = 1\nname = x\n\n" * n + "id = 1\nnam = x\n",
    "tables: records of psql": lambda n: "-[ RECORD 1 ]\na | 1\n" * n,
    "tables: columns that follow": lambda n: (
        ",".join("abcdefghijkl")
        + "".join("\n" + ",".join(f"{row % 50}{column}" for column in "abcdefghijkl") for row in range(n))
    ),
    "tables: columns that stay a while": lambda n: (
        ",".join("abcdefghijkl")
        + "".join("\n" + ",".join(f"{row // 3}{column}" for column in "abcdefghijkl") for row in range(n))
    ),
    "json: lines that are none": lambda n: '{"a":1}x\n' * n,
    "json: not quite numbers": lambda n: "[1,2,NaN]\n" * n,
    "json: keys that differ": lambda n: json.dumps([{f"k{row % 40}": row, f"k{row % 7}x": 2} for row in range(n)]),
    "json: common beginnings": lambda n: json.dumps([f"https://e.org/{'a/' * 30}{row}" for row in range(n)]),
    "json: open": lambda n: '{"a":\n' * n,
    "yaml: items": lambda n: "a:\n  b: x\n  c:\n" + "  - x: y\n" * n,
    "yaml: keys": lambda n: "a:\n" + "".join(f"  k{row}:\n    a: x\n    b: y z\n" for row in range(n)),
    "html: never closed": lambda n: "<!DOCTYPE html><html><body>" + '<a href="x">' * n,
    "html: cells that reach far": lambda n: (
        "<!DOCTYPE html><html><body><table>" + "<tr><td rowspan=900>1<td colspan=900>2</tr>" * n
    ),
    "xml: many kinds": lambda n: (
        '<?xml version="1.0"?>\n<a>\n'
        + "".join(f"<i{row % 50} x='{row}'>{row}</i{row % 50}>" for row in range(n))
        + "</a>"
    ),
    "xml: comments": lambda n: f'<?xml version="1.0"?>\n<a>\n{"<!-- x -->" * n}</a>',
    "trees: elements": lambda n: "\n".join(f"[{row}] button 'a b', clickable, visible" for row in range(n)),
    "listings: rows": lambda n: "\n".join(f"-rw-r--r-- {row % 9} a b {row} Nov 22 09:00 f{row}" for row in range(n)),
}
REPETITIONS = 120
MOST = 2.6  # times the calls for half of the text; what grows with the square of it takes four times as many


def calls(work: Callable[[], object]) -> int:
    """Return how many functions some work calls, those of the interpreter among them."""
    count = 0

    def called(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_twice_the_text_takes_twice_the_calls(shape: Callable[[int], str]) -> None:
    half, whole = shape(REPETITIONS), shape(2 * REPETITIONS)
    compressor = max(COMPRESSORS, key=lambda one: one.score(Content(whole)))
    for level in (Level.LOSSLESS, Level.HARD):
        few, many = (calls(functools.partial(compressor.compress, Content(text), level)) for text in (half, whole))
        assert many <= MOST * few + 1000, f"{compressor.name} at {level.name}: {few} calls, then {many}"
