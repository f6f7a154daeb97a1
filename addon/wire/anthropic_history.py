"""Hidden rounds of an answer, put back into the messages of Anthropic's API where the provider has them.

A client keeps one message for all legs of an answer. It is taken apart again: earlier legs and what our calls in them
brought go in front of it, in the bytes that the provider has had; the last leg is the client's message itself. Where
the client was called beside us, our call goes back among its calls, and what it brought among its results.

What a client may do to its history in between is allowed for: white space, the order of members, members added or
dropped, thinking dropped, markers moved. Any other difference, and its message stays as it is, which is valid too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from headroom_mitm.segments import Digest, Edit, Prompt, Span, Talk, digest, digest_of_text
from headroom_mitm.wire import document
from headroom_mitm.wire.answer_names import Said, letters_of, names, read_for_names
from headroom_mitm.wire.anthropic_breakpoint import marked, marker_on
from headroom_mitm.wire.anthropic_turn import messages_of
from headroom_mitm.wire.memo import Memo
from headroom_mitm.wire.retelling import Recall, Round

_THINKING = {"thinking": "signature", "redacted_thinking": "data"}
_NAMED_BY = {"tool_use": "id", "tool_result": "tool_use_id", **_THINKING}


class Block(NamedTuple):
    """One block, by what stays the same of it in a client's history."""

    kind: str
    name: str
    """Its id or signature; of a text the digest of its letters, of other blocks nothing."""
    span: Span
    marker: bytes = b""

    def is_same(self, other: "Block") -> bool:
        """Say whether the provider would take one for the other."""
        return (self.kind, self.name) == (other.kind, other.name)

    def shifted(self, by: int) -> "Block":
        """Return the same block in a body in which its text stands ``by`` bytes later."""
        return self._replace(span=self.span.shifted(by))


@dataclass(frozen=True, slots=True)
class Message:
    """One message. Blank texts do not count: clients drop them, and the provider refuses them."""

    role: str
    blocks: tuple[Block, ...]
    letters: Digest | None
    """Of all texts in it, without white space; None where there is none."""

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the ids in blocks of a kind."""
        return tuple(block.name for block in self.blocks if block.kind == kind)


class AnthropicHistory:
    """See ``Retelling``. Keeps a memo of messages it has read."""

    def __init__(self) -> None:
        self._messages = Memo(_message)

    def key(self, prompt: Prompt, rounds: Sequence[Round]) -> Digest | None:
        """Return the name of the answer: by the first call of the client, else by its words and what was asked."""
        messages = self._read(prompt.talk())
        if not messages or messages[-1].role == "assistant":
            return None  # the client puts the answer behind words of its own
        shown = b",".join(raw for turn in rounds for n, raw in enumerate(turn.blocks) if n not in turn.hidden)
        said = _message(b'{"role":"assistant","content":[%s]}' % shown)
        return names("anthropic", list(map(_said, [*messages, said])), prompt.head)[-1]

    def edits(self, talk: Talk, recall: Recall) -> list[Edit]:
        """Return what puts the rounds back that are known of this conversation's answers."""
        history = read_for_names(talk, lambda number: _said(self._at(talk, number)), by_calls=True)
        keys = names("anthropic", history, talk.head)
        found = recall([key for key in keys if key is not None])
        if not any(found.values()):
            return []
        messages = self._read(talk)
        taken = set(talk.calls)
        edits: list[Edit] = []
        for number, key in enumerate(keys):
            rounds = found.get(key, ()) if key is not None else ()
            ours = _asked_by_us(rounds)
            if not ours or taken.intersection(ours):
                continue  # an id may stand only once
            retold = _retold(talk, messages, number, rounds)
            taken.update(ours if retold else ())
            edits += retold
        return edits

    def _read(self, talk: Talk) -> list[Message]:
        return [self._at(talk, number) for number in range(len(talk.messages))]

    def _at(self, talk: Talk, number: int) -> Message:
        raw = talk.body[slice(*talk.messages[number])]
        return self._messages.get(digest(raw), raw)


def _asked_by_us(rounds: Sequence[Round]) -> list[str]:
    """Return the ids of our calls; none where the rounds cannot be told.

    Each call has its result, no id stands twice, and every leg but the last calls us and nobody else.
    """
    ours: list[str] = []
    for turn in rounds:
        blocks = [_block(raw) for raw in turn.blocks]
        calls = [number for number, block in enumerate(blocks) if block.kind == "tool_use"]
        asked = [blocks[number].name for number in turn.hidden]
        is_last = turn is rounds[-1]
        if [_block(raw).name for raw in turn.results] != asked or not (is_last or (asked and calls == [*turn.hidden])):
            return []
        ours += asked
    return ours if len(ours) == len(set(ours)) else []


def _retold(talk: Talk, messages: Sequence[Message], number: int, rounds: Sequence[Round]) -> list[Edit]:
    """Return the edits for one message of the model, and for the results behind it."""
    spans, said = talk.messages, messages[number]
    place = spans[number]
    pairs = _paired(rounds, [block.shifted(place.start) for block in said.blocks])
    if pairs is None:
        return []
    *earlier, last = zip(rounds, pairs, strict=True)
    own = [block for block in last[1] if block is not None]
    if not own:
        return []  # nothing of the last leg is left, and a message may not be empty
    edits: list[Edit] = []
    if earlier:
        legs = (messages_of(_sent(turn, blocks), turn.results) + b"," for turn, blocks in earlier)
        edits.append(Edit(Span(place.start, place.start), b"".join(legs)))
        begin = said.blocks[0].span.start + place.start
        edits += [Edit(Span(begin, own[0].span.start), b"")] if begin < own[0].span.start else []
    behind = next((n for n in range(number + 1, len(messages)) if messages[n].role != "system"), None)
    if last[0].hidden and behind is not None:
        calls = said.names("tool_use")
        results = [block for block in messages[behind].blocks if block.kind == "tool_result" and block.name in calls]
        if results:
            at = spans[behind].start + results[0].span.start
            edits += _calls_put_back(*last)
            edits.append(Edit(Span(at, at), b"".join(raw + b"," for raw in last[0].results)))
    return edits


def _paired(rounds: Sequence[Round], theirs: Sequence[Block]) -> list[list[Block | None]] | None:
    """Return for each block of each leg the client's one; None for hidden ones and for thinking that it has dropped.

    None in all if something else is missing, or there is more.
    """
    rest = list(reversed(theirs))
    pairs: list[list[Block | None]] = []
    for turn in rounds:
        pairs.append([])
        for number, raw in enumerate(turn.blocks):
            block = _block(raw)
            is_there = number not in turn.hidden and bool(rest) and rest[-1].is_same(block)
            if not (is_there or number in turn.hidden or block.kind in _THINKING):
                return None
            pairs[-1].append(rest.pop() if is_there else None)
    return None if rest else pairs


def _sent(turn: Round, theirs: Sequence[Block | None]) -> Iterator[bytes]:
    """Yield an earlier leg's blocks in the provider's bytes, with the markers that are on the client's."""
    for number, (raw, own) in enumerate(zip(turn.blocks, theirs, strict=True)):
        if own is not None:
            yield marked(raw, own.marker)
        elif number in turn.hidden:
            yield raw


def _calls_put_back(turn: Round, theirs: Sequence[Block | None]) -> Iterator[Edit]:
    """Yield the edits that put our calls between the client's blocks, each before the one that came behind it."""
    for number in turn.hidden:
        behind = next((own.span.start for own in theirs[number:] if own is not None), None)
        if behind is not None:
            yield Edit(Span(behind, behind), turn.blocks[number] + b",")
        else:
            end = max(own.span.end for own in theirs if own is not None)
            yield Edit(Span(end, end), b"," + turn.blocks[number])


def _said(one: Message) -> Said:
    return Said(one.role == "assistant", one.letters, one.names("tool_use"), one.names("tool_result"))


def _message(raw: bytes) -> Message:
    found = document.members(raw, document.whole(raw))
    role, content = document.member_string(raw, found, "role"), found.get("content")
    if content is None:
        return Message(role, (), None)
    if document.is_string(raw, content):
        blocks = [(Block("text", "", content), letters_of(raw, content))]
    else:
        blocks = [_lettered(raw, place) for place in document.items(raw, content)]
    words = "".join(letters for block, letters in blocks if block.kind == "text")
    shown = (
        block._replace(name=digest_of_text(letters).hex()) if block.kind == "text" else block
        for block, letters in blocks
        if block.kind != "text" or letters
    )
    return Message(role, tuple(shown), digest_of_text(words) if words else None)


def _block(raw: bytes) -> Block:
    """Return a block that stands alone."""
    block, letters = _lettered(raw, document.whole(raw))
    return block._replace(name=digest_of_text(letters).hex()) if block.kind == "text" else block


def _lettered(raw: bytes, place: Span) -> tuple[Block, str]:
    """Return a block, and if it is a text its letters."""
    found = document.members(raw, place)
    kind = document.member_string(raw, found, "type")
    name = document.member_string(raw, found, _NAMED_BY.get(kind, "id"))
    letters = letters_of(raw, found.get("text")) if kind == "text" else ""
    return Block(kind, name, place, marker_on(raw, found)), letters
