"""How the answers in a client's history are named, so that what was hidden in one is found again."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Digest, Span, Talk, digest
from headroom_mitm.wire import document


@dataclass(frozen=True, slots=True)
class Said:
    """One message, or what a run of messages says together, by what a client keeps of it."""

    by_model: bool = False
    letters: Digest | None = None
    """Of its texts, without white space; None where there is none."""
    calls: tuple[str, ...] = ()
    """Ids of the tools' calls in it: the provider's own, so each stands once."""
    results: tuple[str, ...] = ()
    """Ids of the calls that it brings results of."""


class Unread:
    """A message that is not the model's: it is read where an answer is named by it, and most are named by a call."""

    __slots__ = ("_read",)

    by_model = False

    def __init__(self, read: Callable[[], Said]) -> None:
        self._read = read

    @property
    def letters(self) -> Digest | None:
        """See ``Said``."""
        return self._read().letters

    @property
    def results(self) -> tuple[str, ...]:
        """See ``Said``."""
        return self._read().results


History = Sequence[Said | Unread]


def read_for_names(talk: Talk, read: Callable[[int], Said], *, by_calls: bool = False) -> History:
    """Return the messages of a conversation, for ``names``; ``read`` takes their numbers.

    ``by_calls``: an answer with calls goes by their ids, so that it is not read again either.
    """
    turns = talk.turns
    history: list[Said | Unread] = []
    for number, turn in enumerate(turns):
        if not turn.by_model:
            history.append(Unread(partial(read, number)))
            continue
        calls = tuple(call.id for call in turn.calls) if by_calls else ()
        # What follows in the model's own words goes by these as well.
        is_called = calls and all(calls) and not (number + 1 < len(turns) and turns[number + 1].by_model)
        history.append(Said(by_model=True, calls=calls) if is_called else read(number))
    return history


def names(wire: str, history: History, head: Digest, *, partial: bool = False, before: int = 0) -> list[Digest | None]:
    """Return the names of the model's answers, None for all else.

    An answer is named by its first call. Words may be said again, so what stands before them counts: the calls whose
    results they follow, else the words they answer, the call before (or the conversation's beginning), and how many
    answers came since. ``partial``: a history may lack what the provider keeps, so only the nearest words count.
    ``before`` says how many answers without calls stand before this history.
    """
    found: list[Digest | None] = []
    kind = wire.encode()
    since, last_call = before, bytes(head)
    for number, said in enumerate(history):
        if isinstance(said, Unread) or not said.by_model:
            found.append(None)
            continue
        asked = history[number - 1] if number else Said()
        if not (said.calls or said.letters):
            found.append(None)
        elif said.calls:
            found.append(digest(kind + b" call", _bytes(said.calls[0])))
        elif asked.results:
            found.append(digest(kind + b" results", said.letters or b"", *map(_bytes, asked.results)))
        else:
            place = (bytes(head),) if partial else (last_call, b"%d" % since)
            found.append(digest(kind + b" words", said.letters or b"", asked.letters or b"", *place))
        since, last_call = (0, _bytes(said.calls[-1])) if said.calls else (since + 1, last_call)
    return found


def letters_of(raw: bytes, span: Span | None) -> str:
    """Return a string without white space; one with half a character as it is written, and nothing for no string."""
    if span is None or not document.is_string(raw, span):
        return ""
    with contextlib.suppress(UnreadableBody):
        return "".join(document.string(raw, span).split())
    return raw[slice(*span)].decode()


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
