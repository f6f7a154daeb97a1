"""How often the holdout's interval holds the true saving, in simulated months of which that is known.

A month's interval is of 95 % confidence; small holdouts and skewed costs must not make it promise more than it holds.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from simulated_months import WORLDS, covered, truth


def main() -> None:
    """Print a row for each kind of world, size of a month and share that is held out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=100)
    parser.add_argument("--sessions", type=int, nargs="+", default=[350, 1000], help="in a month")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.2, 0.5], help="held out")
    chosen = parser.parse_args()
    print("world                     sessions  held out   true saving of a turn, session   covered of", chosen.months)
    for name, world in WORLDS.items():
        of_turn, of_session = truth(world)
        for sessions in chosen.sessions:
            for share in chosen.shares:
                turn, session, unknown = covered(world, chosen.months, sessions, share)
                print(
                    f"{name:26}{sessions:8}{share:10.0%}{of_turn:17.1%}{of_session:8.1%}"
                    f"{turn:18} by turn{session:4} by session{unknown:4} not enough data",
                    flush=True,
                )


if __name__ == "__main__":
    main()
