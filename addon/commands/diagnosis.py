"""What an examination finds: one line for each thing looked at, and what to do where it is not as it should be."""

import enum
from dataclasses import dataclass


class State(enum.StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    name: str
    state: State
    said: str
    advice: str = ""
    """What to do; empty where all is well."""


def ok(name: str, said: str) -> Finding:
    """Return that all is well."""
    return Finding(name, State.OK, said)


def warning(name: str, said: str, advice: str) -> Finding:
    """Return what costs something, or may."""
    return Finding(name, State.WARNING, said, advice)


def problem(name: str, said: str, advice: str) -> Finding:
    """Return what keeps it from working."""
    return Finding(name, State.PROBLEM, said, advice)
