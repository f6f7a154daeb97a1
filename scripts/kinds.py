"""What it takes to choose a form for a new text, by kind: milliseconds for 100 KB, and what 1 MB takes one compressor.

The first columns are the whole choice as the product makes it by default, tokens counted, on texts of the corpus of at
least 20 KB; the last ones are compressors alone, at each of their levels, on 1 MB made of texts of their kind in which
no two copies have the same numbers. Processor time of one core, the better of two runs. Needs the corpus of the bench
(HEADROOM_BENCH, default ../shared/bench).
"""

import argparse
import functools
import gc
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple, TypeVar

from levels import BENCH, CORPUS, prompt_of
from rich.console import Console
from rich.table import Table

from headroom_mitm.compressors import COMPRESSORS, Content, Level
from headroom_mitm.router import Router, Source

LEAST = 20_000
"""Characters of a text whose time says something about 100 KB."""
LARGE = 1_000_000
UNIT = 100_000
_DIGITS = "123456789"

ResultT = TypeVar("ResultT")


class Text(NamedTuple):
    """A text of the corpus, as the result of its call."""

    folder: str
    source: Source


class Took(NamedTuple):
    """What became of a text, and in how many milliseconds."""

    kind: str
    length: int
    milliseconds: float

    @property
    def per_unit(self) -> float:
        """Milliseconds for 100 KB."""
        return self.milliseconds * UNIT / max(1, self.length)


def texts(folders: list[str]) -> Iterator[Text]:
    """Yield the texts of some folders of the corpus."""
    sys.path.insert(0, str(BENCH))
    from toolcalls import call_for

    for folder in folders:
        for path in sorted((CORPUS / folder).iterdir()):
            text = path.read_bytes().decode(errors="replace")
            call = call_for(f"{folder}/{path.name}")
            prompt = prompt_of(call.tool, call.arguments, text)
            segment = prompt.segments[-1]
            yield Text(folder, Source(segment, text, prompt.calls.get(segment.call_id)))


def timed(work: Callable[[], ResultT]) -> tuple[ResultT, float]:
    """Return what some work gives, and the milliseconds of processor time of the better of two runs."""
    found = []
    for _ in range(2):
        begun = time.process_time()
        result = work()
        found.append((time.process_time() - begun) * 1000)
    return result, min(found)


def chosen(text: Text) -> Took:
    """Have a form chosen as by default."""
    form, took = timed(lambda: Router().render(text.source, frozenset(), lossy=True))
    return Took(form.compressor.partition("/")[0], len(text.source.text), took)


def grown(text: str) -> str:
    """Return 1 MB of copies of a text; digits differ from copy to copy, so that lines that differ go on to differ."""
    copies: list[str] = []
    size = 0
    for turn in count():
        turned = _DIGITS[turn % 9 :] + _DIGITS[: turn % 9]
        copies.append(text.translate(str.maketrans(_DIGITS, turned)))
        size += len(text) + 1
        if size >= LARGE:
            break
    is_json = text.lstrip()[:1] in ("{", "[") and text.rstrip()[-1:] in ("}", "]")
    return f"[{','.join(copies)}]" if is_json else "\n".join(copies)[:LARGE]


def largest(kind: str, text: Text) -> list[Took]:
    """Return what 1 MB takes the compressor of a kind at each level."""
    compressor = next(one for one in COMPRESSORS if one.name == kind)
    call = text.source.call
    content = Content(grown(text.source.text), call.name if call else "", call.subject if call else "")
    return [
        Took(level.name.lower(), len(content.text), timed(functools.partial(compressor.compress, content, level))[1])
        for level in Level
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", help="folders of the corpus (default: all)")
    parser.add_argument("--fast", action="store_true", help="without what 1 MB takes")
    options = parser.parse_args()
    gc.freeze()  # as the addon does at its start
    if not (BENCH / "toolcalls.py").exists():
        sys.exit(f"There is no bench in {BENCH}: set HEADROOM_BENCH.")
    folders = options.folders or sorted(p.name for p in CORPUS.iterdir() if p.is_dir() and p.name != "trajectories")
    of_kind: defaultdict[str, list[tuple[Text, Took]]] = defaultdict(list)
    every = []
    for text in texts(folders):
        took = chosen(text)
        every.append(took.milliseconds)
        of_kind[took.kind].append((text, took))
    table = Table(title="milliseconds of processor time")
    for name in ("kind", "texts", "100 KB", "worst", "MB/s", *(() if options.fast else ("1 MB, worst", "at"))):
        table.add_column(name, justify="left" if name in ("kind", "at") else "right")
    names = {compressor.name for compressor in COMPRESSORS}
    for kind, found in sorted(of_kind.items()):
        rates = [took.per_unit for text, took in found if len(text.source.text) >= LEAST] or [found[-1][1].per_unit]
        cells = [
            f"{statistics.median(rates):.1f}",
            f"{max(rates):.1f}",
            f"{UNIT / 1000 / statistics.median(rates):.1f}",
        ]
        if not options.fast and kind in names:
            slowest = max((took for text, _ in found for took in largest(kind, text)), key=lambda one: one.milliseconds)
            cells += [f"{slowest.milliseconds:.0f}", slowest.kind]
        table.add_row(kind, str(len(found)), *cells)
    console = Console(width=110)
    console.print(table)
    every.sort()
    p99 = every[min(len(every) - 1, round(0.99 * len(every)))]
    console.print(
        f"{len(every)} texts: p50 {statistics.median(every):.1f} ms, p99 {p99:.1f} ms, most {every[-1]:.1f} ms"
    )


if __name__ == "__main__":
    main()
