"""What git prints, taken apart: commits with their messages, lists of changed files, and patches.

Sources: git-log(1) for the commit formats, git-diff(1) for extended headers and the list of changed files, POSIX
diff(1) for hunks. Every line of a text is in exactly one part: joined by line feeds, the parts are the text again.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Part:
    """Lines that stand together, as they are."""

    start: int
    """Number of the first line in the text, from 0."""
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Commit(Part):
    """The head of a commit: everything up to its message."""

    name: str
    """Its hash, with the references behind it where the text has them."""
    merge: str
    """The line that names the parents of a merge; empty for other commits."""
    people: tuple[str, ...]
    """The author, and the committer where the text has both."""
    dates: tuple[str, ...]
    message: tuple[str, ...]
    """Lines of the message without the four spaces in front."""


@dataclass(frozen=True, slots=True)
class Stat(Part):
    """A list of changed files: ``path | 12 ++--``, padded to columns, without its last line."""

    rows: tuple[tuple[str, str], ...]
    """Path, and what stands behind the bar."""

    @property
    def width(self) -> int:
        """To how many characters paths are padded."""
        return self.lines[0].rindex(" | ") - 1


@dataclass(frozen=True, slots=True)
class FileHead(Part):
    """The head of a file's patch."""

    old: str
    new: str
    kind: str
    """Extended headers between the first line and ``index``, joined, such as ``new file mode 100644``."""
    index: str
    """``1a2b..3c4d 100644``, or empty."""


@dataclass(frozen=True, slots=True)
class Hunk(Part):
    """A hunk: its header and its lines."""

    old: int
    new: int
    section: str
    """What stands behind the second ``@@``."""

    @property
    def body(self) -> tuple[str, ...]:
        """The lines behind the header."""
        return self.lines[1:]


_COMMIT = re.compile(r"commit ([0-9a-f]{7,64}(?: \([^|]*\))?)\Z")
_PERSON = re.compile(r"(?:Author|Commit): +(\S[^|]*)\Z")
_DATE = re.compile(r"(?:Author|Commit)?Date: +(\S[^|]*)\Z")
_STAT = re.compile(r" (\S(?:.*\S)?) +\| +(\d+(?: [+-]+)?|Bin .*)\Z")
_DIFF = re.compile(r"diff --git a/(\S+) b/(\S+)\Z")
_INDEX = re.compile(r"index ([0-9a-f]+\.\.[0-9a-f]+(?: \d{6})?)\Z")
_EXTENDED = re.compile(r"(?:old mode|new mode|deleted file mode|new file mode|similarity index|rename|copy) ")
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)\Z")


def parts(lines: Sequence[str]) -> Iterator[Part]:
    """Yield the parts of a text in order; what is of no known form comes line by line."""
    at = 0
    while at < len(lines):
        part = _part(lines, at)
        yield part
        at += len(part.lines)


def _part(lines: Sequence[str], at: int) -> Part:
    reader = _READERS.get(lines[at][:3])
    found = reader(lines, at) if reader is not None else None
    if found is None and lines[at][:1] == " ":
        found = _stat(lines, at)
    return found or Part(at, (lines[at],))


def _commit(lines: Sequence[str], at: int) -> Part | None:
    name = _COMMIT.match(lines[at])
    if name is None:
        return None
    end = at + 1
    merge = lines[end] if end < len(lines) and lines[end].startswith("Merge: ") and "|" not in lines[end] else ""
    end += bool(merge)
    people: list[str] = []
    dates: list[str] = []
    while end < len(lines) and lines[end]:
        found = _PERSON.match(lines[end])
        (people if found else dates).append((found or _DATE.match(lines[end]) or [""] * 2)[1])
        end += 1
    head = tuple(lines[at:end])
    if end >= len(lines) or lines[end] or head != _written_head(name[1], merge, people, dates):
        return None
    end += 1
    while end < len(lines) and lines[end].startswith("    "):
        end += 1
    message = tuple(line[4:] for line in lines[at + len(head) + 1 : end])
    if end < len(lines) and lines[end].startswith(" "):
        return None  # nobody could tell where the message ends
    return Commit(at, tuple(lines[at:end]), name[1], merge, tuple(people), tuple(dates), message)


def _written_head(name: str, merge: str, people: Sequence[str], dates: Sequence[str]) -> tuple[str, ...]:
    first = [f"commit {name}", *([merge] if merge else [])]
    if len(people) == len(dates) == 1:
        return (*first, f"Author: {people[0]}", f"Date:   {dates[0]}")
    if len(people) == len(dates) == 2:
        author, committer = people
        return (
            *first,
            f"Author:     {author}",
            f"AuthorDate: {dates[0]}",
            f"Commit:     {committer}",
            f"CommitDate: {dates[1]}",
        )
    return ()


def _stat(lines: Sequence[str], at: int) -> Part | None:
    end, rows = at, []
    while end < len(lines) and (match := _STAT.match(lines[end])):
        rows.append((match[1], match[2]))
        end += 1
    return Stat(at, tuple(lines[at:end]), tuple(rows)) if rows else None


def _file_head(lines: Sequence[str], at: int) -> Part | None:
    names = _DIFF.match(lines[at])
    if names is None:
        return None
    old, new = names.groups()
    end, kinds = at + 1, []
    while end < len(lines) and _EXTENDED.match(lines[end]):
        kinds.append(lines[end])
        end += 1
    index = _INDEX.match(lines[end]) if end < len(lines) else None
    end += bool(index)
    head = FileHead(at, (), old, new, "; ".join(kinds), index[1] if index else "")
    for whole in written_file_heads(head):
        if tuple(lines[at : at + len(whole)]) == whole:
            return FileHead(at, whole, old, new, head.kind, head.index)
    return None


def written_file_heads(head: FileHead) -> tuple[tuple[str, ...], ...]:
    """Return how git prints a file's head, with the names of both sides, and without where nothing follows them."""
    kinds = head.kind.split("; ") if head.kind else []
    index = [f"index {head.index}"] if head.index else []
    first = [f"diff --git a/{head.old} b/{head.new}", *kinds, *index]
    added, gone = head.kind.startswith("new file"), head.kind.startswith("deleted file")
    sides = ["--- /dev/null" if added else f"--- a/{head.old}", "+++ /dev/null" if gone else f"+++ b/{head.new}"]
    return (*first, *sides), tuple(first)


class _Counts(NamedTuple):
    old: int
    new: int


def _hunk(lines: Sequence[str], at: int) -> Part | None:
    match = _HUNK.match(lines[at])
    if match is None:
        return None
    wanted = _Counts(int(match[2] or 1), int(match[4] or 1))
    old = new = 0
    end = at + 1
    while end < len(lines) and (old, new) != wanted:
        sign = lines[end][:1]
        if sign not in (" ", "+", "-", "\\"):
            break
        old += sign in (" ", "-")
        new += sign in (" ", "+")
        end += 1
    # The last hunk of a text may have been cut off.
    if (old, new) != wanted and "".join(lines[end : end + 2]):
        return None
    end += end < len(lines) and lines[end].startswith("\\")
    return Hunk(at, tuple(lines[at:end]), int(match[1]), int(match[3]), match[5])


_READERS = {"com": _commit, "dif": _file_head, "@@ ": _hunk}
