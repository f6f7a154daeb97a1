"""Holds the ledger's money against the bill that the bench's replay simulates, session by session.

    HEADROOM_BENCH=PATH/TO/bench scripts/ledger_check.py --api both --per-kind 1

Replays real agent sessions through mitmdump with this addon and a store of its own, as ``scripts/bench`` does, then
reads the store's ledger. What was paid must be the same, and what the same sessions would have cost without us, which
the ledger estimates and the replay knows. OpenAI is priced as gpt-5: the only one of its bills that the provider of the
replay reports. Exits with 1 where they differ by more than ``--within``.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headroom_mitm.ledger import Ledger, Sums
from headroom_mitm.prices import Rates, dollars
from headroom_mitm.store import open_store
from headroom_mitm.usage import Counted

ROOT = Path(__file__).resolve().parent.parent
REGIMES = {"anthropic": "anthropic", "openai": "gpt-5"}
RATES = {"anthropic": Rates(3.0, 0.30, 3.75, 6.0, 15.0), "gpt-5": Rates(1.25, 0.125, 1.25, 1.25, 10.0)}
"""The replay's: claude-sonnet-4-5 and gpt-5. Those of the ledger must be the same, or nothing will be."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Dollars of one API: simulated by the replay, and told by the ledger."""

    api: str
    requests: tuple[int, int]
    paid: tuple[float, float]
    without: tuple[float, float]

    @property
    def worst(self) -> float:
        """The larger difference, as a share."""
        return max(abs(told / true - 1) for true, told in (self.paid, self.without))


def simulated(report: dict[str, Any], api: str) -> tuple[int, float, float]:
    """Return the replay's number of requests, and its bills with and without the proxy."""
    regime, turns, sides = REGIMES[api], 0, [0.0, 0.0]
    for session in report["sessions"]:
        if session["api"] == api:
            turns += session["turns"]
            for number, side in enumerate(("with_proxy", "without")):
                sides[number] += dollars(Counted(**session["bills"][regime][side]), RATES[regime])
    return turns, *sides


def told(store: Path) -> dict[str, Sums]:
    """Return the ledger's sums by provider."""
    opened = open_store(str(store))
    found: dict[str, Sums] = {}
    for model, sums in Ledger(opened, time.time).report().by_model.items():
        api = "anthropic" if model.startswith("claude") else "openai"
        found[api] = found.get(api, Sums()) + sums
    opened.close()
    return found


def replayed(bench: Path, corpus: Path, mode: str, options: list[str], home: Path) -> dict[str, Any]:
    """Run the replay; return what it has measured. Its clock is real time: prices are those of today."""
    mitmdump = shutil.which("mitmdump", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    command = f"{mitmdump} -q -s {ROOT / 'headroom_addon.py'} --set headroom_mode={mode}"
    file = home / "replay.json"
    arguments = [str(corpus), "--kind", "mitm", "--cmd", command, "--home", str(home), "--json", str(file), *options]
    store = f"HEADROOM_HOME={home}"
    subprocess.run([sys.executable, "replay.py", *arguments, "--env", store], cwd=bench, check=True)
    found: dict[str, Any] = json.loads(file.read_bytes())
    return found


def compared(report: dict[str, Any], store: Path) -> Iterator[Compared]:
    """Yield a comparison for each API."""
    ledger = told(store)
    for api in REGIMES:
        turns, paid, without = simulated(report, api)
        sums = ledger.get(api, Sums())
        if turns:
            yield Compared(api, (turns, sums.requests), (paid, sums.paid), (without, sums.without))


def main() -> None:
    """Print both bills for each API."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", default="compress", help="headroom_mode")
    parser.add_argument("--within", type=float, default=0.01, help="share by which the bills may differ")
    chosen, options = parser.parse_known_args()
    if not os.environ.get("HEADROOM_BENCH"):
        sys.exit("HEADROOM_BENCH must name the folder with replay.py")
    bench = Path(os.environ["HEADROOM_BENCH"]).resolve()
    corpus = Path(os.environ.get("HEADROOM_CORPUS") or bench.parent / "corpus").resolve()
    with tempfile.TemporaryDirectory(prefix="ledger-", ignore_cleanup_errors=True) as folder:
        report = replayed(bench, corpus, chosen.mode, options, Path(folder))
        found = list(compared(report, Path(folder) / "store.sqlite"))
    for one in found:
        print(f"\n{one.api}: requests {one.requests[0]} replayed, {one.requests[1]} in the ledger")
        for name, (true, ledger) in (("paid", one.paid), ("without us", one.without)):
            print(f"  {name:12}${true:9.4f} simulated  ${ledger:9.4f} in the ledger  {ledger / true - 1:+.3%}")
        saved = [without - paid for without, paid in zip(one.without, one.paid, strict=True)]
        print(
            f"  {'saved':12}${saved[0]:9.4f} simulated  ${saved[1]:9.4f} in the ledger  {saved[1] / saved[0] - 1:+.3%}"
        )
    if not found or any(one.worst > chosen.within or one.requests[0] != one.requests[1] for one in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
