"""Hidden rounds of an answer, put back between the items of Responses where the provider has them.

Clients keep the items of all legs in a row, so ours go between them: each call before the item that came behind it, and
what the calls of a leg brought behind that leg. Words and reasoning of earlier legs go as the provider has had them.

What a client may do to its history in between is allowed for: white space, members added or dropped, reasoning dropped.
Any other difference, and its items stay as they are.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Digest, Edit, Prompt, Span, Talk, digest, digest_of_text
from headroom_mitm.wire import document
from headroom_mitm.wire import openai_responses_turn as turns
from headroom_mitm.wire.answer_names import History, Said, Unread, letters_of, names
from headroom_mitm.wire.memo import Memo
from headroom_mitm.wire.retelling import Recall, Round

_REASONING, _MESSAGE = "reasoning", "message"
_AS_IT_WAS = frozenset({_REASONING, _MESSAGE})


class Item(NamedTuple):
    """One item, by what stays the same of it in a client's history."""

    kind: str
    name: str
    """The id of a call or its output, the seal of reasoning, the letters of a message."""
    by_model: bool = False

    @property
    def call(self) -> str:
        """The id of a call that somebody else than the provider answers; else empty."""
        return self.name if self.kind.endswith("_call") else ""

    @property
    def result(self) -> str:
        """The id of the call that it brings a result of; else empty."""
        return self.name if self.kind.endswith("_output") else ""


@dataclass(frozen=True, slots=True)
class Group:
    """Items in a row that are of one kind: all of them the model's, or outputs; others are alone."""

    first: int
    items: tuple[Item, ...]

    @property
    def said(self) -> Said:
        """What they say together."""
        words = "".join(item.name for item in self.items if item.kind == _MESSAGE)
        calls = (item.call for item in self.items)
        results = (item.result for item in self.items)
        letters = digest_of_text(words) if words else None
        return Said(self.items[0].by_model, letters, tuple(filter(None, calls)), tuple(filter(None, results)))


class ResponsesHistory:
    """See ``Retelling``. Keeps a memo of items it has read."""

    def __init__(self) -> None:
        self._items = Memo(_item)

    def key(self, prompt: Prompt, rounds: Sequence[Round]) -> Digest | None:
        """Return the name of the answer: by the first call of the client, else by its words and what was asked."""
        history = [group.said for group in self._read(prompt.talk())]
        if not history or history[-1].by_model:
            return None  # the client puts the answer behind items of the model
        shown = tuple(_item(raw) for turn in rounds for n, raw in enumerate(turn.blocks) if n not in turn.hidden)
        if not shown:
            return None
        return names("openai responses", [*history, Group(0, shown).said], prompt.head, partial=True)[-1]

    def edits(self, talk: Talk, recall: Recall) -> list[Edit]:
        """Return what puts the rounds back that are known of this conversation's answers."""
        asked = names("openai responses", self._for_names(talk), talk.head, partial=True)
        found = recall([key for key in asked if key is not None])
        if not any(found.values()):
            return []
        groups = self._read(talk)
        keys = names("openai responses", [group.said for group in groups], talk.head, partial=True)
        taken = {*talk.calls, *(item.call for group in groups for item in group.items)}
        edits: list[Edit] = []
        for number, key in enumerate(keys):
            rounds = found.get(key, ()) if key is not None else ()
            ours = _asked_by_us(rounds)
            if not ours or taken.intersection(ours):
                continue  # an id may stand only once
            behind = groups[number + 1] if number + 1 < len(groups) else None
            with contextlib.suppress(UnreadableBody):
                retold = _retold(talk, groups[number], behind, rounds)
                taken.update(ours if retold else ())
                edits += retold
        return edits

    def _read(self, talk: Talk) -> list[Group]:
        items = [self._at(talk, number) for number in range(len(talk.messages))]
        groups: list[Group] = []
        for number, item in enumerate(items):
            last = groups[-1].items if groups else ()
            if last and (item.by_model or item.result) and _is_alike(last[-1], item):
                groups[-1] = Group(groups[-1].first, (*last, item))
            else:
                groups.append(Group(number, (item,)))
        return groups

    def _for_names(self, talk: Talk) -> History:
        """Return the same for ``names``, with no more read than that takes: what is not the model's is alone."""
        history: list[Said | Unread] = []
        answer: list[Item] = []
        for number, turn in enumerate(talk.turns):
            item = self._at(talk, number) if turn.by_model else None
            if item is not None and item.by_model:
                answer.append(item)
                continue
            history += [Group(0, tuple(answer)).said] if answer else []
            history.append(Unread(partial(self._outputs, talk, number)))
            answer = []
        return [*history, Group(0, tuple(answer)).said] if answer else history

    def _outputs(self, talk: Talk, last: int) -> Said:
        """Return what an item says, together with those in front of it if all are outputs."""
        items = [self._at(talk, last)]
        while items[0].result and last and (before := self._at(talk, last - 1)).result:
            items.insert(0, before)
            last -= 1
        return Group(0, tuple(items)).said

    def _at(self, talk: Talk, number: int) -> Item:
        raw = talk.body[slice(*talk.messages[number])]
        return self._items.get(digest(raw), raw)


def _is_alike(one: Item, other: Item) -> bool:
    return one.by_model == other.by_model and bool(one.result) == bool(other.result)


def _item(raw: bytes) -> Item:
    if raw.startswith(b'"'):
        return Item(_MESSAGE, letters_of(raw, document.whole(raw)))
    members = document.members(raw, document.whole(raw))
    role = document.member_string(raw, members, "role")
    kind = document.member_string(raw, members, "type") or (_MESSAGE if role else "")
    if kind == _MESSAGE:
        return Item(kind, _letters(raw, members.get("content")), role == "assistant")
    if kind == _REASONING:
        seal = document.member_string(raw, members, "encrypted_content")
        return Item(kind, seal or document.member_string(raw, members, "id"), by_model=True)
    by_model = kind.endswith("_call") or kind == "item_reference"
    return Item(kind, document.member_string(raw, members, "call_id"), by_model)


def _letters(raw: bytes, content: Span | None) -> str:
    if content is None or not document.is_list(raw, content):
        return letters_of(raw, content)
    parts = (document.members(raw, place) for place in document.items(raw, content))
    return "".join(letters_of(raw, part.get("text") or part.get("refusal")) for part in parts)


def _asked_by_us(rounds: Sequence[Round]) -> list[str]:
    """Return the ids of our calls; none where the rounds cannot be told.

    Each call has its result, no id stands twice, and every leg but the last calls us and nobody else.
    """
    ours: list[str] = []
    for turn in rounds:
        items = [_item(raw) for raw in turn.blocks]
        asked = [items[number].call for number in turn.hidden]
        calls_others = any(item.call for number, item in enumerate(items) if number not in turn.hidden)
        if [_item(raw).result for raw in turn.results] != asked or not all(asked):
            return []
        if turn is not rounds[-1] and (calls_others or not asked):
            return []
        ours += asked
    return ours if len(ours) == len(set(ours)) else []


def _retold(talk: Talk, group: Group, behind: Group | None, rounds: Sequence[Round]) -> list[Edit]:
    """Return the edits for the items of one answer, and for the outputs behind them."""
    pairs = _paired(rounds, group.items)
    if pairs is None:
        return []
    spans = talk.messages[group.first : group.first + len(group.items)]
    *earlier, last = zip(rounds, pairs, strict=True)
    edits: list[Edit] = []
    at = 0  # of the next of the client's items
    for turn, own in earlier:
        edits += _inserted(turn, own, spans, at)
        edits += [
            Edit(spans[place], raw)
            for raw, place in zip(turn.blocks, own, strict=True)
            if place is not None and group.items[place].kind in _AS_IT_WAS and turns.Item(raw).sent_back() is not None
        ]
        at = max([at, *(place + 1 for place in own if place is not None)])
        edits.append(_put(turn.results, spans, at))
    results = behind.said.results if behind is not None else ()
    if last[0].hidden and behind is not None and set(results).intersection(item.call for item in group.items):
        edits += _inserted(*last, spans, at)
        first = talk.messages[behind.first].start
        edits.append(Edit(Span(first, first), b"".join(raw + b"," for raw in last[0].results)))
    return edits


def _paired(rounds: Sequence[Round], theirs: Sequence[Item]) -> list[list[int | None]] | None:
    """Return for each item of each leg the number of the client's one; None for hidden ones and for dropped reasoning.

    None in all if something else is missing, or there is more.
    """
    at = 0
    pairs: list[list[int | None]] = []
    for turn in rounds:
        pairs.append([])
        for number, raw in enumerate(turn.blocks):
            item = _item(raw)
            is_there = number not in turn.hidden and at < len(theirs) and theirs[at] == item
            if not (is_there or number in turn.hidden or item.kind == _REASONING):
                return None
            pairs[-1].append(at if is_there else None)
            at += is_there
    return pairs if at == len(theirs) else None


def _inserted(turn: Round, own: Sequence[int | None], spans: Sequence[Span], at: int) -> Iterator[Edit]:
    """Yield the edits that put our calls before what came behind them.

    Where the client has dropped reasoning they go without their ids: by these the provider knows what belongs to it.
    """
    shown = [place for number, place in enumerate(own) if number not in turn.hidden]
    for number in turn.hidden:
        raw = turn.blocks[number]
        if None in shown:
            raw = turns.without_member(raw, document.members(raw, document.whole(raw)), "id")
        behind = next((place for place in own[number:] if place is not None), None)
        past = max([at, *(place + 1 for place in own[:number] if place is not None)])
        yield _put([raw], spans, past if behind is None else behind)


def _put(raws: Sequence[bytes], spans: Sequence[Span], at: int) -> Edit:
    """Return the edit that puts items before one of the client's, or behind the last."""
    if at < len(spans):
        return Edit(Span(spans[at].start, spans[at].start), b"".join(raw + b"," for raw in raws))
    return Edit(Span(spans[-1].end, spans[-1].end), b"".join(b"," + raw for raw in raws))
