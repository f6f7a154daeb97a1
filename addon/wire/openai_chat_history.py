"""Hidden rounds of an answer, put back into the messages of chat completions where the server has them.

A client keeps one message for all legs of an answer. Earlier legs and what our calls in them brought go in front of it
as the server has had them, and the words of the last leg stay in it. Where the client was called beside us, our call
goes back among its calls, and what it brought before its results.

What a client may do to its history in between is allowed for: white space, members added or dropped, reasoning dropped.
Any other difference, and its message stays as it is, which is valid too.
"""

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Digest, Edit, Prompt, Span, Talk, digest, digest_of_text
from headroom_mitm.wire import document, raw_object
from headroom_mitm.wire.answer_names import Said, letters_of, names, read_for_names
from headroom_mitm.wire.memo import Memo
from headroom_mitm.wire.openai_chat_turn import messages_of
from headroom_mitm.wire.retelling import Recall, Round

_REASONING = "reasoning"  # what the members begin with that a client may drop

Found = dict[str, Span]


class ChatHistory:
    """See ``Retelling``. Keeps a memo of messages it has read."""

    def __init__(self) -> None:
        self._said = Memo(_said)

    def key(self, prompt: Prompt, rounds: Sequence[Round]) -> Digest | None:
        """Return the name of the answer: by the first call of the client, else by its words and what was asked."""
        history = self._read(prompt.talk())
        if not history or history[-1].by_model:
            return None  # the client puts the answer behind words of its own
        calls = tuple(_id(raw) for turn in rounds for n, raw in enumerate(turn.blocks) if n and n not in turn.hidden)
        words = "".join(map(_words, rounds))
        answer = Said(by_model=True, letters=digest_of_text(words) if words else None, calls=calls)
        return names("openai chat", [*history, answer], prompt.head)[-1]

    def edits(self, talk: Talk, recall: Recall) -> list[Edit]:
        """Return what puts the rounds back that are known of this conversation's answers."""
        history = read_for_names(talk, lambda number: self._in_row(talk, number), by_calls=True)
        keys = names("openai chat", history, talk.head)
        found = recall([key for key in keys if key is not None])
        if not any(found.values()):
            return []
        history = self._read(talk)
        taken = {*talk.calls, *(call_id for said in history for call_id in said.calls)}
        edits: list[Edit] = []
        for number, key in enumerate(keys):
            rounds = found.get(key, ()) if key is not None else ()
            ours = _asked_by_us(rounds)
            if not ours or taken.intersection(ours):
                continue  # an id may stand only once
            with contextlib.suppress(UnreadableBody):
                retold = _retold(talk, history, number, rounds)
                taken.update(ours if retold else ())
                edits += retold
        return edits

    def _read(self, talk: Talk) -> list[Said]:
        """Return the messages; one of several results in a row says what those before it bring, too."""
        history: list[Said] = []
        for number in range(len(talk.messages)):
            said = self._at(talk, number)
            if said.results and history and history[-1].results:
                said = dataclasses.replace(said, results=(*history[-1].results, *said.results))
            history.append(said)
        return history

    def _in_row(self, talk: Talk, number: int) -> Said:
        """Return one message as ``_read`` does."""
        said = last = self._at(talk, number)
        while number and last.results and (last := self._at(talk, number - 1)).results:
            said = dataclasses.replace(said, results=(*last.results, *said.results))
            number -= 1
        return said

    def _at(self, talk: Talk, number: int) -> Said:
        raw = talk.body[slice(*talk.messages[number])]
        return self._said.get(digest(raw), raw)


def _said(raw: bytes) -> Said:
    message = document.members(raw, document.whole(raw))
    role = document.member_string(raw, message, "role")
    # A result goes by its call's id, so its words do not matter.
    result = document.member_string(raw, message, "tool_call_id") if role == "tool" else ""
    words = "" if result else _letters(raw, message.get("content")) or ""
    calls = tuple(document.member_string(raw, document.members(raw, place), "id") for place in _calls(raw, message))
    letters = digest_of_text(words) if words else None
    return Said(role == "assistant", letters, tuple(filter(None, calls)), (result,) if result else ())


def _asked_by_us(rounds: Sequence[Round]) -> list[str]:
    """Return the ids of our calls; none where the rounds cannot be told.

    Each call has its result, no id stands twice, and every leg but the last calls us and nobody else.
    """
    ours: list[str] = []
    for turn in rounds:
        asked = [_id(turn.blocks[number]) for number in turn.hidden]
        brought = [document.member_string(raw, _members(raw), "tool_call_id") for raw in turn.results]
        is_last, all_ours = turn is rounds[-1], len(asked) == len(turn.blocks) - 1
        if brought != asked or not all(asked) or not (is_last or (asked and all_ours)):
            return []
        ours += asked
    return ours if len(ours) == len(set(ours)) else []


def _retold(talk: Talk, history: Sequence[Said], number: int, rounds: Sequence[Round]) -> list[Edit]:
    """Return the edits for one message of the model, and for the results behind it."""
    body, place = talk.body, talk.messages[number]
    message = document.members(body, place)
    *earlier, last = rounds
    calls = _calls(body, message)
    own = [_id(raw) for n, raw in enumerate(last.blocks) if n and n not in last.hidden]
    if [_id(body[slice(*call)]) for call in calls] != own:
        return []
    if not (own or _words(last)):
        return []  # nothing of the last leg is left, and a message may not be empty
    cut = _cut(body, message, rounds)
    if cut is None:
        return []
    edits: list[Edit] = []
    if earlier:
        keeps_reasoning = any(name.startswith(_REASONING) for name in message)
        legs = (messages_of(turn if keeps_reasoning else _without_reasoning(turn)) + b"," for turn in earlier)
        edits = [Edit(Span(place.start, place.start), b"".join(legs)), *cut]
    behind = history[number + 1] if number + 1 < len(history) else Said()
    if last.hidden and calls and set(behind.results).intersection(own):
        at = talk.messages[number + 1].start
        edits += _calls_put_back(last, calls)
        edits.append(Edit(Span(at, at), b"".join(raw + b"," for raw in last.results)))
    return edits


def _cut(body: bytes, message: Found, rounds: Sequence[Round]) -> list[Edit] | None:
    """Return the edits that leave the last leg alone in a message; None where it does not say what all legs say."""
    said = [raw_object.of(turn.blocks[0]) for turn in rounds]
    edits: list[Edit] = []
    for name in ("content", *(name for name in message if name.startswith(_REASONING))):
        parts = [one.get(name, b"null") for one in said]
        place = message.get(name)
        theirs = None if place is None else _meant(body[slice(*place)])
        if theirs != _joined(parts):
            return None
        if place is not None and theirs != _meant(parts[-1]):
            # Some servers refuse a message without a member that they know, even an empty one.
            nothing = b"null" if name == "content" else b'""' if document.is_string(body, place) else b"[]"
            edits.append(Edit(place, nothing if parts[-1] == b"null" else parts[-1]))
    return edits


def _meant(raw: bytes) -> Any:
    """Return what a member says: the letters of a text, the items of a list without their numbers, else nothing."""
    if raw.startswith(b'"'):
        return letters_of(raw, document.whole(raw)) or None
    if not raw.startswith(b"["):
        return None
    text = _letters(raw, document.whole(raw))
    if text is not None:
        return text or None
    return [{k: v for k, v in item.items() if k != "index"} if isinstance(item, dict) else item for item in _items(raw)]


def _joined(parts: Sequence[bytes]) -> Any:
    meant = [one for one in map(_meant, parts) if one]
    if not meant:
        return None
    whole = meant[0]
    for one in meant[1:]:
        if type(one) is not type(whole):
            raise UnreadableBody("members of two kinds")
        whole = whole + one
    return whole


def _items(raw: bytes) -> list[Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UnreadableBody(str(error)) from None
    return value if isinstance(value, list) else []


def _letters(raw: bytes, content: Span | None) -> str | None:
    """Return the letters of a content, a string or parts that are all texts and nothing else; None for others."""
    if content is None or document.is_string(raw, content):
        return letters_of(raw, content)
    if not document.is_list(raw, content):
        return ""
    parts = [document.members(raw, place) for place in document.items(raw, content)]
    if any(part.keys() != {"type", "text"} for part in parts):
        return None
    return "".join(letters_of(raw, part["text"]) for part in parts)


def _words(turn: Round) -> str:
    spoken = turn.blocks[0]
    return _letters(spoken, _members(spoken).get("content")) or ""


def _without_reasoning(turn: Round) -> Round:
    """Return a leg without what the client has dropped: it may have had to, since some of it holds for one model."""
    spoken = {name: raw for name, raw in raw_object.of(turn.blocks[0]).items() if not name.startswith(_REASONING)}
    return dataclasses.replace(turn, blocks=(raw_object.written(spoken), *turn.blocks[1:]))


def _calls_put_back(turn: Round, calls: Sequence[Span]) -> Iterator[Edit]:
    """Yield the edits that put our calls between the client's, each before the one that came behind it."""
    waiting, own = b"", iter(calls)
    for number, raw in enumerate(turn.blocks[1:], 1):
        if number in turn.hidden:
            waiting += raw + b","
        else:
            place = next(own)
            yield Edit(Span(place.start, place.start), waiting)
            waiting = b""
    end = calls[-1].end
    yield Edit(Span(end, end), b"," + waiting[:-1] if waiting else b"")


def _calls(raw: bytes, message: Found) -> list[Span]:
    calls = message.get("tool_calls")
    return document.items(raw, calls) if calls is not None and document.is_list(raw, calls) else []


def _id(raw: bytes) -> str:
    return document.member_string(raw, _members(raw), "id")


def _members(raw: bytes) -> Found:
    return document.members(raw, document.whole(raw))
