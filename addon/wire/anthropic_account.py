"""What legs of Anthropic's report beside their blocks, told as one answer.

What speaks of the request (what it took to read it, what was cleared from it, why it missed the cache) is the first
leg's: the client has sent no other. What adds up is added, a container is the last one that was named, and all else is
the last leg's.
Sources: docs.anthropic.com, "Messages", "Context editing", "Code execution tool".
"""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Span
from headroom_mitm.wire import document
from headroom_mitm.wire.splice import member_edits, splice
from headroom_mitm.wire.usage import added

Json = dict[str, Any]

_INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation", "fallback_credit")
_SUMMED = ("output_tokens", "output_tokens_details", "server_tool_use")
_OF_REQUEST = ("diagnostics", "input_transformations")
_STEPS = ("message", "fallback_message")
"""Iterations from whose last one clients tell how large their context is."""
_EDITS = "applied_edits"
_READ = ("usage", "delta", "container", "context_management", *_OF_REQUEST)


class Account:
    """Takes what each leg reports: a message or, where it is streamed, its beginning and then its end."""

    def __init__(self) -> None:
        self._is_first = True
        self._input: Json = {}
        self._sums: Json = {}  # of this leg
        self._sums_before: Json = {}
        self._steps: list[Any] = []
        self._steps_before: list[Any] = []
        self._of_request: Json = {}
        self._management: Any = None
        self._container: Any = None
        self._unread: Callable[[], Json] | None = None

    @property
    def container(self) -> str:
        """The id of the container that the model works in; empty for none."""
        self._read()
        found = self._container.get("id") if isinstance(self._container, dict) else None
        return found if isinstance(found, str) else ""

    def next_leg(self) -> None:
        """A leg is over, and another one begins."""
        self._read()
        self._sums_before, self._sums = added(self._sums_before, self._sums), {}
        self._steps_before, self._steps = _steps_of(self._steps_before, self._steps), []
        self._is_first = False

    def later(self, said: Callable[[], Json]) -> None:
        """Take what returns what the provider says of the first leg: it is read when it is needed, if it ever is."""
        self._read()
        self._unread = said

    def note(self, said: Json) -> None:
        """Take what the provider says of the current leg: so far, or at its end."""
        self._read()
        usage, delta = _object(said.get("usage")), _object(said.get("delta"))
        self._sums |= {name: usage[name] for name in _SUMMED if usage.get(name)}
        if isinstance(usage.get("iterations"), list):
            self._steps = usage["iterations"]
        self._container = said.get("container") or delta.get("container") or self._container
        self._management = _managed(self._management, said.get("context_management"))
        if self._is_first:
            self._input |= {name: usage[name] for name in _INPUT if usage.get(name) is not None}
            self._of_request |= {name: said[name] for name in _OF_REQUEST if said.get(name) is not None}

    def shown(self, said: Json) -> Json:
        """Return the members of a leg's message, or of its end, that differ in that of the whole answer."""
        self._read()
        shown: Json = {name: self._of_request.get(name) for name in _OF_REQUEST if name in said}
        if self._management is not None:
            shown["context_management"] = self._management
        if self._container is not None:
            holder = {"delta": {**said["delta"], "container": self._container}} if _object(said.get("delta")) else None
            shown |= holder or {"container": self._container}
        if isinstance(said.get("usage"), dict):
            shown["usage"] = self._usage(said["usage"])
        return {name: value for name, value in shown.items() if value != said.get(name)}

    def _read(self) -> None:
        said, self._unread = self._unread, None
        if said is not None:
            with contextlib.suppress(UnreadableBody):
                self.note(said())

    def _usage(self, usage: Json) -> Json:
        shown = {**usage, **{name: self._input[name] for name in usage if name in self._input}}
        shown |= added(self._sums_before, self._sums) or {}
        if self._steps_before:
            shown["iterations"] = _steps_of(self._steps_before, self._steps)
        return shown


def reported(data: bytes, members: Mapping[str, Span]) -> Json:
    """Return what a message or an event reports beside blocks. Raises ``UnreadableBody``."""
    return {name: document.value(data, members[name]) for name in _READ if name in members}


def with_members(data: bytes, members: Mapping[str, Span], values: Mapping[str, bytes]) -> bytes:
    """Return an object with other values of some members."""
    return splice(data, member_edits(document.whole(data), members, values))


def encoded(values: Mapping[str, Any]) -> dict[str, bytes]:
    """Return values as JSON."""
    return {name: msgspec.json.encode(value) for name, value in values.items()}


def _managed(first: Any, second: Any) -> Any:
    """Return the notes of two legs on what was cleared. Each speaks of the whole request, so figures do not add up."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return second if first is None else first
    known, new = first.get(_EDITS), second.get(_EDITS)
    if not isinstance(known, list) or not isinstance(new, list):
        return second if not isinstance(known, list) else first
    kinds = [_object(edit).get("type") for edit in known]
    return {**second, **first, _EDITS: [*known, *(edit for edit in new if _object(edit).get("type") not in kinds)]}


def _steps_of(before: list[Any], behind: list[Any]) -> list[Any]:
    """Return the iterations of two legs: what a later leg has read is no context of the client's, what it says is."""
    steps = [dict(step) if isinstance(step, dict) else step for step in before]
    last = next((step for step in reversed(steps) if _object(step).get("type") in _STEPS), None)
    for step in behind:
        if last is not None and _object(step).get("type") in _STEPS:
            last["output_tokens"] = added(last.get("output_tokens"), step.get("output_tokens"))
        else:
            steps.append(step)
    return steps


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
