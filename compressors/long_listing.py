"""Listings of ``ls -l``: what most files have in common, and most directories, is said once."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from headroom_mitm.compressors.tree_gaps import Item

_DATE = r"(?:[A-Z][a-z]{2} [ \d]\d|\d?\d [A-Z][a-z]{2}) (?: \d{4}|\d\d:\d\d)|\d{4}-\d\d-\d\d \d\d:\d\d"
_ROW = re.compile(rf"([-dlbcps][-rwxsStT]{{9}}[.+@]?) +(\d+) +(\S+) +(\S+) +([\d.,]+[KMGTP]?) ({_DATE}) (.+)")
_SHORT = re.compile(r"[\d.,]+[KMGTP]? ")
_FEWEST_ALIKE = 3
_SAME_DATE = 0.6  # share of the rows that must have one date for it to be said once
_PLACEHOLDER = re.compile(r'LINKS|SIZE|DATE|NAME|"')
_MARKS = ("", "*", "/")  # behind names of files, of programs and of directories, as by ls -F


@dataclass(frozen=True, slots=True)
class Row:
    """The columns of a line. ``size`` and ``links`` are as written: digits, a unit."""

    mode: str
    links: str
    owner: str
    group: str
    size: str
    date: str
    name: str

    @property
    def mark(self) -> str | None:
        """What ls -F would put behind the name; None for links and devices, which stay as they are."""
        if self.mode[0] == "-":
            return "*" if "x" in self.mode else ""
        return "/" if self.mode[0] == "d" else None

    def alike(self) -> tuple[str, str, str, str]:
        """What rows of one kind share: files differ in size, directories in links."""
        return (self.mode, self.owner, self.group, self.size if self.mark == "/" else self.links)

    def aligned(self, ends: "Ends") -> str:
        """Return the line as ls writes it."""
        text = self.mode + self.links.rjust(ends.links - len(self.mode))
        text = text.ljust(ends.owner) + self.owner
        text = text.ljust(ends.group) + self.group
        return f"{text}{self.size.rjust(ends.size - len(text))} {self.date} {self.name}"


class Ends(NamedTuple):
    """Where columns end, and, of owner and group, where they begin."""

    links: int
    owner: int
    group: int
    size: int

    @classmethod
    def of_line(cls, line: str) -> "Ends | None":
        """Return those of one line."""
        match = _ROW.fullmatch(line)
        return cls(match.end(2), match.start(3), match.start(4), match.end(5)) if match is not None else None

    @classmethod
    def of_rows(cls, rows: Sequence[Row]) -> "Ends":
        """Return those of rows that stand together, each column as wide as its widest entry."""
        columns = zip(*((row.mode, row.links, row.owner, row.group, row.size) for row in rows), strict=True)
        mode, links, owner, group, size = (max(map(len, column)) for column in columns)
        owner_start = mode + 1 + links + 1
        group_start = owner_start + owner + 1
        return cls(owner_start - 1, owner_start, group_start, group_start + group + 1 + size)


def read(line: str) -> Row | str:
    """Take a line apart; one that is no row stays whole."""
    match = _ROW.fullmatch(line)
    return Row(*match.groups()) if match is not None else line


def items(lines: Sequence[str]) -> list[Item]:
    """Return the files of ``ls -lR``, and with them the lines of their directories."""
    found = []
    directory = ""
    for number, line in enumerate(lines):
        row = read(line)
        if isinstance(row, Row):
            size = int(row.size) if row.size.isdigit() and row.mark != "/" else None
            found.append(Item(directory, "" if row.name in (".", "..") else row.name, number, size))
        elif line.endswith(":"):
            directory = line[:-1] + "/"
            found.append(Item(directory, "", number))
        elif line.startswith("total "):
            found.append(Item(directory, "", number))
        elif not line and number + 1 < len(lines):  # before the next directory
            found.append(Item(lines[number + 1][:-1] + "/", "", number))
    return found


def written(lines: Sequence[str]) -> str | None:
    """Return the listing in its shorter form; None where too few rows are alike."""
    read_lines = [read(line) for line in lines]
    if any(isinstance(line, str) and _SHORT.match(line) for line in read_lines):
        return None
    rows = [line for line in read_lines if isinstance(line, Row)]
    kinds: dict[str | None, _Kind] = {
        mark: kind for mark in _MARKS if (kind := _kind([row for row in rows if row.mark == mark], mark))
    }
    if not kinds:
        return None
    out = [f"[ls -l, shortened: {'; '.join(kind.legend() for kind in kinds.values())}.]"]
    for is_row, group in groupby(zip(read_lines, lines, strict=True), key=lambda both: isinstance(both[0], Row)):
        block = list(group)
        verbatim = [line for _, line in block]
        out += _block([row for row, _ in block if isinstance(row, Row)], verbatim, kinds) if is_row else verbatim
    return "\n".join(out)


def _block(rows: Sequence[Row], lines: Sequence[str], kinds: Mapping[str | None, "_Kind"]) -> list[str]:
    """Return rows that stand together. Columns are as in the first that is written as it was, if there is one.

    Where not all would come back in this way, the first is, for that reason; and if this does not help, all are.
    """
    shorts = [kind.short(row) if (kind := kinds.get(row.mark)) else None for row in rows]
    whole = next((line for short, line in zip(shorts, lines, strict=True) if short is None), None)
    tries = [(Ends.of_line(whole) if whole is not None else Ends.of_rows(rows), shorts)]
    tries.append((Ends.of_line(lines[0]), [None, *shorts[1:]]))
    for ends, shown in tries:
        if ends and all(
            short is None or row.aligned(ends) == line for row, short, line in zip(rows, shown, lines, strict=True)
        ):
            return [line if short is None else short for short, line in zip(shown, lines, strict=True)]
    return list(lines)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Rows alike, and what is left of each in the short form."""

    alike: tuple[str, str, str, str]
    date: str
    """Empty where rows show their own."""
    mark: str

    def short(self, row: Row) -> str | None:
        """Return the short form of a row of this mark; None if it is not alike, or if its name has a mark already."""
        if row.alike() != self.alike or self.date not in ("", row.date) or row.name.endswith(("/", "*")):
            return None
        return (
            f"{row.links if self.mark == '/' else row.size}{'' if self.date else ' ' + row.date} {row.name}{self.mark}"
        )

    def legend(self) -> str:
        """Return what the short form stands for."""
        mode, owner, group, fixed = self.alike
        links, size = ("LINKS", fixed) if self.mark == "/" else (fixed, "SIZE")
        short = f"{links if self.mark == '/' else size}{'' if self.date else ' DATE'} NAME{self.mark}"
        return f'"{short}" stands for "{mode} {links} {owner} {group} {size} {self.date or "DATE"} NAME"'


def _kind(rows: Sequence[Row], mark: str) -> _Kind | None:
    """Return what most rows of a mark have in common, if any are alike."""
    most = Counter(row.alike() for row in rows).most_common(1)
    if not most or most[0][1] < _FEWEST_ALIKE:
        return None
    alike, count = most[0]
    if _PLACEHOLDER.search(" ".join(alike)):
        return None
    date, same = Counter(row.date for row in rows if row.alike() == alike).most_common(1)[0]
    return _Kind(alike, date if same >= _SAME_DATE * count else "", mark)
