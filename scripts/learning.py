"""Draws what the learner costs against fixed levels, for a simulated model whose habits change half-way: a PNG.

matplotlib is not needed by the product; an environment of its own is enough:

    python3 -m venv plot-env && plot-env/bin/pip install matplotlib .
    plot-env/bin/python scripts/learning.py docs/learning.png
"""

import argparse
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from simulated_retrievals import cases, fixed, learnt
from test_squash import CHANGED, HABITS

from headroom_mitm.compressors import Level

TEXTS = 1_200
SEED = 1
COLOURS = {Level.LOSSLESS: "#8a8a8a", Level.LIGHT: "#7fb3d5", Level.MEDIUM: "#2e86c1", Level.HARD: "#1b4f72"}


def main() -> None:
    """Simulate, and draw one panel for each kind: cost so far over that of leaving nothing out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    path = parser.parse_args().file
    found = cases(list(HABITS), TEXTS, SEED)
    runs = {level: fixed(found, [HABITS, CHANGED], dict.fromkeys(HABITS, level)) for level in Level}
    run = learnt(found, [HABITS, CHANGED])
    figure, panels = plt.subplots(2, 3, figsize=(13, 7), sharex=True)
    for panel, kind in zip(panels.flat, HABITS, strict=True):
        plain = list(itertools.accumulate(runs[Level.LOSSLESS].spent[kind]))
        for level, other in runs.items():
            costs = itertools.accumulate(other.spent[kind])
            ratios = [one / all_ for one, all_ in zip(costs, plain, strict=True)]
            panel.plot(ratios, color=COLOURS[level], label=f"always {level.name.lower()}", linewidth=1)
        ratios = [one / all_ for one, all_ in zip(itertools.accumulate(run.spent[kind]), plain, strict=True)]
        panel.plot(ratios, color="#c0392b", label="learnt", linewidth=2)
        panel.axvline(TEXTS / 2, color="black", linewidth=0.5, linestyle=":")
        panel.set_title(kind)
        panel.set_ylim(0, 1.6)
    panels[0][0].legend(fontsize=8)
    for panel in panels[1]:
        panel.set_xlabel("texts of this kind")
    for row in panels:
        row[0].set_ylabel("cost so far / leaving nothing out")
    figure.suptitle("What levels cost when a model asks for what it misses; two habits change at the dotted line")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
