"""Adds up what was reckoned of single requests."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath

from headroom_mitm import families, prices, tokens
from headroom_mitm.audit.findings import MONTH, Day, Findings, Front, Measure, Miss, Spent, grown, largest
from headroom_mitm.audit.measuring import Measured
from headroom_mitm.conversation import Conversation
from headroom_mitm.ledger_figures import Sums, Tokens
from headroom_mitm.prices import provider_of
from headroom_mitm.segments import Call, Digest, Rendering, Segment, digest

_DAY = 86_400.0
_MOST = 12
_AS_IT_IS = "as they are"


class Adding:
    """Takes requests one by one; ``findings`` may be asked for at any time."""

    def __init__(self) -> None:
        self._sums = Sums()
        self._by_model: dict[str, Sums] = {}
        self._by_client: dict[str, Sums] = {}
        self._by_source: dict[str, Tokens] = {}
        self._tools: dict[str, Spent] = {}
        self._kinds: dict[str, Spent] = {}
        self._places: dict[str, Spent] = {}
        self._repeats: Spent | None = None
        self._misses: dict[str, Miss] = {}
        self._fronts: dict[tuple[str, str], Front] = {}
        self._days: dict[str, Day] = {}
        self._unpriced: dict[str, int] = {}
        self._texts: dict[Digest, _Texts] = {}
        self._begun: dict[Digest, set[Digest]] = {}
        self._money = [0.0, 0.0, 0.0, 0.0]  # as it was; less by lossless forms, by leaving out, by markers
        self._tokens = [0, 0]
        self._simulated = 0
        self._first, self._last = float("inf"), 0.0

    def add(self, one: Measured) -> None:
        """Take the next request."""
        asked, made = one.asked, one.entry
        self._sums += made.sums
        self._by_model[asked.model] = self._by_model.get(asked.model, Sums()) + made.sums
        self._by_client[asked.client] = self._by_client.get(asked.client, Sums()) + made.sums
        for name, held in made.sources.items():
            known = self._by_source.get(name, Tokens())
            self._by_source[name] = Tokens(known.before + held.before, known.after + held.after)
        self._simulated += one.is_simulated
        self._first, self._last = min(self._first, asked.at), max(self._last, asked.at)
        self._add_texts(one)
        self._add_money(one)
        if one.miss:
            self._add_miss(one)
        for found in one.fronts:
            kind, place = found.change.kind, found.change.place
            before = self._fronts.get((kind, place), Front(kind, place, 0, 0, found.change.advice))
            self._fronts[kind, place] = replace(
                before, conversations=before.conversations + 1, tokens=before.tokens + found.tokens
            )

    def findings(self, files: int, failed: Iterable[str]) -> Findings:
        """Return what is known so far."""
        days = max(1.0, (self._last - self._first) / _DAY) if self._last else 1.0
        return Findings(
            files=files,
            requests=self._sums.requests,
            conversations=sum(max(1, len(names)) for names in self._begun.values()),
            since=_day(self._first) if self._last else "",
            until=_day(self._last) if self._last else "",
            days=days,
            prices=prices.date(),
            sums=self._sums,
            per_month=self._money[0] / days * MONTH,
            simulated=self._simulated,
            unpriced=self._unpriced,
            by_source=dict(sorted(self._by_source.items(), key=lambda item: -item[1].before)),
            by_model=self._by_model,
            by_client=self._by_client,
            tools=largest(self._tools, _MOST),
            kinds=largest(self._kinds, _MOST),
            places=largest(self._places, _MOST),
            repeats=self._repeats or Spent("repeats", 0, 0),
            misses=tuple(sorted(self._misses.values(), key=lambda miss: -miss.dollars)),
            fronts=tuple(sorted(self._fronts.values(), key=lambda front: -front.tokens)),
            measures=tuple(self._measures(days)),
            by_day=tuple(self._days[day] for day in sorted(self._days)),
            failed=tuple(failed),
        )

    def _add_texts(self, one: Measured) -> None:
        """Count the texts of tool results, each as often as it was sent."""
        prompt = one.default.prompt
        texts = self._texts.setdefault(self._conversation(one), _Texts())
        for segment in prompt.segments:
            call = prompt.calls.get(segment.call_id)
            lossless, default = one.lossless.known.get(segment.key), one.default.known.get(segment.key)
            before, after = _sizes(segment, default)
            self._tokens[0] += before - _sizes(segment, lossless)[1]
            self._tokens[1] += before - after
            is_new, is_repeat = texts.met(segment)
            name = families.family(call) if call is not None and call.name else "other"
            self._tools[name] = grown(self._tools.get(name), name, before, after, is_new)
            kind = default.compressor.partition("/")[0] if default is not None and not default.is_raw else _AS_IT_IS
            self._kinds[kind] = grown(self._kinds.get(kind), kind, before, after, is_new)
            if place := _place(call):
                self._places[place] = grown(self._places.get(place), place, before, after, is_new)
            if is_repeat:
                self._repeats = grown(self._repeats, "repeats", before, after, is_new)

    def _conversation(self, one: Measured) -> Digest:
        """Return what a conversation is known by; several may begin alike."""
        known = Conversation.of(one.default.prompt)
        thread = one.recording.thread
        names = self._begun.setdefault(digest(known.beginning, thread), set())
        if known.name is None:
            return digest(known.beginning, thread)
        names.add(known.name)
        return digest(known.name, thread)

    def _add_money(self, one: Measured) -> None:
        if one.spent is None:
            self._unpriced[one.asked.model] = self._unpriced.get(one.asked.model, 0) + 1
            return
        lossless = one.spent - one.with_lossless
        beyond = one.with_lossless - one.with_default
        markers = one.with_default - one.with_markers
        for number, amount in enumerate((one.spent, lossless, beyond, markers)):
            self._money[number] += amount
        day = self._days.get(one.asked.day, Day(one.asked.day, 0, 0.0, 0.0))
        saved = day.saved + lossless + beyond + markers
        self._days[one.asked.day] = Day(day.day, day.requests + 1, day.dollars + one.spent, saved)

    def _add_miss(self, one: Measured) -> None:
        known = self._misses.get(one.miss, Miss(one.miss, 0, 0, 0.0))
        dollars = 0.0
        found = prices.rates(provider_of(one.recording.host, one.asked.model), one.asked.model, one.asked.day)
        first = one.entry.first
        if found is not None and first is not None and one.spent is not None:
            written = found.write_5m if first.write_5m or first.write_1h else found.fresh
            dollars = one.missed * max(0.0, written - found.read) / 1_000_000
        self._misses[one.miss] = Miss(one.miss, known.requests + 1, known.tokens + one.missed, known.dollars + dollars)

    def _measures(self, days: float) -> Iterable[Measure]:
        lossless, default = self._tokens
        rows = (
            ("lossless forms", "headroom_mode=lossless: nothing is left out", lossless, self._money[1]),
            (
                "leaving out",
                "headroom_mode=compress, lightly, less the tool to ask",
                default - lossless,
                self._money[2],
            ),
            ("cache markers", "where the client sets none", 0, self._money[3]),
        )
        for name, about, saved, dollars in rows:
            yield Measure(name, about, saved, dollars, dollars / days * MONTH)


class _Texts:
    """What was met in one conversation."""

    def __init__(self) -> None:
        self._calls: dict[bytes, str] = {}
        self._keys: set[bytes] = set()

    def met(self, segment: Segment) -> tuple[int, bool]:
        """Return 1 for a text that is sent for the first time, and whether another call has brought it before."""
        is_new = segment.key not in self._keys
        self._keys.add(segment.key)
        first = self._calls.setdefault(segment.digest, segment.call_id)
        return int(is_new), first != segment.call_id


def _sizes(segment: Segment, rendering: Rendering | None) -> tuple[int, int]:
    if rendering is None:
        size = tokens.estimate(segment.size)
        return size, size
    return rendering.tokens_before, rendering.tokens_after


def _place(call: Call | None) -> str:
    """Return the file or address that a call was about; empty where its subject is none, such as a command."""
    subject = call.subject.strip() if call is not None else ""
    if not subject or " " in subject or "\n" in subject:
        return ""
    return subject if "/" in subject or PurePath(subject).suffix else ""


def _day(at: float) -> str:
    return str(datetime.fromtimestamp(at, UTC).date())
