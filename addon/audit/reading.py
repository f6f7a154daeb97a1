"""Finds out what a file is, and reads the requests in it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from headroom_mitm.audit import claude_sessions, codex_sessions, har
from headroom_mitm.audit.flows import flows
from headroom_mitm.audit.recording import Recording
from headroom_mitm.hosts import Host

_SUFFIXES = (".jsonl", ".har", ".mitm", ".flow", ".flows", ".dump")
"""What is read in a folder; a file that is named itself is read whatever its name is."""
_HEAD = 4096
_FIRST_LINES = 5


@dataclass(slots=True)
class Reader:
    """Reads files one by one; remembers what it has met, and what it could not read."""

    hosts: tuple[Host, ...] = ()
    failed: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def read(self, path: Path) -> Iterator[Recording]:
        """Yield the requests of a file in its order; of one that cannot be read, those before the fault."""
        try:
            yield from self._of(path)
        except (OSError, ValueError, RecursionError) as error:
            self.failed.append(str(error) if str(path) in str(error) else f"{path}: {error}")

    def _of(self, path: Path) -> Iterator[Recording]:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if not head.lstrip().startswith(b"{"):
            yield from flows(path, self.hosts)
            return
        first = [line for line in _lines(path, _FIRST_LINES) if isinstance(line, dict)]
        if any(codex_sessions.is_line(line) for line in first):
            yield from codex_sessions.codex_session(_objects(path))
        elif any(claude_sessions.is_line(line) for line in first):
            yield from claude_sessions.claude_session(_objects(path), self._seen)
        else:
            yield from har.har(path, self.hosts)


def files_in(paths: Sequence[Path]) -> list[Path]:
    """Return the files to read, the oldest first. Raises ``FileNotFoundError`` for what is not there."""
    found: dict[Path, float] = {}
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there")
        inside = [path] if path.is_file() else (each for each in path.rglob("*") if each.suffix in _SUFFIXES)
        found |= {each: each.stat().st_mtime for each in inside if each.is_file()}
    return sorted(found, key=lambda path: (found[path], str(path)))


def own_logs(home: Path) -> list[Path]:
    """Return where Claude Code and Codex keep their logs, as far as these folders are there."""
    return [folder for folder in (home / ".claude" / "projects", home / ".codex" / "sessions") if folder.is_dir()]


def _lines(path: Path, most: int = 0) -> Iterator[Any]:
    """Yield what the lines hold; those that are not whole are left out, as the last one of a session that goes on."""
    with path.open("rb") as file:
        for number, line in enumerate(file):
            if most and number >= most:
                return
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:
                continue


def _objects(path: Path) -> Iterable[dict[str, Any]]:
    return (line for line in _lines(path) if isinstance(line, dict))
