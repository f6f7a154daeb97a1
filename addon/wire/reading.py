"""The messages of a body, read one after the other: results find their calls, and what was read once can be read on.

Everything here is the same whether messages were read at once or some of them with an earlier body.
"""

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from headroom_mitm.segments import Call, Digest, Known, Layout, Reading, Role, Segment, Span, digest
from headroom_mitm.wire.turn import Result, Turn


@dataclass(frozen=True, slots=True)
class State:
    """What of the messages so far decides to which call a later result belongs."""

    waiting: tuple[Call, ...] = ()
    """Calls of the model's last answer that have no result yet."""
    answered: bool = False
    """The last answer's results have begun, so the next call is that of a new one."""
    command: Call | None = None
    """In the words of the model's last message."""
    past: tuple[int, Digest] = (0, digest())
    """A digest of the first so many messages; as few as anybody has asked for yet."""


class Stop(NamedTuple):
    """A place behind a message of the model: what was read up to there holds whatever comes."""

    messages: int
    segments: int
    calls: int
    state: State


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """The first messages of a body."""

    spans: tuple[Span, ...] = ()
    keys: tuple[Digest, ...] = ()
    turns: tuple[Turn, ...] = ()
    layouts: tuple[Layout, ...] = ()
    segments: tuple[Segment, ...] = ()
    calls: tuple[Call, ...] = ()
    """In the order in which they became known; where an id stands twice, the later one holds."""
    by_id: Mapping[str, Call] = field(default_factory=dict)
    """The same, by the ids by which results name them."""
    stops: tuple[Stop, ...] = ()
    ends: tuple[int, ...] = ()
    """Where the messages behind the stops begin."""
    named: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """Messages that declare tools, and which."""
    state: State = field(default_factory=State)
    totals: tuple[int, ...] = (0,)
    """See ``Blocks``; so is the next."""
    marked: tuple[tuple[int, int, str], ...] = ()
    first_id: int | None = None
    """Number of the first message with a call that has an id."""
    reading: Reading = field(default_factory=Reading)

    @property
    def count(self) -> int:
        """Of messages."""
        return len(self.spans)

    @property
    def first_answer(self) -> int | None:
        """Number of the model's first message."""
        if self.stops:
            return self.stops[0].messages - 1
        return self.count - 1 if self.turns and self.turns[-1].by_model else None

    def known(self, count: int) -> Known:
        """Return what is known up to one of the stops, the first being number 1."""
        stop = self.stops[count - 1]
        turn = self._turn_before(stop.messages)
        answers = bisect_right(self.stops, turn, key=lambda stop: stop.messages)
        return Known(self.reading, stop.messages, stop.segments, turn, answers)

    def _turn_before(self, end: int) -> int:
        """Return where the last turn of the user's begins that is followed by a call with an id; 0 for none.

        A call without one will do where the format has no ids at all.
        """
        called = next((n for n in range(end - 1, -1, -1) if self.turns[n].by_model and self.turns[n].calls), 0)
        has_id = any(call.id for call in self.turns[called].calls)
        if not has_id and self.first_id is not None and self.first_id < end:
            return 0
        start = called
        while start and self.turns[start - 1].by_model:
            start -= 1
        while start and not self.turns[start - 1].by_model:
            start -= 1
        return start

    def until(self, count: int) -> "Read":
        """Return what was read up to one of the stops, the first being number 1."""
        messages, segments, calls, state = self.stops[count - 1]
        return Read(
            self.spans[:messages],
            self.keys[:messages],
            self.turns[:messages],
            self.layouts[:messages],
            self.segments[:segments],
            self.calls[:calls],
            self.by_id if calls == len(self.calls) else {call.id: call for call in self.calls[:calls]},
            self.stops[:count],
            self.ends[:count],
            tuple(entry for entry in self.named if entry[0] < messages),
            state,
            self.totals[: messages + 1],
            tuple(mark for mark in self.marked if mark[0] < messages),
            self.first_id if self.first_id is not None and self.first_id < messages else None,
        )

    def shifted(self, by: int) -> "Read":
        """Return the same in a body in which all of it stands ``by`` bytes later."""
        if not by:
            return self
        return replace(
            self,
            spans=tuple(span.shifted(by) for span in self.spans),
            segments=tuple(segment.shifted(by) for segment in self.segments),
            ends=tuple(end + by for end in self.ends),
        )

    def extended(self, spans: Sequence[Span], keys: Sequence[Digest], turns: Sequence[Turn]) -> "Read":
        """Return what was read with these messages behind it. Before them there is none, or one of the model's."""
        known = self.count
        pairing = _Pairing(self, keys)
        last = max((number for number, turn in enumerate(turns) if turn.by_model), default=-1)
        # Of what is known only references are copied, and once: of a long conversation there are thousands.
        segments: list[Segment] = []
        stops: list[Stop] = []
        ends: list[int] = []
        for number, (span, turn) in enumerate(zip(spans, turns, strict=True)):
            if number and turns[number - 1].by_model:
                stop = Stop(known + number, len(self.segments) + len(segments), pairing.count, pairing.state)
                stops.append(stop)
                ends.append(span.start)
            ids = pairing.ids(known + number, turn)
            segments += _segments(turn, span.start, ids, newest=number > last)
        layouts = [turn.layout or Layout(by_model=turn.by_model) for turn in turns]
        totals = itertools.accumulate((layout.blocks for layout in layouts), initial=self.totals[-1])
        first_id = next((n for n, turn in enumerate(turns, known) if any(call.id for call in turn.calls)), None)
        return Read(
            self.spans + tuple(spans),
            self.keys + tuple(keys),
            self.turns + tuple(turns),
            self.layouts + tuple(layouts),
            self.segments + tuple(segments),
            self.calls + tuple(pairing.made),
            pairing.calls,
            self.stops + tuple(stops),
            self.ends + tuple(ends),
            (*self.named, *((known + n, turn.tool_names) for n, turn in enumerate(turns) if turn.tool_names)),
            pairing.state,
            self.totals + tuple(itertools.islice(totals, 1, None)),
            (*self.marked, *((n, *mark) for n, layout in enumerate(layouts, known) for mark in layout.marks)),
            first_id if self.first_id is None else self.first_id,
        )


NOTHING = Read()


class _Pairing:
    """Finds the calls of results, message by message.

    A result without an id belongs to the first call of its name in the model's answer before it that has no result
    yet. If the call has no id either, one is made from all that stands before it: history only grows, so it stays.
    """

    def __init__(self, read: Read, keys: Sequence[Digest]) -> None:
        self.made: list[Call] = []
        self.calls = dict(read.by_id)
        self._before_these = len(read.calls)
        self._waiting = list(read.state.waiting)
        self._answered = read.state.answered
        self._command = read.state.command
        self._past = read.state.past
        self._known, self._keys = read.keys, keys

    @property
    def count(self) -> int:
        """Of all calls that are known."""
        return self._before_these + len(self.made)

    @property
    def state(self) -> State:
        """What decides from here on."""
        return State(tuple(self._waiting), self._answered, self._command, self._past)

    def ids(self, number: int, turn: Turn) -> Sequence[str]:
        """Return the ids under which a message's results go; an empty one if it is no result after all."""
        if turn.by_model:
            self._command = turn.command
            self._know([] if turn.command is None else [turn.command])
        if turn.calls:
            self._waiting = [*([] if self._answered else self._waiting), *turn.calls]
            self._answered = False
            self._know(call for call in turn.calls if call.id)
        if not turn.results:
            return ()
        self._answered = True
        if all(result.call_id in self.calls for result in turn.results):
            return [result.call_id for result in turn.results]
        # Only where it is needed: it costs a look at all that stands before.
        made = "" if all(result.is_said for result in turn.results) else self._before(number).hex()
        said = self._command.id if self._command is not None else ""
        return [
            said if result.is_said else self._adopted(result, f"{made}-{ordinal}")
            for ordinal, result in enumerate(turn.results)
        ]

    def _adopted(self, result: Result, made: str) -> str:
        """Return the id of a result, its own if it has one, and make its call known under that id."""
        call = next((call for call in self._waiting if call.id and call.id == result.call_id), None)
        call = call or next((call for call in self._waiting if call.name == result.name), None)
        if call is not None:
            self._waiting.remove(call)
        call_id = result.call_id or (call.id if call else "") or made
        if call_id not in self.calls and (call is not None or result.name):
            self._know([Call(call_id, call.name, call.subject) if call is not None else Call(call_id, result.name)])
        return call_id

    def _know(self, calls: Iterable[Call]) -> None:
        for call in calls:
            self.made.append(call)
            self.calls[call.id] = call

    def _before(self, number: int) -> Digest:
        """Return a digest of all messages before one that is not before the one asked for last."""
        reached, past = self._past
        known = len(self._known)
        for key in (*self._known[reached:], *self._keys[max(0, reached - known) : number - known]):
            past = digest(past, key)
        self._past = number, past
        return past


def _segments(turn: Turn, by: int, ids: Sequence[str], *, newest: bool) -> Iterator[Segment]:
    """Yield the texts of a message's results; the message stands at byte ``by``."""
    for call_id, result in zip(ids, turn.results, strict=True):
        role = Role.USER if result.is_said else Role.TOOL
        for one in result.texts if call_id or not result.is_said else ():
            yield Segment(one.span.shifted(by), role, call_id, one.part, one.digest, one.size, one.is_error, newest)
