"""Messages that come again: said once, with ``…`` for what differs, and named in the lines of their places."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_PART = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`|‘[^’\n]*’|\b\d+\b")
_CODE = re.compile(r"(?:error|warning)?:? ?([A-Z]{1,4}\d{2,5})\b")
_LEAST_SAVED = 40  # characters
_COST = 8  # characters of a name and what goes with it
SLOT = "…"
MOST = 200


@dataclass(slots=True)
class Messages:
    """Names of messages, and how each text is written with them."""

    names: dict[str, str] = field(default_factory=dict)
    """Of each message with its slots."""
    counts: dict[str, int] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    """What stands for a text."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Messages":
        """Name what comes again often enough."""
        counts = Counter(text for text in texts if SLOT not in text)
        alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for text in counts:
            alike[tuple(_PART.split(text))].append(text)
        made = cls()
        for group in alike.values():
            made._add(group, counts)
        return made

    def _add(self, texts: Sequence[str], counts: Counter[str]) -> None:
        parts = [_PART.findall(text) for text in texts]
        differs = [len({values[at] for values in parts}) > 1 for at in range(len(parts[0]))]
        literals = _PART.split(texts[0])
        message = literals[0]
        for literal, value, open_ in zip(literals[1:], parts[0], differs, strict=True):
            message += (SLOT if open_ else value) + literal
        total = sum(counts[text] for text in texts)
        if (total - 1) * (len(message) - _COST) - _COST < _LEAST_SAVED or len(self.names) >= MOST:
            return
        name = self._name(message)
        self.names[message] = name
        self.counts[name] = total
        for text, values in zip(texts, parts, strict=True):
            given = [value for value, open_ in zip(values, differs, strict=True) if open_]
            self.written[text] = " ".join([name, *given])

    def _name(self, message: str) -> str:
        code = _CODE.match(message)
        taken = set(self.names.values())
        if code is None or len(code[1]) > 7:
            return f"${len(taken) + 1}"
        candidates = [f"${code[1]}", *(f"${code[1]}{letter}" for letter in "bcdefghijklmnopqrstuvwxyz")]
        return next((name for name in candidates if name not in taken), f"${len(taken) + 1}")

    def definitions(self) -> list[str]:
        """Return a line for each name."""
        return [f"{name} = [{self.counts[name]}x] {message}" for message, name in self.names.items()]
