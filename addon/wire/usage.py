"""What several legs cost, told as one answer: the context of the client's own conversation, and the output of all."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Names:
    """How a format calls the members of its usage."""

    prompt: str
    total: str
    input: tuple[str, ...]
    """What names of input members begin with."""
    output: tuple[str, ...]


class Usage:
    """Members that are neither input nor output are the last leg's; so is all of an answer that has only one leg."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._legs = 0
        self._input: Json = {}
        self._output: Json = {}  # of the legs before
        self._beyond_prompt = 0  # their total, without what they read
        self._last: Json = {}

    def note(self, usage: Json) -> None:
        """Take what the provider says of the current leg: so far, or at its end."""
        self._last = usage
        if not self._legs:
            self._input |= {name: usage[name] for name in usage if name.startswith(self._names.input)}

    def next_leg(self) -> None:
        """A leg is over, and another one begins."""
        output = {name: value for name, value in self._last.items() if name.startswith(self._names.output)}
        self._output = added(self._output, output)
        self._beyond_prompt += self._beyond(self._last)
        self._legs, self._last = self._legs + 1, {}

    def shown(self, usage: Json) -> Json:
        """Return the current leg's usage as the client is to see it."""
        if not (self._legs and self._input):
            return usage
        shown: Json = {name: self._input.get(name, value) for name, value in usage.items() if self._is_shown(name)}
        shown |= {name: value for name, value in self._input.items() if name not in shown}
        output = {name: value for name, value in usage.items() if name.startswith(self._names.output)}
        shown |= added(self._output, output)
        if self._names.total in usage:
            prompt = _number(self._input.get(self._names.prompt))
            shown[self._names.total] = prompt + self._beyond_prompt + self._beyond(usage)
        return shown

    def _is_shown(self, name: str) -> bool:
        """A later leg reads from the cache what the first one wrote: that is not the client's."""
        return name in self._input or not name.startswith(self._names.input)

    def _beyond(self, usage: Json) -> int:
        return _number(usage.get(self._names.total)) - _number(usage.get(self._names.prompt))


def added(first: Any, second: Any) -> Any:
    """Return the sum of two figures, or of objects and lists of figures with like names."""
    if first is None or second is None:
        return second if first is None else first
    if isinstance(first, dict) and isinstance(second, dict):
        return {name: added(first.get(name), second.get(name)) for name in {**first, **second}}
    if isinstance(first, list) and isinstance(second, list):
        return _by_modality(first, second)
    if _is_number(first) and _is_number(second):
        return first + second
    return second


def _by_modality(first: list[Any], second: list[Any]) -> list[Any]:
    sums: dict[Any, Any] = {}
    for item in (*first, *second):
        kind = item.get("modality") if isinstance(item, dict) else None
        figures = {name: value for name, value in item.items() if name != "modality"} if kind else item
        sums[kind] = added(sums.get(kind), figures)
    return [{"modality": kind, **figures} if kind else figures for kind, figures in sums.items()]


def _number(value: Any) -> int:
    return value if _is_number(value) else 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
