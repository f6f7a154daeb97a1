"""Fuzzes what meets strangers' bytes: `scripts/fuzz.py TARGET [TARGET ...] --seconds N`. `all` stands for all targets.

Targets are in tests/fuzz. Three engines draw for them: `random` (seeded and quick), `hypothesis` (odd numbers more
often) and `atheris` (follows coverage of this package; `pip install atheris`). Each finding is told once, with what
repeats it. Prints a table of time, cases and findings; ends with 1 if there is a finding.
"""

import argparse
import faulthandler
import logging
import multiprocessing
import os
import random
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "store"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "compressors"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "wire"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "fuzz"))

import hypothesis
from byte_random import ByteRandom
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parent.parent
HANGS_SECONDS = 120
"""A case that takes longer ends the run, with where it was."""
LONGEST_INPUT = 4_096
"""Bytes that atheris draws from: beyond them all draws are the lowest."""
SEEDS = 64
"""Random inputs that atheris begins with."""
EXAMPLES = 200
"""Of a round of hypothesis."""
NAMES = (
    *("wire", "pipeline", "streams", "events", "legs", "frames", "encodings", "compressors", "growth", "router"),
    *("retrieve", "subjects", "records", "hidden", "links", "files", "cells", "replies", "options", "prompts"),
    *("logs", "authorities", "journal"),
)
"""Of the targets; a test compares them. To ask for them would import what atheris has to see being imported."""


@dataclass(frozen=True)
class Job:
    """What one process is to do."""

    target: str
    engine: str
    seconds: float
    seed: int
    folder: Path
    """Where inputs go that repeat a finding, and what atheris has learnt."""
    results: Connection


@dataclass
class Run:
    """One target under one engine."""

    name: str
    engine: str
    cases: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    """CPU seconds of one case."""
    found: dict[str, str] = field(default_factory=dict)
    """What repeats each finding, by what tells it from others."""

    def check(self, target: Callable[[random.Random], None], rng: random.Random, repeats: Callable[[], str]) -> None:
        """Run one case; note what goes wrong."""
        began = time.thread_time()
        faulthandler.dump_traceback_later(HANGS_SECONDS, exit=True)
        try:
            target(rng)
        except Exception as error:  # noqa: BLE001  # whatever it is, it must not be
            self._note(error, repeats)
        self.cases += 1
        self.slowest = max(self.slowest, time.thread_time() - began)

    def _note(self, error: Exception, repeats: Callable[[], str]) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        place = next((frame for frame in reversed(frames) if str(ROOT) in frame.filename), frames[-1])
        what = f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno} {place.name}"
        if what not in self.found:
            self.found[what] = repeats()
            print(f"{self.name}: {what}: {str(error)[:300]!r}\n  repeat with {self.found[what]}", flush=True)

    def row(self) -> str:
        """Return the line of the table."""
        figures = f"{self.seconds:,.0f} | {self.cases:,} | {self.slowest:.2f} | {len(self.found)}"
        return f"| {self.name} | {self.engine} | {figures} |"


def by_random(job: Job, run: Run) -> None:
    """Draw from a seeded generator, one seed a case."""
    target, seed, began = _target(job.target), job.seed, time.monotonic()
    while True:
        run.check(target, random.Random(seed), lambda: f"--seed {seed} --seconds 0")  # noqa: B023  # called at once
        seed += 1
        if time.monotonic() - began >= job.seconds:
            return


def by_hypothesis(job: Job, run: Run) -> None:
    """Let hypothesis draw: rounds of some hundred examples, each round with another seed."""
    target, seed, began = _target(job.target), job.seed, time.monotonic()
    quiet = list(hypothesis.HealthCheck)
    rules = hypothesis.settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=quiet)
    while True:

        @hypothesis.seed(seed)
        @rules
        @hypothesis.given(rng=st.randoms(use_true_random=False))
        def examples(rng: random.Random) -> None:
            run.check(target, rng, lambda: f"--engine hypothesis --seed {seed} --seconds 0")  # noqa: B023

        examples()
        seed += 1
        if time.monotonic() - began >= job.seconds:
            return


def by_atheris(job: Job, run: Run) -> None:
    """Let libFuzzer change bytes, by what of this package they reach. Does not return: libFuzzer never does."""
    try:
        import atheris  # noqa: PLC0415  # there is no wheel for every Python, and nobody else needs it
    except ImportError:
        sys.exit("The engine atheris is not installed: pip install atheris, or take --engine random.")
    with atheris.instrument_imports(include=["headroom_mitm"]):
        target = _target(job.target)
    corpus = job.folder / f"{job.target}-corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    dice = random.Random(job.seed)
    for number in range(SEEDS):
        (corpus / f"seed-{number}").write_bytes(dice.randbytes(dice.randint(64, LONGEST_INPUT)))
    began = time.monotonic()

    def one(data: bytes) -> None:
        def kept() -> str:
            path = job.folder / f"{job.target}-{len(run.found)}"
            path.write_bytes(data)
            return f"--replay {path}"

        run.check(target, ByteRandom(data), kept)
        run.seconds = time.monotonic() - began
        if run.seconds >= job.seconds:
            job.results.send(run)
            os._exit(0)

    options = [f"-seed={job.seed + 1}", f"-max_len={LONGEST_INPUT}", "-verbosity=0", "-rss_limit_mb=0"]
    options += [f"-timeout={2 * HANGS_SECONDS}", f"-artifact_prefix={job.folder}/"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


ENGINES: dict[str, Callable[[Job, Run], None]] = {
    "random": by_random,
    "hypothesis": by_hypothesis,
    "atheris": by_atheris,
}


def _target(name: str) -> Callable[[random.Random], None]:
    from fuzz_targets import TARGETS  # noqa: PLC0415  # what atheris is to follow is imported under its eyes

    logging.disable()
    return TARGETS[name]


def _work(job: Job) -> None:
    run, began = Run(job.target, job.engine), time.monotonic()
    ENGINES[job.engine](job, run)
    run.seconds = time.monotonic() - began
    job.results.send(run)


def fuzzed(target: str, chosen: argparse.Namespace) -> Run:
    """Run a target in a process of its own, which what hangs or crashes ends."""
    spawn = multiprocessing.get_context("spawn")
    heard, told = spawn.Pipe(duplex=False)
    job = Job(target, chosen.engine, chosen.seconds, chosen.seed, chosen.folder, told)
    process = spawn.Process(target=_work, args=(job,))
    process.start()
    told.close()
    try:
        run: Run = heard.recv()
    except EOFError:
        run = Run(target, chosen.engine, found={"the process has ended": "the same command"})
    process.join()
    return run


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="+", metavar="TARGET", help=f"all, or some of: {', '.join(NAMES)}")
    parser.add_argument("--seconds", type=float, default=60, help="for each target; 0 is one case, or one round")
    parser.add_argument("--engine", choices=ENGINES, default="random")
    parser.add_argument("--seed", type=int, default=0, help="the first; others follow")
    parser.add_argument("--folder", type=Path, default=Path(".cache/fuzz"), help="for what repeats findings of atheris")
    parser.add_argument("--replay", type=Path, help="a file that atheris has left: run it once, and let it raise")
    chosen = parser.parse_args()
    targets = NAMES if chosen.targets == ["all"] else chosen.targets
    if unknown := sorted(set(targets) - set(NAMES)):
        parser.error(f"no target: {', '.join(unknown)}")
    if chosen.replay:
        _target(targets[0])(ByteRandom(chosen.replay.read_bytes()))
        return 0
    runs = [fuzzed(target, chosen) for target in targets]
    print("| target | engine | seconds | cases | slowest case, CPU s | findings |\n|---|---|--:|--:|--:|--:|")
    for run in runs:
        print(run.row())
    return 1 if any(run.found for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
