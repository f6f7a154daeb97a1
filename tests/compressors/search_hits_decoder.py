"""Turns the form of ``search_hits`` back, knowing only what its note says."""

import re

_NOTE = re.compile(
    r"\[(?:\d+ matches: each|Each) path or directory stands once, above its lines\."
    r'(?: "3,9:text" is the same text at both lines\.)?'
    r"(?P<on> A line without a number is the next one\.)?"
    r'(?: Lines without ":" came with (?P<root>.*) before the path\.)?'
    r"(?: (?:\S+ to )?(?P<last>\S+) stands? for what is given first\.)?\]"
)
_ROW = re.compile(r"(\d+(?:,\d+)*)([:-])(.*)", re.DOTALL)


def decode(text: str) -> str:
    """Return the lines with their paths in front."""
    body = text.removesuffix("\n")
    note, *lines = body.split("\n")
    if note == "[Numbers that only count on are left out: a line without one is the next one.]":
        return "\n".join(counted(lines)) + text[len(body) :]
    match = _NOTE.fullmatch(note)
    assert match is not None
    root = match["root"] or ""
    if match["last"]:
        count = int(match["last"][1:])
        names = dict(line.split(" = ", 1) for line in lines[:count])
        lines = [named(line, names, match["last"][0]) for line in lines[count:]]
    heading, found = "(no path)", []
    below: list[tuple[int, str]] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line == "":
            at += 1
            if lines[at] == "":
                below.append((0, ""))
            else:
                found += in_order(below)
                below = []
                heading = lines[at]
        elif heading == "(no path)" or line == "--":
            below.append((0, line))
        elif match["on"] and not heading.endswith("/") and not _ROW.match(line) and line[0] not in ":-":
            number = abs(below[-1][0]) + 1
            whole = f"{heading}-{number}-{line}"
            below.append((-number, whole if ":" in whole else root + whole))
        else:
            below += [(number, whole if ":" in whole else root + whole) for number, whole in with_path(heading, line)]
        at += 1
    return "\n".join([*found, *in_order(below)]) + text[len(body) :]


def counted(lines: list[str]) -> list[str]:
    found, number = [], 0
    for line in lines:
        match = re.match(r"(\d+)[:-]", line)
        number = int(match[1]) if match is not None else number + 1 if number and line not in ("", "--") else 0
        found.append(f"{number}-{line}" if match is None and number else line)
    return found


def named(line: str, names: dict[str, str], mark: str) -> str:
    return re.sub(rf"\{mark}\d+", lambda found: names[found[0]], line)


def with_path(heading: str, row: str) -> list[tuple[int, str]]:
    """Return the lines that a row stands for, each with its number, or 0."""
    match = None if heading.endswith("/") else _ROW.match(row)
    if match is None:
        return [(0, heading + row)]
    numbers, mark, rest = match.groups()
    many = "," in numbers
    return [(int(n) if many else -int(n), f"{heading}{mark}{n}{mark}{rest}") for n in numbers.split(",")]


def in_order(below: list[tuple[int, str]]) -> list[str]:
    """Where one text stands for several lines, all stand in the order of their numbers."""
    if any(number > 0 for number, _ in below):
        below = sorted(below, key=lambda numbered: abs(numbered[0]))
    return [line for _, line in below]
