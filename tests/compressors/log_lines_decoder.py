"""Turns the lossless form of a log back into the log, from the text alone; written from the legend's words."""

import re

LEGEND = re.compile(r"\[\d+ lines? in order, .*? with x, y for its (?P<slot>\S+) in turn(?P<more>.*)\]")
STAMP = re.compile(r'; for (?P<stamp>\S+) the nearest "==" line above(?P<timed>, where the row)?')
DEFINITION = re.compile(r"(\$[a-z]{1,2}) = \[\d+ (?:lines|of \d+ alike)\] (.*)", re.DOTALL)
SUMMARY = re.compile(r"    \d+ of these left out below.*")
GAP = re.compile(r"\[lines (\d+)-(\d+) left out: .*\]")
RUN = re.compile(r"(.*) \[x (\d+)\]", re.DOTALL)
ROW = re.compile(r"(\$[a-z]{1,2})(?: (.*))?", re.DOTALL)
UNITS = {"B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "ms", "s", "MHz", "GHz"}


def decode(text: str) -> str:
    """Return the original of a form that says that nothing is left out."""
    assert "lines in order, nothing left out:" in text.split("\n", maxsplit=1)[0]
    end = "\r\n" if "; line ends are CRLF." in text.split("\n", maxsplit=1)[0] else "\n"
    return end.join(shown(text).values())


def shown(text: str) -> dict[int, str]:
    """Return the lines that a form shows, without their ends, by their numbers from 1."""
    legend, *lines = text.split("\n")
    slot, more = LEGEND.fullmatch(legend).group("slot", "more")
    stamp = STAMP.match(more)
    templates: dict[str, str] = {}
    while lines and (definition := DEFINITION.fullmatch(lines[0])):
        templates[definition[1]] = definition[2]
        lines.pop(0)
        if "nothing left out" not in legend and lines and SUMMARY.fullmatch(lines[0]):
            lines.pop(0)
    found: dict[int, str] = {}
    number, heading = 1, ""
    for line in lines:
        if gap := GAP.fullmatch(line):
            assert int(gap[1]) == number
            number = int(gap[2]) + 1
        elif line.startswith("== "):
            heading = line[3:-1]
        elif line.startswith("\\"):
            found[number] = line[1:]
            number += 1
        else:
            run = RUN.fullmatch(line)
            one, count = (run[1], int(run[2])) if run else (line, 1)
            found |= dict.fromkeys(range(number, number + count), original(one, templates, slot, stamp, heading))
            number += count
    return found


def original(line: str, templates: dict[str, str], slot: str, stamp: re.Match[str] | None, heading: str) -> str:
    """Return the line that a row stands for; any other line is itself."""
    row = ROW.fullmatch(line)
    if row is None:
        return line
    values: list[str] = []
    for word in (row[2] or "").split(" ") if row[2] is not None else []:
        if word in UNITS:
            values[-1] += f" {word}"
        else:
            values.append(word)
    template = templates[row[1]]
    moment = ""
    if stamp is not None and stamp["stamp"] in template:
        moment = heading.replace(slot, values.pop(0)) if stamp["timed"] else heading
    pieces = template.split(slot)
    assert len(pieces) == len(values) + 1, line
    line = pieces[0] + "".join(value + piece for value, piece in zip(values, pieces[1:], strict=True))
    return line.replace(stamp["stamp"], moment) if stamp is not None else line
