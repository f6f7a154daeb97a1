"""Turns the form of ``table_rows`` back, knowing only what its note and the lines with ``>`` say."""

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise

_NOTE = re.compile(
    r"\[(?:\d+ tables|1 table of \d+ rows), nothing left out: "
    r'(?:below "> columns \(rows\)" stand the rows, (?:a tab|"(?P<sep>.)") between values(?:; )?)?'
    r'(?:"> columns = values" is one row(?:, (?:a tab|"(?P<one>.)") between values)?)?'
    r'(?:; other ">" lines hold for all rows)?(?:; "==" lines for the rows below them)?'
    r'(?:; "LINE 1 \^8" points at character 8 of the line above the error)?'
    r"(?:; (?:(?P<first>\S+) to )?(?P<last>\S+) stands? for what is given first)?"
    r'(?:; a first "\\" is no part of its line)?(?P<crlf>; line ends are CRLF)?'
    r"; in the original (?P<style>.*)\.\]"
)
_NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?%?")
_BORDERS = {
    "by psql": ("", "-+-", ""),
    "with +---+": ("+-+-+", "+-+-+", "+-+-+"),
    "with ┌───┐": ("┌─┬─┐", "├─┼─┤", "└─┴─┘"),
    "in markdown": ("", "|-|-|", ""),
    "in columns": ("", "-  -", ""),
    "in columns a space apart": ("", "- -", ""),
    "in columns with spaces behind": ("", "-  -", ""),
    "by psql without a count": ("", "-+-", ""),
    "in markdown with dashes apart": ("", "| - | - |", ""),
}


def decode(text: str) -> str:
    """Return the text as it was."""
    note, *lines = text.split("\n")
    match = _NOTE.fullmatch(note)
    assert match is not None, note
    if match["last"]:
        count = int(match["last"][1:])
        names = dict(line.split(" = ", 1) for line in lines[:count])
        lines = [expanded(line, names, match["last"][0]) for line in lines[count:]]
    sep = match["sep"] or match["one"] or "\t"
    found: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("> "):
            split = cells if match["style"].startswith("lines with ") else str.split
            table, at = table_at(lines, at, sep, split)
            found += written(*table, style=match["style"], sep=sep)
            continue
        place = re.fullmatch(r"LINE 1 \^(\d+)", line)
        if place:
            found += [f"LINE 1: {found[-2]}", " " * (int(place[1]) + 7) + "^"]
        else:
            found.append(line.removeprefix("\\"))
        at += 1
    return "\n".join(found) if not match["crlf"] else "\r\n".join(found)


def expanded(line: str, names: dict[str, str], mark: str) -> str:
    # A name at the beginning of a line may stand for a text with other names in it.
    for _ in range(2):
        line = re.sub(rf"\{mark}\d+", lambda found: names.get(found[0], found[0]), line)
    return line


def cells(line: str, sep: str) -> list[str]:
    if '"' not in line:
        return line.split(sep)
    found, start, quoted = [], 0, False
    for at, sign in enumerate(line):
        if sign == '"' and (quoted or at == start):
            quoted = not quoted
        if sign == sep and not quoted:
            found.append(line[start:at])
            start = at + 1
    return [*found, line[start:]]


def table_at(lines: list[str], at: int, sep: str, split: Callable[[str, str], list[str]]) -> tuple[tuple, int]:
    """Return the columns, the rows and what is on the right, and the line behind the table."""
    one = lines[at][2:].split(" = ", 1)
    if len(one) == 2:
        return (split(one[0], sep), [split(one[1], sep)], None), at + 1
    match = re.fullmatch(r"> (.*) \((\d+)\)", lines[at])
    assert match is not None
    names, count = split(match[1], sep), int(match[2])
    at += 1
    right, fixed, followers, above = None, {}, {}, []
    if at < len(lines) and (said := re.fullmatch(r"> on the right: ([\d ]*)", lines[at])):
        right, at = [int(one) - 1 for one in said[1].split()], at + 1
    for kind in ("> in all rows: ", "> unless said: "):
        if at < len(lines) and lines[at].startswith(kind):
            fixed |= {
                names.index(pair.split("=")[0]): pair.split("=", 1)[1] for pair in lines[at][len(kind) :].split(sep)
            }
            at += 1
    begins, at = affixes(lines, at, names, "begins")
    ends, at = affixes(lines, at, names, "ends")
    while at < len(lines) and (said := re.fullmatch(r"> by (.*?) \((\d+)\): (.*)", lines[at])):
        columns = [names.index(name) for name in split(said[3], sep)]
        listed = [split(line[2:], sep) for line in lines[at + 1 : at + 1 + int(said[2])]]
        followers[names.index(said[1])] = {one[0]: dict(zip(columns, one[1:], strict=True)) for one in listed}
        at += 1 + int(said[2])
    if at < len(lines) and lines[at].startswith("> == "):
        above = [names.index(name) for name in split(lines[at][5:], sep)]
        at += 1
    blank = {}
    if at < len(lines) and lines[at].startswith("> where empty: "):
        pairs = lines[at].removeprefix("> where empty: ").split(sep)
        blank = {names.index(name): value for name, _, value in (pair.partition("=") for pair in pairs)}
        at += 1
    gone = {*fixed, *above, *(column for known in followers.values() for one in known.values() for column in one)}
    inside = [column for column in range(len(names)) if column not in gone]
    if gone:
        assert lines[at] == "> " + sep.join(names[column] for column in inside)
        at += 1
    rows, heading = [], {}
    while len(rows) < count:
        line = lines[at]
        at += 1
        if above and line.startswith("== "):
            heading = dict(zip(above, split(line[3:], sep), strict=True))
            continue
        own = split(line, sep)
        row = fixed | heading
        for column, cell in zip(inside, own, strict=False):
            row[column] = begins.get(column, "") + cell + ends.get(column, "")
        row |= {column: value for column, value in blank.items() if not row[column]}
        for pair in own[len(inside) :]:
            row[names.index(pair.split("=")[0])] = pair.split("=", 1)[1]
        for key, known in followers.items():
            row |= known[row[key]]
        rows.append([row[column] for column in range(len(names))])
    return (names, rows, right), at


def affixes(lines: list[str], at: int, names: list[str], kind: str) -> tuple[dict[int, str], int]:
    found = {}
    while at < len(lines) and (said := re.fullmatch(rf'> (.*) {kind} with "(.*)"', lines[at])):
        found[names.index(said[1])] = said[2]
        at += 1
    return found, at


def written(names: list[str], rows: list[list[str]], right: list[int] | None, *, style: str, sep: str) -> list[str]:
    if style.startswith("lines with "):
        rule = style.partition(", quoted where they ")[2]
        return [sep.join(quoted(cell, rule) for cell in row) for row in (names, *rows)]
    if style.startswith("one field a line by "):
        return fields(names, rows, *re.findall(r"by (\w+)(?:, (\d+) wide)?", style)[0])
    if style.startswith("at fixed places, "):
        places = [int(place) for place in re.findall(r"(?<= )-?\d+(?=[, ])", style)]
        return [placed(row, places) for row in (names, *rows)]
    if style.startswith("columns "):
        starts = [int(one) for one in style.partition(" begin at ")[2].split(", ") if one]
        gap, padded = 0 if starts else int(style.split()[1]), style.endswith("padded")
        wide = [max(map(wide_of, column)) + gap for column in zip(names, *rows, strict=True)]
        if starts:
            wide[:-1] = [end - start for start, end in pairwise(starts)]
        lines = [
            "".join(cell + " " * (size - wide_of(cell)) for cell, size in zip(row, wide, strict=True))
            for row in (names, *rows)
        ]
        return (
            lines
            if padded
            else [
                line[: len(line) - wide[-1] + wide_of(row[-1])] for line, row in zip(lines, (names, *rows), strict=True)
            ]
        )
    frame, centered, numbers = re.fullmatch(r"drawn (.*), names (.*), numbers on the (.*)", style).groups()  # type: ignore[union-attr]
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in names]
    least = 3 if frame == "in markdown with dashes apart" else 0
    wide = [max([least, wide_of(name), *map(wide_of, column)]) for name, column in zip(names, columns, strict=True)]
    if right is None:
        right = [at for at, column in enumerate(columns) if numbers == "right" and numeric(column)]
    pad = "" if frame.startswith("in columns") else " "
    between = _BORDERS[frame][1].strip("-") if not pad else "│" if frame == "with ┌───┐" else "|"
    edge = between if pad and not frame.startswith("by psql") else ""

    def row_of(row: list[str], *, last: bool) -> str:
        shown = [
            cell if at == len(row) - 1 and not last else cell + " " * (wide[at] - wide_of(cell))
            for at, cell in enumerate(row)
        ]
        shown = [
            " " * (wide[at] - wide_of(row[at])) + row[at] if at in right else cell for at, cell in enumerate(shown)
        ]
        end = pad if edge else ""
        return f"{edge}{pad}{f'{pad}{between}{pad}'.join(shown)}{end}{edge}"

    heads = [
        middle(name, size) if centered == "in the middle" else name + " " * (size - wide_of(name))
        for name, size in zip(names, wide, strict=True)
    ]
    padded = bool(edge) or frame.endswith(" behind")
    if not padded and not pad:
        heads[-1] = names[-1]
    head = f"{edge}{pad}{f'{pad}{between}{pad}'.join(heads)}{pad}{edge}"
    top, under, bottom = (border(kind, wide, len(pad)) for kind in _BORDERS[frame])
    body = [row_of(row, last=padded) for row in rows]
    drawn = [*([top] if top else []), head, under, *body, *([bottom] if bottom else [])]
    return drawn + ([f"({len(rows)} row{'' if len(rows) == 1 else 's'})", ""] if frame == "by psql" else [])


def placed(row: list[str], places: list[int]) -> str:
    line = ""
    for place, cell in zip(places, row, strict=True):
        if cell and not cell.startswith(" "):
            start = -place - len(cell) if place < 0 else place
            line += " " * max(start - len(line), 1 if line else 0)
        line += cell
    return line


def quoted(cell: str, rule: str) -> str:
    if not rule or cell.startswith('"'):
        return cell
    needs = not _NUMBER.fullmatch(cell) if rule == "are no numbers" else re.search(r"[^!-~]|'|\"", cell)
    return f'"{cell}"' if needs else cell


def border(kind: str, wide: list[int], pad: int) -> str:
    if len(kind) <= 4:
        return kind[1:-1].join(kind[0] * (size + 2 * pad) for size in wide) if kind else ""
    first, dash, cross, _, last = kind.split() if " " in kind else kind
    if " " in kind:
        return f"{first} {f' {cross} '.join(dash * size for size in wide)} {last}"
    return first + cross.join(dash * (size + 2 * pad) for size in wide) + last


def fields(names: list[str], rows: list[list[str]], program: str, size: str) -> list[str]:
    wide = max(map(wide_of, names))
    lines: list[str] = []
    for number, row in enumerate(rows, 1):
        if program == "psql":
            whole = ("-" * (wide + 1) + "+" + "-" * int(size))[: int(size)]
            begins = f"-[ RECORD {number} ]"
            lines.append(begins + whole[len(begins) :])
            lines += [f"{name + ' ' * (wide - wide_of(name))} | {cell}" for name, cell in zip(names, row, strict=True)]
        elif program == "mysql":
            lines.append(f"{'*' * 27} {number}. row {'*' * 27}")
            lines += [f"{' ' * (wide - wide_of(name))}{name}: {cell}" for name, cell in zip(names, row, strict=True)]
        else:
            lines += [""] if number > 1 else []
            lines += [
                f"{' ' * (max(5, wide) - wide_of(name))}{name} = {cell}" for name, cell in zip(names, row, strict=True)
            ]
    return lines


def numeric(column: tuple[str, ...]) -> bool:
    filled = [cell for cell in column if cell not in ("", "NULL")]
    return bool(filled) and all(_NUMBER.fullmatch(cell) for cell in filled)


def middle(text: str, size: int) -> str:
    free = size - wide_of(text)
    return " " * (free // 2) + text + " " * (free - free // 2)


def wide_of(text: str) -> int:
    return sum(
        2 if unicodedata.east_asian_width(one) in "WF" else 0 if unicodedata.combining(one) else 1 for one in text
    )
