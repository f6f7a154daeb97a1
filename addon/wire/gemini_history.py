"""Hidden rounds of an answer, put back into the contents of generateContent where the model has them.

A client keeps one content for all legs of an answer. Earlier legs and what our calls in them brought go in front of it,
and it becomes the last leg: the model's own parts, every byte of them, since some are signed and none may be rebuilt.
Where the client was called beside us, our call is among them, and what it brought among the client's responses.

What a client may do to its history in between is allowed for: texts joined or trimmed, members in another order, ids
or thoughts dropped. Any other difference, and its content stays as it is, which is valid too.
"""

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Digest, Edit, Prompt, Span, Talk, digest, digest_of_text
from headroom_mitm.wire import document, raw_object
from headroom_mitm.wire.answer_names import History, Said, letters_of, names, read_for_names
from headroom_mitm.wire.gemini_turn import contents_of, name_called
from headroom_mitm.wire.memo import Memo
from headroom_mitm.wire.retelling import Recall, Round

_OF_TEXT = frozenset({"text", "thought", "thoughtSignature"})
_OF_CALL = frozenset({"functionCall", "thoughtSignature"})
_MAY_SAY = re.compile(rb'"text"|"model"|\\u00')
"""What a content has that says something or is the model's, however it is written. Most only bring what calls gave."""


class Meant(NamedTuple):
    """What a model says, however it is cut into parts."""

    words: tuple[str, ...]
    """Letters of the texts between calls, and the calls without their ids."""
    thoughts: str
    """Letters."""


class GeminiHistory:
    """See ``Retelling``. Keeps a memo of contents it has read."""

    def __init__(self) -> None:
        self._said = Memo(_said)

    def key(self, prompt: Prompt, rounds: Sequence[Round]) -> Digest | None:
        """Return the name of the answer, by what it says and what was asked: ids of calls are rare."""
        history: History = [self._at(prompt.talk(), number) for number in range(len(prompt.messages))]
        if not history or history[-1].by_model:
            return None  # the client puts the answer behind words of its own
        return names("gemini", [*history, _answer(_meant(_shown(rounds)))], prompt.head)[-1]

    def edits(self, talk: Talk, recall: Recall) -> list[Edit]:
        """Return what puts the rounds back that are known of this conversation's answers."""
        history = read_for_names(talk, lambda number: self._at(talk, number))
        keys = names("gemini", history, talk.head, before=talk.answers_before)
        found = recall([key for key in keys if key is not None])
        told: set[Sequence[Round]] = set()
        edits: list[Edit] = []
        for number, key in enumerate(keys):
            rounds = tuple(found.get(key, ())) if key is not None else ()
            if not _can_be_told(rounds) or rounds in told:
                continue
            with contextlib.suppress(UnreadableBody):
                retold = _retold(talk, number, rounds)
                told |= {rounds} if retold else set()
                edits += retold
        return edits

    def _at(self, talk: Talk, number: int) -> Said:
        raw = talk.body[slice(*talk.messages[number])]
        return self._said.get(digest(raw), raw)


def _said(raw: bytes) -> Said:
    if not _MAY_SAY.search(raw):
        return Said()
    content = raw_object.of(raw)
    parts = _parts(content)
    if raw_object.string(content, "role") == "model":
        return _answer(_meant(parts))
    words = "".join(map(_letters, parts))
    return Said(letters=digest_of_text(words) if words else None)


def _letters(raw: bytes) -> str:
    text = raw_object.of(raw).get("text", b"null")
    return letters_of(text, document.whole(text))


def _answer(meant: Meant) -> Said:
    said = (word.encode("utf-8", "surrogatepass") for word in meant.words)
    return Said(by_model=True, letters=digest(*said) if meant.words else None)


def _shown(rounds: Sequence[Round]) -> list[bytes]:
    return [raw for turn in rounds for number, raw in enumerate(turn.blocks) if number not in turn.hidden]


def _meant(parts: Sequence[bytes]) -> Meant:
    """Return what parts say. Raises ``UnreadableBody``."""
    words: list[str] = []
    thoughts, text = "", ""
    for raw in parts:
        part = raw_object.of(raw)
        if _OF_TEXT.issuperset(part):
            letters = _letters(raw)
            is_thought = part.get("thought") == b"true"
            thoughts, text = (thoughts + letters, text) if is_thought else (thoughts, text + letters)
        else:
            words += [text] * bool(text) + [_canonical(part, raw)]
            text = ""
    return Meant((*words, *([text] if text else [])), thoughts)


def _canonical(part: dict[str, bytes], raw: bytes) -> str:
    """Return a call without its id and signature, any other part as it is, both whatever their order and spaces."""
    try:
        if not _OF_CALL.issuperset(part):
            return json.dumps(json.loads(raw), sort_keys=True)
        call = json.loads(part["functionCall"], parse_float=str)
        return json.dumps([call.get("name"), call.get("args") or {}], sort_keys=True)
    except (ValueError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableBody(f"a part that is no call: {error!r}") from None


def _can_be_told(rounds: Sequence[Round]) -> bool:
    """Say whether each call of ours has its result, and every leg but the last calls us and nobody else."""
    for number, turn in enumerate(rounds, 1):
        calls = [n for n, raw in enumerate(turn.blocks) if b'"functionCall"' in raw and name_called(raw_object.of(raw))]
        is_last = number == len(rounds)
        if len(turn.results) != len(turn.hidden) or not (is_last or (turn.hidden and calls == [*turn.hidden])):
            return False
    return any(turn.hidden for turn in rounds)


def _retold(talk: Talk, number: int, rounds: Sequence[Round]) -> list[Edit]:
    """Return the edits for one content of the model, and for the responses behind it."""
    body, place = talk.body, talk.messages[number]
    content = raw_object.at(body, place)
    theirs, all_legs = _meant(_parts(content)), _meant(_shown(rounds))
    if theirs.words != all_legs.words or theirs.thoughts not in ("", all_legs.thoughts):
        return []
    *earlier, last = rounds
    own = _shown([last])
    if not _meant(own).words:
        return []  # nothing of the last leg is left, and a content may not be empty
    edits: list[Edit] = []
    if last.hidden:
        edits = _results_put_back(talk, number, last)
        if not edits:
            return []
        own = [*last.blocks]
    if earlier:
        legs = b"".join(contents_of(_without_thoughts(turn, theirs)) + b"," for turn in earlier)
        edits.append(Edit(Span(place.start, place.start), legs))
    if last.hidden or _meant(_shown(earlier)) != Meant((), ""):
        own = [raw for raw in own if theirs.thoughts or not _is_thought(raw)]
        edits.append(Edit(document.members(body, place)["parts"], raw_object.listed(own)))
    return edits


def _results_put_back(talk: Talk, number: int, turn: Round) -> list[Edit]:
    """Return the edits that put what our calls brought between the client's responses, in the order of the calls.

    Nothing where the client does not bring a response to each of its calls.
    """
    calls = [n for n, raw in enumerate(turn.blocks) if name_called(raw_object.of(raw))]
    theirs = list(_responses(talk, number + 1))
    if not theirs or len(theirs) != len(calls) - len(turn.hidden):
        return []
    edits, results, waiting, left = [], iter(turn.results), b"", iter(theirs)
    for call in calls:
        if call in turn.hidden:
            waiting += next(results) + b","
        else:
            at = next(left).start
            edits += [Edit(Span(at, at), waiting)] if waiting else []
            waiting = b""
    end = theirs[-1].end
    return [*edits, *([Edit(Span(end, end), b"," + waiting[:-1])] if waiting else [])]


def _responses(talk: Talk, number: int) -> Iterator[Span]:
    """Yield where the responses in a content stand."""
    if number >= len(talk.messages):
        return
    parts = document.members(talk.body, talk.messages[number]).get("parts")
    if parts is not None and document.is_list(talk.body, parts):
        for place in document.items(talk.body, parts):
            if "functionResponse" in document.members(talk.body, place):
                yield place


def _without_thoughts(turn: Round, theirs: Meant) -> Round:
    """Return an earlier leg without thoughts if the client has dropped them."""
    if theirs.thoughts:
        return turn
    kept = [(raw, number in turn.hidden) for number, raw in enumerate(turn.blocks) if not _is_thought(raw)]
    hidden = tuple(number for number, (_, is_hidden) in enumerate(kept) if is_hidden)
    return Round(tuple(raw for raw, _ in kept), hidden, turn.results)


def _is_thought(raw: bytes) -> bool:
    return b'"thought"' in raw and raw_object.of(raw).get("thought") == b"true"


def _parts(content: dict[str, bytes]) -> list[bytes]:
    parts = content.get("parts", b"")
    return raw_object.items(parts) if parts.startswith(b"[") else []
