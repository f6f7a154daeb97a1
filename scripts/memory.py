"""Memory that many live conversations take, in all formats: resident memory of a process that rewrites their requests.

The pipeline runs as it does in the proxy, with a store on disk; there is no proxy around it, so what mitmdump takes by
itself (some 75 MB) is not in the figures. Each conversation is sent as it begins, at half its length, and whole.
"""

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lengths import FORMATS, RESULT, Conversation

from headroom_mitm import tokens
from headroom_mitm.aligner import Aligner
from headroom_mitm.pipeline import Pipeline, Policy, Ticket
from headroom_mitm.roundtrip.rounds import Retold
from headroom_mitm.router import Router
from headroom_mitm.store import open_store
from headroom_mitm.wire import BY_NAME

LENGTHS = (200_000, 500_000, 1_000_000, 2_000_000)
AT_ONCE = 20
"""Results in a turn."""
PAGE = 4096


def resident() -> float:
    """Resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE / 1e6


def bodies(conversation: Conversation, length: int) -> Iterator[bytes]:
    """Yield a conversation as it begins, at half its length, and whole."""
    yield conversation.body()
    for part in (2, 1):
        while (lacking := length // part // RESULT - conversation.calls) > 0:
            conversation.grow(min(AT_ONCE, lacking))
        yield conversation.body()


def send(pipeline: Pipeline, name: str, body: bytes) -> None:
    """Rewrite a request as the service does."""
    wire, policy = BY_NAME[name], Policy()
    prompt, plan = pipeline.plan(wire, body, policy)
    if plan.is_settled:
        pipeline.settled(wire, plan, policy)
    else:
        pipeline.complete(wire, prompt, plan, policy, Ticket())


def main() -> None:
    """Print resident memory as conversations come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="conversations, a quarter of them in each format")
    parser.add_argument("--length", action="append", type=int, help="of a conversation, in bytes; several in turn")
    chosen = parser.parse_args()
    lengths = chosen.length or LENGTHS
    tokens.encoding()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "store.sqlite"))
        aligner = Aligner(store, time.time)
        pipeline = Pipeline(aligner, Router(), Retold(store, time.time))
        base = resident()
        print(f"before: {base:.0f} MB")
        for number in range(chosen.count):
            name = list(FORMATS)[number % len(FORMATS)]
            length = lengths[number // len(FORMATS) % len(lengths)]
            for body in bodies(FORMATS[name](f"memory{number}"), length):
                send(pipeline, name, body)
            if number % 50 == 49 or number == chosen.count - 1:
                gc.collect()
                print(f"{number + 1:5} conversations: {resident():.0f} MB, {resident() - base:+.0f} MB", flush=True)
        store.close()


if __name__ == "__main__":
    main()
