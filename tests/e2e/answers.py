"""What a test lets the stand-in model say, in words of no provider; each format writes it in its own."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Say:
    """A text of the model."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of the model. Ids are the test's, so that a call can be told again in later requests."""

    id: str
    name: str
    arguments: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Think:
    """Reasoning of the model; where the format signs it, the signature must come back unchanged."""

    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply of the model: what it says, and what goes wrong on the way."""

    blocks: tuple[Say | Call | Think, ...] = (Say("ok"),)
    status: int = 200
    """Anything else is an error of the provider; ``blocks`` do not matter then."""
    hold: int | None = None
    """Wait for ``Provider.release`` before the event of this number is sent."""
    cut: int | None = None
    """Close the connection instead of sending the event of this number."""
    pause: float = 0.0
    """Seconds between two events."""

    @property
    def calls(self) -> bool:
        """The model waits for results."""
        return any(isinstance(block, Call) for block in self.blocks)


def answer(*blocks: Say | Call | Think, **faults: Any) -> Answer:
    """Write an answer as its blocks, with ``hold``, ``cut``, ``pause`` or ``status`` where they matter."""
    return Answer(blocks or (Say("ok"),), **faults)


class RefusedError(Exception):
    """What a provider answers with status 400."""


def fields(text: str) -> frozenset[str]:
    """Write a set of names as words."""
    return frozenset(text.split())


def demand(holds: object, message: str) -> None:
    """Refuse the request unless the condition holds."""
    if not holds:
        raise RefusedError(message)


def demand_known(given: Iterable[str], known: frozenset[str], where: str) -> None:
    """Refuse names of fields that the provider does not know."""
    unknown = sorted(set(given) - known)
    demand(not unknown, f"{where}: unknown field {', '.join(unknown)}")


def demand_unique(names: list[str], what: str) -> None:
    """Refuse a name that is there twice."""
    demand(len(names) == len(set(names)), f"{what} must be unique: {sorted(names)}")


def pieces(text: str, size: int = 24) -> list[str]:
    """Cut a text as a stream does: always at least one piece."""
    return [text[at : at + size] for at in range(0, len(text), size)] or [""]


def compact(value: object) -> str:
    """JSON as providers write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def sse(value: Json, name: str = "", end: str = "\n") -> bytes:
    """One server-sent event."""
    head = f"event: {name}{end}" if name else ""
    return f"{head}data: {compact(value)}{end}{end}".encode()


def words(text_or_json: object) -> int:
    """A rough size in tokens, for usage figures."""
    return max(1, len(compact(text_or_json)) // 4)
