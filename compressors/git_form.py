"""The shorter form of what git prints: the same parts, each said once.

A commit is one line, a file's head is one line, a hunk's header names one line number, a list of changed files has no
padding and its directories once. `Form` writes it and keeps what a reader of it has in mind so far.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from headroom_mitm.compressors.git_document import Commit, FileHead, Hunk, Part, Stat, written_file_heads

_PERSON = re.compile(r"(\S.*?) (<[^<>]*>)\Z")
_OURS = re.compile(r"=== |@@ \d+ @@|commit \S.* \| | \S.*/\Z|  .* \| ")
"""Lines that would be read as this form's. A text that has them by itself is left alone."""

_AGAIN = ' "'
"""Stands for the section of the hunk above."""

LEGENDS = {
    "medium": "commits: hash | author | date",
    "fuller": (
        "commits: hash | author | author date | committer | commit date, the last two only where they differ from the "
        "author's"
    ),
    "people": "e-mail addresses at their first mention",
    "files": "=== path, index or mode: head of a file's patch",
    "cut": "lists with names cut to ... are padded to {width} characters",
    "hunks": "@@ N @@: the hunk begins at line N of the new file",
    "again": '" behind it: the same as behind the hunk above',
}


class Form:
    """Writes parts one after the other. Made anew for each text."""

    def __init__(self) -> None:
        self._mail: dict[str, str] = {}
        self._shift = 0
        self._section = ""
        self._cut = 0
        self.used: dict[str, None] = {}
        """What the legend must explain, in order."""
        self.unclear = False
        """A reader could not tell two things apart: the text is not told in this form."""

    def written(self, part: Part) -> list[str]:
        """Return the lines of a part in this form."""
        match part:
            case Commit():
                return self._commit(part)
            case Stat():
                return self._stat(part)
            case FileHead():
                return [self._file_head(part)]
            case Hunk():
                return [self._hunk_head(part), *part.body]
        for line in part.lines:
            self.unclear |= bool(_OURS.match(line))
            if line.startswith(("diff --git ", "--- ")):
                self._shift, self._section = 0, ""
            if line.startswith("@@ "):  # the head of a hunk that is not told shortly
                self._section = ""
        return list(part.lines)

    def legend(self) -> str:
        """Return what a reader must know, in one line without brackets."""
        return "; ".join(LEGENDS[name].format(width=self._cut) for name in self.used)

    def _commit(self, commit: Commit) -> list[str]:
        fuller = len(commit.people) > 1
        fields = [f"commit {commit.name}", *([commit.merge] if commit.merge else []), self._person(commit.people[0])]
        fields.append(commit.dates[0])
        if fuller and (commit.people[0] != commit.people[1] or commit.dates[0] != commit.dates[1]):
            fields.append(self._person(commit.people[1]))
            fields += [commit.dates[1]] if commit.dates[0] != commit.dates[1] else []
        self.used |= {"fuller" if fuller else "medium": None, "people": None}
        return [" | ".join(fields), *(f" {line}" for line in commit.message)]

    def _person(self, person: str) -> str:
        match = _PERSON.match(person)
        if match is None:
            self.unclear |= person in self._mail
            return person
        name, mail = match.groups()
        if self._mail.get(name) == mail:
            return name
        self._mail[name] = mail
        return person

    def _file_head(self, head: FileHead) -> str:
        self._shift, self._section = 0, ""
        self.used["files"] = None
        name = head.old if head.old == head.new else f"{head.old} => {head.new}"
        bare = " (no names)" if head.lines != written_file_heads(head)[0] else ""
        details = "; ".join(filter(None, [head.kind, f"index {head.index}" if head.index else ""]))
        return f"=== {name}{bare}" + (f", {details}" if details else "")

    def _stat(self, stat: Stat) -> list[str]:
        width = max(len(path) for path, _ in stat.rows)
        if any(path.startswith("...") for path, _ in stat.rows):
            # git pads to the width it cuts names to, and cuts at a slash.
            self._cut = self._cut or stat.width
            width = max(width, self._cut)
            self.used["cut"] = None
        digits = max(len(_count(change)) for _, change in stat.rows)
        padded = tuple(f" {path:<{width}} | {_count(change):>{digits}}{_graph(change)}" for path, change in stat.rows)
        self.unclear |= padded != stat.lines
        return list(_by_directory(stat.rows))

    def _hunk_head(self, hunk: Hunk) -> str:
        old, new = (sum(line[:1] in signs for line in hunk.body) for signs in (" -", " +"))
        first_new = hunk.new + (new == 0)
        first_old = hunk.old + (old == 0)
        plain = f"@@ -{_range(hunk.old, old)} +{_range(hunk.new, new)} @@{hunk.section}"
        told = hunk.lines[0] == plain and first_new - first_old == self._shift
        self._shift = first_new - first_old + new - old
        section, above = hunk.section, self._section
        self._section = section
        if not told or section == _AGAIN:
            return hunk.lines[0]
        self.used["hunks"] = None
        if section and section == above:
            self.used["again"] = None
            return f"@@ {first_new} @@{_AGAIN}"
        return f"@@ {first_new} @@{section}"


def _range(start: int, count: int) -> str:
    return f"{start}" if count == 1 else f"{start},{count}"


def _count(change: str) -> str:
    return "Bin" if change.startswith("Bin") else change.split(" ", 1)[0]


def _graph(change: str) -> str:
    return change.removeprefix(_count(change))


def _by_directory(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield rows; those that follow each other and share a directory stand below it, two spaces in."""
    above = ""
    followers = [path for path, _ in rows[1:]] + [""]
    for (path, change), follower in zip(rows, followers, strict=True):
        if not (above and path.startswith(above)):
            folder = path[: path.rfind("/") + 1]
            above = folder if folder and follower.startswith(folder) and "=>" not in path else ""
            if above:
                yield f" {above}"
        yield f"  {path[len(above) :]} | {change}" if above else f" {path} | {change}"


def ends_clearly(found: Sequence[Part]) -> bool:
    """Say whether a reader sees where each hunk ends: no line behind one looks as if it were still in it."""
    return not any(
        isinstance(part, Hunk) and not isinstance(follower, Hunk) and follower.lines[0][:1] in (" ", "+", "-", "\\")
        for part, follower in pairwise(found)
    )
