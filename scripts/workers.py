"""Several workers behind HAProxy on one store: do conversations that hop between them hold, and what do more bring.

``table`` has agents open a new connection for each request, so each may reach another worker, and counts requests a
second, their latency, what is asked of Redis, and breaks: texts that reached the provider in another form than before.
``rolling`` has workers leave and start anew, one after another, while agents talk. ``serve`` is the fleet in place of
one mitmdump, whose arguments it takes. Balancing is by the files in docs/deploy. All of it, agents and provider too,
runs on this machine: `haproxy` and `redis-server` have to be installed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "store"))

from working import tables
from working.balancer import BALANCERS
from working.serving import Wish, serve

STORES = ("sqlite", "redis", "cluster")


def main() -> None:
    """Do one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    tabled = commands.add_parser("table", help="throughput and latency by number of workers")
    tabled.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    tabled.add_argument("--rounds", type=int, default=1, help="repetitions, in turn; medians are told")
    rolled = commands.add_parser("rolling", help="restart all under load")
    rolled.add_argument("--workers", type=int, default=4)
    rolled.add_argument("--balancer", choices=BALANCERS, default="haproxy")
    for one in (tabled, rolled):
        one.add_argument("--agents", type=int, default=12)
        one.add_argument("--store", choices=STORES, default="redis")
    served = commands.add_parser("serve", help="be a fleet in place of one mitmdump; takes its arguments, too")
    served.add_argument("--workers", type=int, default=4)
    served.add_argument("--store", default="cluster", help="cluster, redis, or a URL")
    served.add_argument("--listen-host", default="127.0.0.1", help="only loopback")
    served.add_argument("--listen-port", type=int, required=True)
    served.add_argument("--header", default="x-replay-turn", help="names the conversation, and after a slash the turn")
    served.add_argument("--summary", type=Path, help="where to write who has met whom")
    asked, further = parser.parse_known_args()
    if asked.command == "serve":
        serve(Wish(asked.workers, asked.store, asked.listen_port, asked.header, asked.summary, further))
        return
    if further:
        parser.error(f"what is {further[0]}?")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        if asked.command == "table":
            tables.tabulate(asked.workers, asked.agents, asked.store, asked.rounds, Path(name))
        else:
            tables.roll(asked.workers, asked.agents, asked.store, asked.balancer, Path(name))


if __name__ == "__main__":
    main()
