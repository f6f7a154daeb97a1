"""Turns the lossless form of ``diff_hunks`` back, knowing only what its legend says."""

import re

_HEAD = re.compile(
    r"=== (?P<old>\S+)(?: => (?P<new>\S+))?(?P<bare> \(no names\))?(?:, (?P<kind>(?!index ).*?))??"
    r"(?:[,;] index (?P<index>\S+(?: \d{6})?))?\Z"
)
_SHORT = re.compile(r"@@ (\d+) @@(.*)\Z", re.DOTALL)
_LONG = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ROW = re.compile(r" +(\S(?:.*\S)?) \| (\d+(?: [+-]+)?|Bin .*)\Z")
_PERSON = re.compile(r"(\S.*?) (<[^<>]*>)\Z")


class _Reader:
    def __init__(self, text: str) -> None:
        legend, *self.lines = text.split("\n")
        self.fuller = "committer" in legend
        width = re.search(r"padded to (\d+) characters", legend)
        self.cut = int(width[1]) if width else 0
        self.at = 0
        self.shift = 0
        self.section = ""
        self.mail: dict[str, str] = {}
        self.out: list[str] = []

    def read(self) -> str:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.startswith("=== "):
                self.file_head(line)
            elif line.startswith("commit ") and " | " in line:
                self.commit(line)
            elif _SHORT.match(line) or _LONG.match(line):
                self.hunk(line)
            elif re.match(r" \S.*/\Z", line) or _ROW.match(line):
                self.stat()
            else:
                if line.startswith(("diff --git ", "--- ")):
                    self.shift, self.section = 0, ""
                self.out.append(line)
                self.at += 1
        return "\n".join(self.out)

    def file_head(self, line: str) -> None:
        match = _HEAD.match(line)
        assert match is not None
        old, new, kind = match["old"], match["new"] or match["old"], match["kind"] or ""
        self.out.append(f"diff --git a/{old} b/{new}")
        self.out += kind.split("; ") if kind else []
        self.out += [f"index {match['index']}"] if match["index"] else []
        if not match["bare"]:
            self.out.append("--- /dev/null" if kind.startswith("new file") else f"--- a/{old}")
            self.out.append("+++ /dev/null" if kind.startswith("deleted file") else f"+++ b/{new}")
        self.shift, self.section = 0, ""
        self.at += 1

    def hunk(self, line: str) -> None:
        short = _SHORT.match(line)
        end = self.at + 1
        while end < len(self.lines) and self.lines[end][:1] in (" ", "+", "-", "\\"):
            end += 1
        end = end if short else self.counted(line, end)
        body = self.lines[self.at + 1 : end]
        self.at = end
        if not (short or body):
            self.out.append(line)
            return
        old, new = (sum(row[:1] in signs for row in body) for signs in (" -", " +"))
        if short:
            first_new = int(short[1])
            self.section = self.section if short[2] == ' "' else short[2]
            first_old = first_new - self.shift
            self.out.append(
                f"@@ -{_range(first_old - (old == 0), old)} +{_range(first_new - (new == 0), new)} @@{self.section}"
            )
        else:
            long = _LONG.match(line)
            assert long is not None
            self.section = line[long.end() :]
            self.out.append(line)
            first_old, first_new = int(long[1]) + (old == 0), int(long[3]) + (new == 0)
        self.shift = first_new - first_old + new - old
        self.out += body

    def counted(self, line: str, most: int) -> int:
        """Return where a hunk with counts ends; where it begins if they do not fit."""
        match = _LONG.match(line)
        assert match is not None
        wanted = [int(match[2] or 1), int(match[4] or 1)]
        found, end = [0, 0], self.at + 1
        while end < most and found != wanted:
            found = [count + (self.lines[end][:1] in signs) for count, signs in zip(found, (" -", " +"), strict=True)]
            end += 1
        if found != wanted and "".join(self.lines[end : end + 2]):
            return self.at + 1
        return end + (end < len(self.lines) and self.lines[end].startswith("\\"))

    def commit(self, line: str) -> None:
        name, *fields = line.split(" | ")
        self.out.append(name)
        if fields[0].startswith("Merge: "):
            self.out.append(fields.pop(0))
        author, date, *rest = fields
        author = self.person(author)
        if self.fuller:
            committer = self.person(rest[0]) if rest else author
            self.out += [
                f"Author:     {author}",
                f"AuthorDate: {date}",
                f"Commit:     {committer}",
                f"CommitDate: {rest[1] if len(rest) > 1 else date}",
            ]
        else:
            self.out += [f"Author: {author}", f"Date:   {date}"]
        self.out.append("")
        self.at += 1
        while self.at < len(self.lines) and self.lines[self.at].startswith(" "):
            self.out.append("   " + self.lines[self.at])
            self.at += 1

    def person(self, said: str) -> str:
        match = _PERSON.match(said)
        if match:
            self.mail[match[1]] = match[2]
            return said
        return f"{said} {self.mail[said]}" if said in self.mail else said

    def stat(self) -> None:
        rows: list[tuple[str, str]] = []
        above = ""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            row = _ROW.match(line)
            if row:
                rows.append(((above if line.startswith("  ") else "") + row[1], row[2]))
            elif re.match(r" \S.*/\Z", line):
                above = line[1:]
            else:
                break
            self.at += 1
        counts = ["Bin" if change.startswith("Bin") else change.split(" ")[0] for _, change in rows]
        width, digits = max(len(path) for path, _ in rows), max(map(len, counts))
        if any(path.startswith("...") for path, _ in rows):
            width = max(width, self.cut)
        self.out += [
            f" {path:<{width}} | {count:>{digits}}{change.removeprefix(count)}"
            for (path, change), count in zip(rows, counts, strict=True)
        ]


def _range(start: int, count: int) -> str:
    return f"{start}" if count == 1 else f"{start},{count}"


def decode(text: str) -> str:
    """Return what git printed."""
    return _Reader(text).read()
