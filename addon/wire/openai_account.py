"""What legs of OpenAI's report beside what the model says, told as one answer.

What speaks of the request is the first leg's: the client has sent no other. What adds up is added, lists of notes are
joined, and all else (tier, reason to stop, settings) is the last leg's.
Source: the OpenAI API reference, "The response object", "The chat completion object".
"""

from collections.abc import Mapping
from typing import Any

from headroom_mitm.segments import Span
from headroom_mitm.wire import document
from headroom_mitm.wire.usage import Names, Usage, added

Json = dict[str, Any]

# ``cost`` is OpenRouter's, and is what the user pays.
USAGE = Names("input_tokens", "total_tokens", ("input_", "cached_tokens"), ("output_", "cost"))

_OF_REQUEST = ("prompt_cache_diagnostics",)
_TRANSFORMATIONS = "input_transformations"
_READ = ("usage", "tool_usage", "moderation", _TRANSFORMATIONS, *_OF_REQUEST)


class Account:
    """Of an answer of Responses: takes the answer with which each leg ends."""

    def __init__(self) -> None:
        self._usage = Usage(USAGE)
        self._tools: Any = None  # what those of the provider have used, in the legs before
        self._tools_now: Any = None
        self._moderation: Any = None
        self._transformations: Any = None
        self._of_request: Json = {}
        self._is_first = True

    def note(self, said: Json) -> None:
        """Take what the provider says of the current leg."""
        if isinstance(said.get("usage"), dict):
            self._usage.note(said["usage"])
        self._tools_now = said.get("tool_usage")
        self._moderation = moderated(self._moderation, said.get("moderation"))
        self._transformations = _joined(self._transformations, said.get(_TRANSFORMATIONS))
        if self._is_first:
            self._of_request = {name: said[name] for name in _OF_REQUEST if name in said}

    def next_leg(self) -> None:
        """A leg is over, and another one begins."""
        self._usage.next_leg()
        self._tools, self._tools_now = added(self._tools, self._tools_now), None
        self._is_first = False

    def shown(self, said: Json) -> Json:
        """Return the members of the last leg's answer that differ in the whole one."""
        shown: Json = {name: self._of_request.get(name) for name in _OF_REQUEST if name in said}
        shown["tool_usage"] = added(self._tools, said.get("tool_usage"))
        shown |= {"moderation": self._moderation, _TRANSFORMATIONS: self._transformations}
        if isinstance(said.get("usage"), dict):
            shown["usage"] = self._usage.shown(said["usage"])
        return {name: value for name, value in shown.items() if value != said.get(name)}


def reported(data: bytes, answer: Mapping[str, Span]) -> Json:
    """Return what an answer reports beside its items. Raises ``UnreadableBody``."""
    return {name: document.value(data, answer[name]) for name in _READ if name in answer}


def moderated(first: Any, second: Any) -> Any:
    """Return what was found in two legs: in the client's own input, and whatever was flagged in either output."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return second if first is None else first
    shown = {**second, **{name: first[name] for name in ("input",) if name in first}}
    if _is_flagged(first.get("output")) and not _is_flagged(second.get("output")):
        shown["output"] = first["output"]
    return shown


def joined_tokens(first: Any, second: Any) -> Any:
    """Return the log probabilities of two texts in one: lists by the kind of text, in their order."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return second if first is None else first
    names = {**first, **second}
    return {name: _joined(first.get(name), second.get(name), repeats=True) for name in names}


def _joined(first: Any, second: Any, *, repeats: bool = False) -> Any:
    if not (isinstance(first, list) and isinstance(second, list)):
        return second if first is None else first
    return [*first, *(note for note in second if repeats or note not in first)]


def _is_flagged(found: Any) -> bool:
    if not isinstance(found, dict):
        return False
    results = found.get("results")
    return found.get("flagged") is True or (isinstance(results, list) and any(map(_is_flagged, results)))
