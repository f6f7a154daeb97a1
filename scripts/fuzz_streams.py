"""Sends random answers, damaged and cut anywhere, through what watches them, in every format: seeded, so repeatable.

Prints how many there were and each that was not treated as it must be; ends with 1 if there is one.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "wire"))

from fuzzed_streams import check

SHOWN = 20


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="streams")
    parser.add_argument("--seed", type=int, default=0, help="of the first; the others follow")
    chosen = parser.parse_args()
    failures, size, began = 0, 0, time.monotonic()
    for seed in range(chosen.seed, chosen.seed + chosen.count):
        try:
            size += check(seed)
        except Exception as error:  # noqa: BLE001  # whatever it is, it must not be
            failures += 1
            if failures <= SHOWN:
                print(f"seed {seed}: {error!r}", flush=True)
    seconds = time.monotonic() - began
    print(f"{chosen.count} streams, {size / 2**20:.0f} MiB, {failures} failures, {seconds:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
