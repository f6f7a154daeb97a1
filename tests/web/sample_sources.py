"""What the page shows in tests: a month of figures, conversations, and requests with texts left out of."""

import itertools
from collections.abc import Iterator

from sample_conversations import ANTHROPIC, asked, body, result

from headroom_mitm.ledger import AUDIT, CHANGED, Comparison, Interval, Report, Request, Session, Sums, Tokens
from headroom_mitm.pipeline import Outcome
from headroom_mitm.segments import Digest, Rendering
from headroom_mitm.web.inspection import Inspected, Inspections
from headroom_mitm.web.page import Sources

LOG = "\n".join(f"2026-11-20T08:{number // 60:02}:{number % 60:02}Z INFO health check passed" for number in range(300))
SHORT = "\n".join([*LOG.splitlines()[:2], "[296 lines like these left out]", *LOG.splitlines()[-2:]])
NOT_HTML = "<img src=x onerror=document.title='broken'>"
CONVERSATION = "0123456789abcdef0123456789abcdef"


def sums(number: int) -> Sums:
    return Sums(
        requests=10 + number,
        legs=12 + number,
        retrieved=number % 3,
        measured=10 + number,
        priced=10 + number,
        fresh=1_000,
        read=400_000 + 9_000 * number,
        write_5m=50_000,
        output=9_000,
        texts_before=300_000,
        texts_after=180_000,
        paid=1.1 + 0.05 * number,
        without=1.6 + 0.06 * number,
        rounds=0.02,
    )


def report(since: str, _until: str) -> Report:
    days = {f"2026-11-{day:02}": sums(day) for day in range(1, 22)}
    total = Sums()
    for one in days.values():
        total += one
    return Report(
        since=since,
        until="2026-11-22",
        prices="2026-11-20",
        totals=total,
        by_arm={CHANGED: total},
        by_day=days,
        by_model={"claude-sonnet-4-5": sums(9), "gpt-5": sums(3), NOT_HTML: Sums(requests=4)},
        by_client={"claude-code": total},
        by_source={"system": Tokens(90_000, 90_000), "results": Tokens(300_000, 180_000), "user": Tokens(4_000, 4_000)},
        by_tool={"Bash:pytest": Tokens(120_000, 50_000), "Read": Tokens(90_000, 85_000), NOT_HTML: Tokens(9, 9)},
        by_compressor={"log_lines": Tokens(80_000, 9_000), "json_records": Tokens(60_000, 20_000)},
        holdout=Comparison(90, 11, Interval(0.1, 0.2, 0.3), Interval(0.08, 0.19, 0.31)),
    )


def conversations(limit: int) -> list[Session]:
    requests = tuple(
        Request(1.7e9 + 60 * turn, "claude-sonnet-4-5", CHANGED, 900 * turn, 500 * turn, 9_000 * turn, 40, 8_000 * turn,
                900, 300, 0.01 * turn, 0.015 * turn, 1, turn % 2, "client changed its tools" if turn == 4 else "")
        for turn in range(1, 9)
    )  # fmt: skip
    known = Session(CONVERSATION, 1.7e9, 1.7e9 + 480, "claude-sonnet-4-5", "claude-code", CHANGED, sums(8), requests)
    dear = Session("f" * 32, 1.7e9, 1.7e9, NOT_HTML, "", AUDIT, Sums(requests=2), ())
    return [known, dear][:limit]


def levels() -> Iterator[tuple[str, ...]]:
    yield "kind log_lines", "light", "40.0", "1.0", "21 %", "1,200"


def inspections() -> Inspections:
    turns = [asked(), result("c1", LOG), result("c2", "x" * 500), result("c3", NOT_HTML)]
    prompt = ANTHROPIC.read(body(list(itertools.chain.from_iterable(turns))))
    first, second, _ = prompt.segments
    known = {
        first.key: Rendering(first.key, SHORT, Digest(b"o" * 16), "log_lines/3", 1, False, 9_000, 200),
        second.key: Rendering(second.key, None, second.digest, "too little saved", 0, True, 90, 90),
    }
    held = Inspections()
    outcome = Outcome(prompt.body + b" ", prompt, True, {}, known, 9_090, 290)
    held.note(Inspected("flow-1", 1.7e9, outcome))
    held.note(Inspected("flow-2", 1.7e9, outcome, user="alice"))
    return held


def sources() -> Sources:
    state = {"version": "9.9.9", "mode": "compress", "store": "store.sqlite"}
    return Sources(lambda: state, report, conversations, levels, inspections())
