"""Tokens saved and facts still visible, by kind of tool result and level, without a proxy; --plot draws it as a PNG.

Needs the bench and its corpus (HEADROOM_BENCH, default ../shared/bench): its judge says which facts a reader still
sees. "default" is what leaves where the retrieve tool is offered and nothing is learnt yet; the other levels are
forced. Other programs' figures are those of the bench's BASELINES.md. --plot needs matplotlib.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from headroom_mitm import tokens
from headroom_mitm.compressors import Level
from headroom_mitm.router import Router, Source
from headroom_mitm.segments import Prompt
from headroom_mitm.wire import BY_NAME

BENCH = Path(os.environ.get("HEADROOM_BENCH") or Path(__file__).resolve().parents[2] / "shared" / "bench")
CORPUS = Path(os.environ.get("HEADROOM_CORPUS") or BENCH.parent / "corpus")
WIRE = BY_NAME["anthropic_messages"]
COLUMNS = ("lossless", "default", "medium", "hard")


class Sum(NamedTuple):
    """What a level makes of the files of a kind."""

    before: int = 0
    after: int = 0
    visible: int = 0
    facts: int = 0
    seconds: float = 0.0

    def __add__(self, other: tuple[Any, ...]) -> "Sum":  # type: ignore[override]
        """Add up."""
        return Sum(*(one + two for one, two in zip(self, other, strict=True)))

    @property
    def saved(self) -> float:
        """Share of the tokens."""
        return 1 - self.after / self.before if self.before else 0.0

    @property
    def shown(self) -> float:
        """Share of the facts."""
        return self.visible / self.facts if self.facts else 1.0


def prompt_of(tool: str, arguments: dict[str, Any], text: str) -> Prompt:
    """Return a request that ends with a text as the result of a call."""
    content = [{"type": "tool_use", "id": "toolu_1", "name": tool, "input": arguments}]
    result = [{"type": "tool_result", "tool_use_id": "toolu_1", "content": text}]
    messages = [{"role": "user", "content": "Look."}, {"role": "assistant", "content": content}]
    body = {"model": "claude-sonnet-4-5", "messages": [*messages, {"role": "user", "content": result}]}
    return WIRE.read(json.dumps({**body, "tools": [{"name": tool, "input_schema": {}}]}).encode())


def measured(kinds: list[str]) -> Iterator[tuple[str, str, Sum]]:
    """Yield what each level makes of each file, with the file's kind."""
    sys.path.insert(0, str(BENCH))
    from facts import Judge, load_questions
    from toolcalls import call_for

    questions = load_questions(CORPUS / "questions.jsonl")
    router = Router()
    for kind in kinds:
        for path in sorted((CORPUS / kind).iterdir()):
            text, name = path.read_bytes().decode(errors="replace"), f"{kind}/{path.name}"
            call = call_for(name)
            prompt = prompt_of(call.tool, call.arguments, text)
            segment = prompt.segments[-1]
            judge = Judge(text, questions.get(name, []))
            for level in COLUMNS:
                forced = Level[level.upper()] if level != "default" else Level.LIGHT
                source = Source(
                    segment, text, prompt.calls.get(segment.call_id), is_old=level not in ("lossless", "default")
                )
                begun = time.perf_counter()
                form = router.render(source, frozenset(), lossy=forced > 0, level_of=lambda _kind, _size, to=forced: to)
                seconds = time.perf_counter() - begun
                sent = form.text if form.text is not None else text
                verdicts = judge.verdicts(sent)
                seen = sum(visible for _, visible in verdicts)
                yield kind, level, Sum(tokens.count(text), tokens.count(sent), seen, len(verdicts), seconds)


def peers() -> dict[str, tuple[float, float]]:
    """Return saved and visible of other programs over all kinds, from the bench's table."""
    lines = (BENCH / "BASELINES.md").read_text(encoding="utf-8").split("\n")
    head = next(line for line in lines if line.startswith("| category"))
    every = next(line for line in lines if line.startswith("| **all**"))
    names = [cell.strip() for cell in head.strip("|").split("|")][2:]
    cells = [cell.strip() for cell in every.strip("|").split("|")][2:]
    found = {}
    for name, cell in zip(names, cells, strict=True):
        saved, visible = re.findall(r"(-?[\d.]+) %", cell)[:2]
        found[name] = (float(saved) / 100, float(visible) / 100)
    return found


def draw(sums: dict[tuple[str, str], Sum], kinds: list[str], path: Path) -> None:
    """Draw a line for each kind through its levels, one for all, and the others' points."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(10, 7))
    for kind in [*kinds, "all"]:
        points = [sums[kind, level] for level in COLUMNS]
        style = {"linewidth": 3, "color": "black"} if kind == "all" else {"linewidth": 1}
        axes.plot([p.saved for p in points], [p.shown for p in points], marker="o", markersize=4, label=kind, **style)
    for name, (saved, visible) in peers().items():
        axes.plot(saved, visible, marker="x", color="#c0392b")
        axes.annotate(name, (saved, visible), textcoords="offset points", xytext=(5, -10), fontsize=8, color="#c0392b")
    axes.set_xlabel("tokens saved")
    axes.set_ylabel("facts visible")
    axes.set_title("lossless, default, medium, hard (left to right); other programs over all kinds in red")
    axes.legend(fontsize=8, loc="lower left")
    axes.grid(visible=True, alpha=0.3)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, print, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help="folders of the corpus (default: all with questions)")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    if not (BENCH / "facts.py").exists():
        sys.exit(f"There is no bench in {BENCH}: set HEADROOM_BENCH.")
    folders = sorted(path.name for path in CORPUS.iterdir() if path.is_dir() and path.name != "trajectories")
    kinds = chosen.kinds or folders
    sums: dict[tuple[str, str], Sum] = {}
    for kind, level, one in measured(kinds):
        for name in (kind, "all"):
            sums[name, level] = sums.get((name, level), Sum()) + one
    table = Table(title="tokens saved / facts visible")
    table.add_column("kind")
    for level in COLUMNS:
        table.add_column(level, justify="right")
    for kind in [*kinds, "all"]:
        table.add_row(
            kind, *(f"{100 * (s := sums[kind, level]).saved:.1f} % / {100 * s.shown:.0f} %" for level in COLUMNS)
        )
    Console(width=110).print(table)
    if chosen.plot:
        draw(sums, kinds, chosen.plot)


if __name__ == "__main__":
    main()
