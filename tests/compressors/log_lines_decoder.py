"""Turns the lossless form of a log back into the log, from the text alone; written from the legend's words."""

import re

LEGEND = re.compile(r"\[\d+ lines? in order, .*? with x, y for its (?P<slot>\S+) in turn(?P<more>.*)\]")
AGAIN = re.compile(r"; (\S+) is the first \S+ again")
STAMP = re.compile(r'; for (?P<stamp>\S+) the nearest "==" line above(?P<timed>, where the row)?')
DEFINITION = re.compile(r"(\$[A-Za-z]{1,2}) = \[\d+ (?:lines|of \d+ alike|of these)\] (.*)", re.DOTALL)
SUMMARY = re.compile(r"    \d+ of these left out below.*")
GAP = re.compile(r"\[lines (\d+)-(\d+) left out: .*\]")
OVERWRITTEN = re.compile(r"; a line with (\S) overwrote the line before it")
GONE = re.compile(r"; (\S+) stands for what is left out")
RUN = re.compile(r"(.*) \[x (\d+)\]", re.DOTALL)
GROUP = re.compile(r"((?:\$[A-Za-z]{1,2}){2,}) = (\$[A-Za-z]{1,2}(?: \d+)*(?:, \$[A-Za-z]{1,2}(?: \d+)*)+)")
ROW = re.compile(r"((?:\$[A-Za-z]{1,2})+)(?: (.*))?", re.DOTALL)
ALIAS = re.compile(r"\$[A-Za-z]{1,2}")
UNITS = {"B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "ms", "s", "MHz", "GHz"}


def decode(text: str) -> str:
    """Return the original of a form that says that nothing is left out."""
    assert "lines in order, nothing left out:" in text.split("\n", maxsplit=1)[0]
    end = "\r\n" if "; line ends are CRLF." in text.split("\n", maxsplit=1)[0] else "\n"
    original = end.join(shown(text).values())
    overwritten = OVERWRITTEN.search(text.split("\n", maxsplit=1)[0])
    return original.replace(f"\n{overwritten[1]}", "\r") if overwritten else original


def shown(text: str) -> dict[int, str]:
    """Return the lines that a form shows, without their ends, by their numbers from 1.

    What is left out of a line that is shown in part is marked in it as it is in the form.
    """
    legend, *lines = text.split("\n")
    slot, more = LEGEND.fullmatch(legend).group("slot", "more")
    stamp = STAMP.search(more)
    templates: dict[str, str] = {}
    while lines and (definition := DEFINITION.fullmatch(lines[0])):
        templates[definition[1]] = definition[2]
        lines.pop(0)
        if "nothing left out" not in legend and lines and SUMMARY.fullmatch(lines[0]):
            lines.pop(0)
    groups: dict[str, list[tuple[str, list[int]]]] = {}
    while lines and (group := GROUP.fullmatch(lines[0])):
        members = [member.split(" ") for member in group[2].split(", ")]
        groups[group[1]] = [(name, list(map(int, places))) for name, *places in members]
        lines.pop(0)
    gone = GONE.search(more)
    reader = Reader(templates, groups, slot, stamp, more)
    found: dict[int, str] = {}
    number = 1
    for line in lines:
        if gap := GAP.fullmatch(line):
            assert int(gap[1]) == number
            number = int(gap[2]) + 1
        elif gone and (row := ROW.fullmatch(line)) and row[2] == gone[1]:
            number += len(ALIAS.findall(row[1]))
        elif line.startswith("== "):
            reader.heading = line[3:-1]
        else:
            run = None if line.startswith("\\") else RUN.fullmatch(line)
            one, count = (run[1], int(run[2])) if run else (line, 1)
            for original in reader.originals(one) * count:
                found[number] = original
                number += 1
    return found


class Reader:
    """Reads rows; remembers what the rows above said."""

    def __init__(
        self,
        templates: dict[str, str],
        groups: dict[str, list[tuple[str, list[int]]]],
        slot: str,
        stamp: re.Match[str] | None,
        more: str,
    ) -> None:
        self.templates, self.groups, self.slot, self.stamp = templates, groups, slot, stamp
        self.heading = self.time = ""
        again = AGAIN.search(more)
        self.again = re.escape(again[1]).replace("1", r"\d+") if again else r"\0"

    def originals(self, line: str) -> list[str]:
        """Return the lines that a row stands for; any other line is itself."""
        if line.startswith("\\"):
            return [line[1:]]
        row = ROW.fullmatch(line)
        if row is None:
            return [line]
        values: list[str] = []
        for word in row[2].split(" ") if row[2] is not None else []:
            if word in UNITS:
                values[-1] += f" {word}"
            else:
                values.append(word)
        names = ALIAS.findall(row[1])
        if self.is_timed(names[0]):
            self.time = values[0] = self.time if values[0] == '"' else values[0]
        group = self.groups.get(row[1]) or [(name, list(range(1, len(values) + 1))) for name in names]
        return [self.original(name, [values[place - 1] for place in places]) for name, places in group]

    def is_timed(self, name: str) -> bool:
        """Tell whether the first value of a line of this template is its time."""
        return self.stamp is not None and bool(self.stamp["timed"]) and self.stamp["stamp"] in self.templates[name]

    def original(self, name: str, values: list[str]) -> str:
        """Return the line of a template with these values."""
        moment = self.heading.replace(self.slot, values.pop(0)) if self.is_timed(name) else self.heading
        given = iter(values)
        parts = re.split(rf"({re.escape(self.slot)}|{self.again})", self.templates[name])
        for at, part in enumerate(parts[1::2]):
            parts[2 * at + 1] = next(given) if part == self.slot else values[int(re.sub(r"\D", "", part)) - 1]
        assert not list(given), name
        line = "".join(parts)
        return line.replace(self.stamp["stamp"], moment) if self.stamp is not None else line
