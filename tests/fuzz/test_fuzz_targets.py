"""Every target of scripts/fuzz.py, a few cases each: the same ones every time."""

import random
import runpy
from pathlib import Path

import pytest
from byte_random import ByteRandom
from fuzz_targets import TARGETS

TIMED = {"growth"}
"""It compares times, and a machine may be busy: for the command only."""
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fuzz.py"


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in TIMED])
def test_nothing_is_found(name: str) -> None:
    """What is found is raised."""
    cases = range(8)
    assert [TARGETS[name](random.Random(seed)) for seed in cases] == [None for _ in cases]


def test_bytes_decide_what_is_drawn() -> None:
    data = random.Random(1).randbytes(4_000)
    first, again, other = ByteRandom(data), ByteRandom(data), ByteRandom(data[1:])
    drawn = [[rng.randint(0, 999), rng.choice("abcdef"), rng.random()] for rng in (first, again, other)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert ByteRandom(b"").randint(3, 9) == 3


def test_the_command_knows_all_targets() -> None:
    assert runpy.run_path(str(SCRIPT))["NAMES"] == tuple(TARGETS)
