"""What 1 MB takes the compressors: of records (JSON, YAML, tables, markup) and of lines, by the shape of the text.

Shapes are made up, to be hard each in its way: wide, narrow, ragged, deep, one line, many tiny rows, all equal, all
different. Processor time of one thread, the better of two runs, at the level that takes longest; the second figure is
the same for half of the text, so that what grows faster than its input shows: about half of the first is linear.
"""

import argparse
import csv
import functools
import gc
import io
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from headroom_mitm.compressors import COMPRESSORS, Content, Level

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "compressors"))
import line_shapes

LARGE = 1_000_000
KINDS = ("json_records", "yaml_records", "table_rows", "html_dom", "file_tree")
WORDS = [f"{number * 7919 % 100_003:x}" for number in range(4_000)]

Shape = Callable[[int, random.Random], str]


def _until(size: int, pieces: Iterator[str], between: str) -> str:
    """Join pieces up to a size."""
    found: list[str] = []
    for piece in pieces:
        found.append(piece)
        size -= len(piece) + len(between)
        if size <= 0:
            break
    return between.join(found)


def _array(size: int, values: Iterator[object]) -> str:
    return f"[{_until(size, (json.dumps(value, ensure_ascii=False) for value in values), ', ')}]"


def _words(choose: random.Random, number: int) -> str:
    return " ".join(choose.choices(WORDS, k=number))


def _record(choose: random.Random, number: int, width: int) -> dict[str, object]:
    return {
        f"k{at}": (number, choose.random(), choose.choice(WORDS), None, _words(choose, 6), True)[at % 6]
        for at in range(width)
    }


def _wide(size: int, choose: random.Random) -> str:
    return _array(size, (_record(choose, number, 200) for number in count()))


def _different_strings(size: int, choose: random.Random) -> str:
    return _array(size, ({"id": f"{choose.getrandbits(128):032x}", "text": _words(choose, 9)} for _ in count()))


def _nested(size: int, choose: random.Random) -> str:
    def tree(depth: int) -> object:
        if not depth:
            return {"name": choose.choice(WORDS), "size": choose.randrange(10**6)}
        return {"name": choose.choice(WORDS), "children": [tree(depth - 1) for _ in range(3)]}

    return _array(size, (tree(4) for _ in count()))


def _addresses(size: int, choose: random.Random) -> str:
    """Every string begins like others, at many borders."""
    return _array(
        size, ({"url": "https://e.org/" + "/".join(choose.choices("abcdef", k=30)), "n": at} for at in count())
    )


def _shapes_of_their_own(size: int, choose: random.Random) -> str:
    return _array(
        size, ({choose.choice(WORDS): choose.choice(WORDS) for _ in range(choose.randrange(2, 9))} for _ in count())
    )


def _embedded(size: int, choose: random.Random) -> str:
    inner = (json.dumps([_record(choose, number, 6) for _ in range(4)]) for number in count())
    return _array(size, ({"type": "text", "text": text} for text in inner))


def _matrix(size: int, choose: random.Random) -> str:
    return _array(size, ([choose.random() for _ in range(4)] for _ in count()))


def _delimited(size: int, rows: Iterator[list[object]], sep: str = ",") -> str:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=sep, lineterminator="\n")
    for row in rows:
        writer.writerow(row)
        if written.tell() >= size:
            break
    return written.getvalue()


def _csv(width: int, distinct: int) -> Shape:
    """Cells of a few values, or of many."""

    def shape(size: int, choose: random.Random) -> str:
        cells = [str(choose.randrange(10**9)) if at % 2 else choose.choice(WORDS) for at in range(distinct)]
        rows: Iterator[list[object]] = ([choose.choice(cells) for _ in range(width)] for _ in count())
        return ",".join(f"c{at}" for at in range(width)) + "\n" + _delimited(size, rows)

    return shape


def _follows(size: int, choose: random.Random) -> str:
    """Most columns follow from others."""
    keys = [[f"{at}-{choice}" for at in range(12)] for choice in choose.choices(WORDS, k=2_000)]
    return ",".join(f"c{at}" for at in range(12)) + "\n" + _delimited(size, ([*choose.choice(keys)] for _ in count()))


def _quoted(size: int, choose: random.Random) -> str:
    rows = (f'"{_words(choose, 3)}, ""x""","{number}","{_words(choose, 2)}"' for number in count())
    return '"a","b","c"\n' + _until(size, rows, "\n") + "\n"


def _drawn(frame: str) -> Shape:
    """A table with lines around its cells, as of databases or in markdown."""

    def shape(size: int, choose: random.Random) -> str:
        cells = [[f"{number}", f"{choose.choice(WORDS):<8}", f"{choose.random():<20}"] for number in range(size // 45)]
        widths = [max(len(row[at]) for row in cells) for at in range(3)]
        dashes = ["-" * (wide + 2) for wide in widths]
        border = f"|{'|'.join(dashes)}|" if frame == "markdown" else f"+{'+'.join(dashes)}+"
        lines = [f"| {' | '.join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True))} |" for row in cells]
        head = f"| {' | '.join(name.ljust(wide) for name, wide in zip('abc', widths, strict=True))} |"
        around = [] if frame == "markdown" else [border]
        return "\n".join([*around, head, border, *lines, *around]) + "\n"

    return shape


def _small_results(size: int, choose: random.Random) -> str:
    """A session of psql with thousands of results."""

    def result(number: int) -> str:
        return f"SELECT {number};\n  a  | b \n-----+---\n {choose.randrange(100, 999)} | x\n(1 row)\n"

    return _until(size, map(result, count()), "\n") + "\n"


def _borders_only(size: int, _: random.Random) -> str:
    return "a | b\n---+---\n" * (size // 14)


def _kubectl(size: int, choose: random.Random) -> str:
    rows = (f"{'-'.join(choose.choices(WORDS, k=3)):<30}1/1     Running   {at % 9}          {at}d" for at in count())
    return f"{'NAME':<30}READY   STATUS    RESTARTS   AGE\n" + _until(size, rows, "\n") + "\n"


def _processes(size: int, choose: random.Random) -> str:
    rows = (
        f"root     {at % 99_999:>7}  0.{at % 10}  0.1 {choose.randrange(10**6):>6} {at % 9_999:>5} ?        Ss   "
        f"Nov22   0:0{at % 10} /usr/bin/{choose.choice(WORDS)} --port {at}"
        for at in count()
    )
    return "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n" + _until(size, rows, "\n")


def _heads_only(size: int, _: random.Random) -> str:
    return "NAME    READY   STATUS\n" * (size // 23)


def _fields(size: int, choose: random.Random) -> str:
    return _until(size, (f"   id = {at}\n name = {choose.choice(WORDS)}\n text = {at * 7}" for at in count()), "\n\n")


def _manifests(size: int, choose: random.Random) -> str:
    def manifest(number: int) -> str:
        labels = "".join(f"    {key}: {choose.choice(WORDS)}x\n" for key in ("app", "tier", "zone"))
        return f"kind: Pod\nmetadata:\n  name: p-{number}\n  labels:\n{labels}spec:\n  replicas: {number}\n  text: a b"

    return _until(size, map(manifest, count()), "\n---\n") + "\n"


def _keys_only(size: int, choose: random.Random) -> str:
    return "a:\n" + _until(size, (f"  {choose.choice(WORDS)}{at}: x{at}" for at in count()), "\n") + "\n"


def _deep_yaml(size: int, _: random.Random) -> str:
    block = "".join(f"{'  ' * depth}k{depth}:\n" for depth in range(50)) + "  " * 50 + "last: x\n"
    return _until(size, (f"a{at}:\n" + block.replace("k0:", "  k0:") for at in count()), "")


def _items_only(size: int, _: random.Random) -> str:
    return "a:\n" + "  b:\n" * 3 + "  - x1y\n" * (size // 8)


def _block_scalars(size: int, choose: random.Random) -> str:
    return _until(size, (f"k{at}:\n  text: |\n    {_words(choose, 20)}\n    x" for at in count()), "\n") + "\n"


def _page(size: int, choose: random.Random) -> str:
    rows = (f"<div class=c{at}><a href='/{at}'>{_words(choose, 8)}</a></div>" for at in count())
    return f"<!DOCTYPE html><html><body>{_until(size, rows, '')}</body></html>"


def _page_of_tables(size: int, choose: random.Random) -> str:
    rows = (f"<tr><td>{at}<td>{choose.choice(WORDS)}<td>{choose.random()}</tr>" for at in count())
    return f"<!DOCTYPE html><html><body><table>{_until(size, rows, '')}</table></body></html>"


def _tags_only(size: int, _: random.Random) -> str:
    return "<!DOCTYPE html><html><body>" + "<p>" * (size // 3)


def _xml(size: int, choose: random.Random) -> str:
    rows = (f'<item id="{at}"><name>{choose.choice(WORDS)}</name><v a="{choose.random()}"/></item>' for at in count())
    return f'<?xml version="1.0"?>\n<items>\n{_until(size, rows, chr(10))}\n</items>\n'


def _xml_of_many_names(size: int, choose: random.Random) -> str:
    rows = (f"<t{choose.choice(WORDS)} a{at}='1'>x</t>" for at in count())
    return f'<?xml version="1.0"?>\n<items>\n{_until(size, rows, chr(10))}\n</items>\n'


def _snapshot(size: int, choose: random.Random) -> str:
    return _until(size, (f'- button "{_words(choose, 2)}" [ref=e{at}] [cursor=pointer]' for at in count()), "\n")


def _listing(size: int, choose: random.Random) -> str:
    rows = (f"-rw-r--r-- 1 root root {at:>7} Nov 22 09:{at % 60:02} {choose.choice(WORDS)}{at}.py" for at in count())
    return "total 8\n" + _until(size, rows, "\n")


def _one_string(size: int, choose: random.Random) -> str:
    return json.dumps({"id": 1, "text": _words(choose, size // 6)})


def _hashes(size: int, choose: random.Random) -> str:
    return json.dumps({"id": 1, "list": [f"{choose.getrandbits(256):064x}" for _ in range(size // 68)]})


SHAPES: dict[str, Shape] = {
    "json: wide records": _wide,
    "json: tiny records": lambda size, _: _array(size, ({"a": at} for at in count())),
    "json: equal records": lambda size, _: _array(size, ({"a": 1, "b": "x y", "c": [1, 2]} for _ in count())),
    "json: different strings": _different_strings,
    "json: trees": _nested,
    "json: addresses": _addresses,
    "json: shapes of their own": _shapes_of_their_own,
    "json: in strings": _embedded,
    "json: matrix": _matrix,
    "json: numbers": lambda size, choose: json.dumps([choose.randrange(10**6) for _ in range(size // 8)]),
    "json: empty objects": lambda size, _: json.dumps([{}] * (size // 4)),
    "json: empty lists": lambda size, _: json.dumps([[]] * (size // 4)),
    "json: one object of scalars": lambda size, _: json.dumps({f"key{at}": f"v {at}" for at in range(size // 24)}),
    "json: map of records": lambda size, choose: json.dumps(
        {f"n{at}": _record(choose, at, 5) for at in range(size // 110)}
    ),
    "json: one string": _one_string,
    "json: hashes": _hashes,
    "json: unicode": lambda size, choose: _array(
        size, ({"ключ": "значение " + choose.choice(WORDS), "名": "東京" * 5, "n": at} for at in count())
    ),
    "json: lines": lambda size, choose: _until(size, (json.dumps(_record(choose, at, 7)) for at in count()), "\n"),
    "json: lines of scalars": lambda size, _: _until(size, (f"[{at}, true]" for at in count()), "\n"),
    "json: indented": lambda size, choose: json.dumps([_record(choose, at, 7) for at in range(size // 240)], indent=4),
    "json: indented numbers": lambda size, _: json.dumps({"a": list(range(size // 12))}, indent=4),
    "json: cut off": lambda size, choose: json.dumps([_record(choose, at, 7) for at in range(size // 130)])[:-9],
    "json: among text": lambda size, choose: _until(
        size, (f"{_words(choose, 4)}\n{json.dumps(_record(choose, at, 9))}" for at in count()), "\n"
    ),
    "csv: narrow, few values": _csv(3, 5),
    "csv: wide, few values": _csv(150, 9),
    "csv: wide, different": _csv(60, 100_000),
    "csv: narrow, different": _csv(3, 100_000),
    "csv: columns that follow": _follows,
    "csv: quoted": _quoted,
    "csv: empty cells": lambda size, _: "a,b,c,d,e,f,g,h\n" + ",,,,,,,\n" * (size // 8),
    "csv: all equal": lambda size, _: "a,b,c\n" + "17,x,y\n" * (size // 7),
    "table: markdown": _drawn("markdown"),
    "table: drawn": _drawn("drawn"),
    "table: small results": _small_results,
    "table: borders only": _borders_only,
    "table: kubectl": _kubectl,
    "table: ps": _processes,
    "table: heads only": _heads_only,
    "table: fields": _fields,
    "yaml: manifests": _manifests,
    "yaml: keys": _keys_only,
    "yaml: deep": _deep_yaml,
    "yaml: items": _items_only,
    "yaml: block scalars": _block_scalars,
    "html: page": _page,
    "html: table": _page_of_tables,
    "html: tags only": _tags_only,
    "xml: items": _xml,
    "xml: many names": _xml_of_many_names,
    "tree: snapshot": _snapshot,
    "listing: ls": _listing,
}


def taken(work: Callable[[], object]) -> float:
    """Return the milliseconds of processor time of the better of two runs."""
    found = []
    for _ in range(2):
        begun = time.thread_time()
        work()
        found.append((time.thread_time() - begun) * 1000)
    return min(found)


def _of_lines() -> Iterator[tuple[str, Shape, Sequence[str], str]]:
    """Yield the shapes of lines, with the kind that each is for, and what was read."""
    for kind, shapes in line_shapes.SHAPES.items():
        for name, shape in shapes.items():
            of_size = functools.partial(lambda shape, size, _: shape(size)[:size], shape)
            yield f"{kind}: {name}", of_size, (kind,), line_shapes.SUBJECTS.get(kind, "")


def worst(text: str, kinds: Sequence[str], subject: str) -> Iterator[tuple[str, str, float]]:
    """Yield each compressor that takes a text for its own, the level that takes longest, and the milliseconds."""
    content = functools.partial(Content, text, "", subject)
    for compressor in COMPRESSORS:
        if compressor.name in kinds and compressor.score(content()) > 0:
            times = {
                level: taken(functools.partial(lambda one, at: one.compress(content(), at), compressor, level))
                for level in Level
            }
            level = max(Level, key=times.__getitem__)
            yield compressor.name, level.name.lower(), times[level]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help="parts of the names of shapes (default: all)")
    options = parser.parse_args()
    gc.freeze()  # as the addon does at its start
    table = Table(title="milliseconds of processor time for 1 MB")
    for name in ("shape", "kind", "level", "1 MB", "half"):
        table.add_column(name, justify="right" if name in ("1 MB", "half") else "left")
    of_records = ((name, shape, KINDS, "") for name, shape in SHAPES.items())
    for name, shape, kinds, subject in (*of_records, *_of_lines()):
        if options.only and not any(part in name for part in options.only):
            continue
        whole, half = (shape(size, random.Random(17)) for size in (LARGE, LARGE // 2))
        halves = {kind: milliseconds for kind, _, milliseconds in worst(half, kinds, subject)}
        found = [
            (kind, level, f"{took:.0f}", f"{halves.get(kind, 0):.0f}")
            for kind, level, took in worst(whole, kinds, subject)
        ]
        for row in islice(found or [("none", "", "", "")], None):
            table.add_row(name, *row)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
