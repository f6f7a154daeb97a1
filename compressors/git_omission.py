"""What may be left out of what git prints: context first, then what machines wrote, then the length of what people did.

Added and removed lines of source stay up to MEDIUM; at HARD the middle of a long run of them goes. What is gone is said
where it stood, with its count.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from headroom_mitm.compressors.base import Level
from headroom_mitm.compressors.git_document import Commit, FileHead, Hunk, Part, Stat

_CONTEXT = {Level.LIGHT: 1, Level.MEDIUM: 0, Level.HARD: 0}
"""Lines of context that stay on each side of a change. git prints 3."""
_LOCKED = re.compile(
    r"(?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lock|Cargo\.lock|poetry\.lock"
    r"|uv\.lock|Pipfile\.lock|composer\.lock|Gemfile\.lock|go\.sum|flake\.lock|mix\.lock|pubspec\.lock|Podfile\.lock)\Z"
)
_GENERATED = re.compile(
    r"\.min\.(?:js|css)\Z|\.map\Z|\.snap\Z|\.pb\.go\Z|_pb2\.pyi?\Z|(?:^|/)(?:dist|vendor|node_modules)/"
)
_PINNED = re.compile(
    r"[+-]\s*\"?version\b|[ +-]name = |[ +-]\s*\"[^\"]+\": \{\Z|[+-]\S+ v[\d.]+\S* h1:|[ +-](?:  )?\S.*:\Z"
)
"""Lines of a lock file that say what is pinned to which version."""
_TRAILER = re.compile(r"(?:[A-Z][\w-]+-[Bb]y|Change-Id|Reviewed-on|PiperOrigin-RevId|GitOrigin-RevId): ")
_BUMP = re.compile(
    r"- \[(?:Release notes|Changelog|Commits|Upgrade guide)\]\(|- dependency-name: |  (?:dependency|update)-"
)
_TELLING = re.compile(r"break|revert|secur|CVE|fix|deprecat|regress|fail|error|warn|#\d", re.IGNORECASE)
_LONGEST_LINE = 400  # characters; a longer line of a patch was not written by hand
_LISTED = 10
"""Files of a list that stay at HARD."""
_RUN, _HEAD, _FOOT = 14, 6, 2
"""At HARD a longer run of added or removed lines keeps its first and last ones."""


@dataclass(slots=True)
class Tally:
    """Counts what is left out, by what it is."""

    gone: dict[str, int]

    def note(self, what: str, count: int) -> str:
        """Count it, and return the line that stands in its place."""
        self.gone[what] = self.gone.get(what, 0) + count
        return f"[{count} {what if count > 1 else what.replace('s', '', 1)} left out]"


def shortened(found: Sequence[Part], level: Level, tally: Tally) -> Iterator[Part]:
    """Yield the parts without what a level leaves out."""
    path = ""
    for part in found:
        match part:
            case FileHead():
                path = part.new
                yield part
            case Hunk() if _LOCKED.search(path) or _GENERATED.search(path):
                yield _machine_made(part, tally, locked=bool(_LOCKED.search(path)))
            case Hunk():
                for hunk in _without_context(part, _CONTEXT[level], tally):
                    yield _without_middles(hunk, tally) if level is Level.HARD else hunk
            case Commit():
                yield _short_message(part, level, tally)
            case Stat() if level is Level.HARD:
                yield from _most_changed(part, tally)
            case _:
                yield part


def _most_changed(stat: Stat, tally: Tally) -> Iterator[Part]:
    """Keep the files that changed most, in their order."""
    if len(stat.rows) <= _LISTED + 2:
        yield stat
        return
    by_size = sorted(range(len(stat.rows)), key=lambda place: -_changes(stat.rows[place][1]))
    kept = sorted(by_size[:_LISTED])
    yield Part(
        stat.start,
        (*(stat.lines[place] for place in kept), f" {tally.note('less changed files', len(stat.rows) - _LISTED)}"),
    )


def _changes(change: str) -> int:
    first = change.split(" ", 1)[0]
    return int(first) if first.isdigit() else 0


def _machine_made(hunk: Hunk, tally: Tally, *, locked: bool) -> Part:
    """Keep what a lock file pins; of other generated files only the header."""
    kept: list[str] = []
    run = 0
    for line in (*hunk.body, None):
        if line is not None and not (locked and _PINNED.match(line) and len(line) < _LONGEST_LINE):
            run += 1
            continue
        kept += [tally.note("lines of generated files", run)] if run else []
        kept += [line] if line is not None else []
        run = 0
    return Part(hunk.start, (hunk.lines[0], *kept))


def _without_context(hunk: Hunk, keep: int, tally: Tally) -> Iterator[Hunk]:
    """Yield hunks as git would print them with ``keep`` lines of context."""
    changed = [place for place, line in enumerate(hunk.body) if line[:1] != " "]
    if not changed:
        yield hunk
        return
    groups: list[list[int]] = []
    for place in changed:
        if groups and place - groups[-1][1] <= 2 * keep + 1:
            groups[-1][1] = place
        else:
            groups.append([place, place])
    gone = len(hunk.body)
    for first, last in groups:
        begin, end = max(0, first - keep), min(len(hunk.body), last + 1 + keep)
        gone -= end - begin
        yield _cut(hunk, begin, end)
    tally.gone["lines of context"] = tally.gone.get("lines of context", 0) + gone


def _cut(hunk: Hunk, begin: int, end: int) -> Hunk:
    body = hunk.body[begin:end]
    old, new = (_first(hunk, begin, signs) for signs in (" -", " +"))
    counts = [sum(line[:1] in signs for line in body) for signs in (" -", " +")]
    old, new = old - (counts[0] == 0), new - (counts[1] == 0)
    ranges = [f"{start}" if count == 1 else f"{start},{count}" for start, count in zip((old, new), counts, strict=True)]
    header = f"@@ -{ranges[0]} +{ranges[1]} @@{hunk.section}"
    return Hunk(hunk.start + 1 + begin, (header, *body), old, new, hunk.section)


def _first(hunk: Hunk, begin: int, signs: str) -> int:
    start = hunk.old if signs == " -" else hunk.new
    empty = not any(line[:1] in signs for line in hunk.body)
    return start + empty + sum(line[:1] in signs for line in hunk.body[:begin])


def _without_middles(hunk: Hunk, tally: Tally) -> Part:
    kept: list[str] = []
    run: list[str] = []
    for line in (*hunk.body, ""):
        if run and line[:1] != run[0][:1]:
            kept += _ends(run, tally)
            run = []
        run.append(line)
    if len(kept) == len(hunk.body):
        return hunk
    return Part(hunk.start, (f"{hunk.lines[0]}", *kept))


def _ends(run: list[str], tally: Tally) -> list[str]:
    if len(run) <= _RUN:
        return run
    what = "added lines" if run[0][:1] == "+" else "removed lines" if run[0][:1] == "-" else "lines of context"
    return [*run[:_HEAD], tally.note(what, len(run) - _HEAD - _FOOT), *run[-_FOOT:]]


def _short_message(commit: Commit, level: Level, tally: Tally) -> Commit:
    kept: list[str] = []
    gone = 0
    body = False
    for line in commit.message:
        boring = bool(_TRAILER.match(line) or _BUMP.match(line) or line in ("---", "...", "updated-dependencies:"))
        if level > Level.LIGHT:
            boring |= body and not (level is Level.MEDIUM and _TELLING.search(line))
            body |= not line
        gone += boring
        kept += [] if boring else [line]
    while kept and not kept[-1]:
        kept.pop()
    if not gone:
        return commit
    return replace(commit, message=(*kept, tally.note("lines of messages", gone)))
