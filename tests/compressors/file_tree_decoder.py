"""Turns the forms of ``file_tree`` back, knowing only what their notes say."""

import re

_LIST = re.compile(
    r"\[\d+ paths: each directory stands once, above its (?P<kind>names|lines)\."
    r"(?P<drawn> They were drawn by tree(?P<plain>, with plain spaces)?"
    r"(?:, cut where levels (?P<open>[\d, ]+) go on)?\.)?"
    r'(?: "(?P<start>.*?)" is left out in front of each\.)?'
    r'(?P<braces> "a\{1,2\}\.b" stands for a1\.b and a2\.b\.)?\]'
)
_PACKAGES = re.compile(
    r"^\[\d+ entries of a tree, drawn as by ([^:\n]*): a space more in front is a level deeper,"
    r' "; " is between neighbours\.'
    r'((?: "[^"\n]*" stands for "[^"\n]*"\.)*)(?: Cut where levels ([\d, ]+) go on\.)?\]$',
    re.MULTILINE,
)
_DRAWN = {
    "npm ls": ("│ ", "  ", "├── ", "└── ", "├─┬ ", "└─┬ "),
    "cargo tree": ("│   ", "    ", *("├── ", "└── ") * 2),
    "gradle": ("|    ", "     ", *("+--- ", "\\--- ") * 2),
    "mvn": ("|  ", "   ", *("+- ", "\\- ") * 2),
    "tree in ASCII": ("|   ", "    ", *("|-- ", "`-- ") * 2),
}
_LISTING = re.compile(r'\[ls -l, shortened: ((?:"[^"]*" stands for "[^"]*"(?:; )?)+)\.\]')
_STANDS = re.compile(r'"([^"]*)" stands for "([^"]*)"')
_NAME = re.compile(r'"([^"]*)"|(\S+)')
_DATE = r"(?:[A-Z][a-z]{2} [ \d]\d|\d?\d [A-Z][a-z]{2}) (?: \d{4}|\d\d:\d\d)|\d{4}-\d\d-\d\d \d\d:\d\d"
_ROW = re.compile(rf"([-dlbcps][-rwxsStT]{{9}}[.+@]?) +(\d+) +(\S+) +(\S+) +([\d.,]+[KMGTP]?) ({_DATE}) (.+)")


def decode(text: str) -> str:
    """Return the text as it was."""
    body = text.removesuffix("\n")
    if re.search(_PACKAGES, body):
        return "\n".join(packages(body.split("\n"))) + text[len(body) :]
    note, *lines = body.split("\n")
    listing = _LISTING.fullmatch(note)
    back = long_rows(lines, dict(_STANDS.findall(listing[1]))) if listing is not None else path_lines(lines, note)
    return "\n".join(back) + text[len(body) :]


def packages(lines: list[str]) -> list[str]:
    at = next(at for at, line in enumerate(lines) if re.match(_PACKAGES, line))
    match = re.fullmatch(_PACKAGES, lines[at])
    assert match is not None
    end = lines.index("", at) if "" in lines[at:] else len(lines)
    marks = dict(re.findall(r' "([^"]*)" stands for "([^"]*)"\.', match[2]))
    nodes = []
    for row in lines[at + 1 : end]:
        depth = len(row) - len(row.lstrip(" "))
        for name in row[depth:].split("; "):
            mark = next((mark for mark in marks if name.endswith(mark)), "")
            nodes.append((depth, name[: len(name) - len(mark)] + marks.get(mark, "")))
    goes_on = levels(match[3])
    down, blank, *branches = _DRAWN[match[1]]
    drawn = []
    for number, (depth, name) in enumerate(nodes):
        behind = nodes[number + 1 :]
        stem = "".join(down if follows(level, behind, goes_on) else blank for level in range(depth))
        parent = bool(behind) and behind[0][0] > depth
        drawn.append(stem + branches[2 * parent + (not follows(depth, behind, goes_on))] + name)
    return lines[:at] + drawn + lines[end + 1 :]


def follows(level: int, behind: list[tuple[int, str]], goes_on: set[int]) -> bool:
    """Say whether a node of this level comes before one that is higher."""
    return next((depth == level for depth, _ in behind if depth <= level), level in goes_on)


def levels(said: str | None) -> set[int]:
    return {int(one) for one in said.split(", ")} if said else set()


def path_lines(lines: list[str], note: str) -> list[str]:
    match = _LIST.fullmatch(note)
    assert match is not None
    found = list(entries(lines, match["start"] or "", packs=match["kind"] == "names"))
    if match["braces"]:
        found = [(is_path, name) for is_path, line in found for name in (expanded(line) if is_path else [line])]
    if match["drawn"] is None:
        return [line for _, line in found]
    at = [number for number, (is_path, _) in enumerate(found) if is_path]
    paths = [line.removeprefix("./") for _, line in found[at[0] : at[-1] + 1]]
    drawn = drawing(tree(paths), "  " if match["plain"] else "\u00a0\u00a0", levels(match["open"]))
    return [line for _, line in found[: at[0]]] + drawn + [line for _, line in found[at[-1] + 1 :]]


def expanded(name: str) -> list[str]:
    match = re.fullmatch(r"(.*)\{(.*)\}(.*)", name)
    return [match[1] + one + match[3] for one in match[2].split(",")] if match is not None else [name]


def entries(lines: list[str], start: str, *, packs: bool) -> list[tuple[bool, str]]:
    """Return each line, and whether it is a path."""
    found = []
    heading = "(no directory)"
    rest = iter(lines)
    for line in rest:
        if line == "":
            following = next(rest)
            if following == "":
                found.append((False, ""))
            else:
                heading = following
        elif heading == "(no directory)":
            found.append((False, line))
        elif packs:
            found += [(True, heading + (quoted or plain)) for quoted, plain in _NAME.findall(line)]
        else:
            before, name = re.fullmatch(r"(.*\s)?(\S+)", line).groups()  # type: ignore[union-attr]
            found.append((True, start + (before or "") + heading + name))
    return found


def tree(paths: list[str]) -> list[tuple[str, list]]:
    """Return the names on top, each with what is below it."""
    top: list[tuple[str, list]] = []
    for path in paths:
        plain, arrow, target = path.partition(" -> ")
        *above, name = plain.split("/")
        below = top
        for directory in above:
            if not below or below[-1][0] != directory:
                below.append((directory, []))
            below = below[-1][1]
        below.append((name + arrow + target, []))
    return top


def drawing(top: list[tuple[str, list]], spaces: str, goes_on: set[int], depth: int = 0) -> list[str]:
    """Draw what is on one level; only behind the last line of all may levels go on."""
    lines = []
    for number, (name, below) in enumerate(top):
        ends = number == len(top) - 1
        is_last = ends and depth not in goes_on
        lines.append(("└── " if is_last else "├── ") + name)
        inside = drawing(below, spaces, goes_on if ends else set(), depth + 1)
        lines += [("    " if is_last else f"│{spaces} ") + line for line in inside]
    return lines


def long_rows(lines: list[str], stands: dict[str, str]) -> list[str]:
    """Return the rows of ls -l in the columns that those which stand together had."""
    found: list[str] = []
    block: list[tuple[bool, tuple[str, ...] | str]] = []
    for line in [*lines, None]:
        row = as_row(line, stands) if line is not None else None
        if row is not None:
            block.append(row)
            continue
        found += aligned(block)
        block = []
        found += [line] if line is not None else []
    return found


def as_row(line: str, stands: dict[str, str]) -> tuple[bool, tuple[str, ...] | str] | None:
    """Return a verbatim row as (True, line), a short one as (False, its columns); None for what is no row."""
    if _ROW.fullmatch(line):
        return True, line
    mark = line[-1:] if line[-1:] in ("/", "*") else ""
    short = next((short for short in stands if short.endswith(f"NAME{mark}")), None)
    if short is None:
        return None
    form = re.escape(short).replace("SIZE", r"(?P<size>[\d.,]+[KMGTP]?)").replace("LINKS", r"(?P<links>\d+)")
    form = form.replace("DATE", f"(?P<date>{_DATE})").replace("NAME", "(?P<name>.+)")
    match = re.fullmatch(form.replace(r"\ ", " "), line) if line[:1].isdigit() else None
    if match is None:
        return None
    whole = stands[short]
    for field, value in match.groupdict().items():
        whole = (
            value.join(whole.rsplit(field.upper(), 1)) if field == "name" else whole.replace(field.upper(), value, 1)
        )
    row = _ROW.fullmatch(whole)
    assert row is not None
    return False, row.groups()


def aligned(block: list[tuple[bool, tuple[str, ...] | str]]) -> list[str]:
    """Columns are as in the first row that stands as it was, else each is as wide as its widest entry."""
    verbatim = next((row for is_verbatim, row in block if is_verbatim), None)
    if verbatim is not None:
        match = _ROW.fullmatch(verbatim)  # type: ignore[arg-type]
        assert match is not None
        links_end, owner_start, group_start, size_end = match.end(2), match.start(3), match.start(4), match.end(5)
    elif block:
        wide = [max(len(row[column]) for _, row in block) for column in range(5)]
        links_end = wide[0] + 1 + wide[1]
        owner_start = links_end + 1
        group_start = owner_start + wide[2] + 1
        size_end = group_start + wide[3] + 1 + wide[4]
    lines = []
    for is_verbatim, row in block:
        if is_verbatim:
            lines.append(row)
            continue
        mode, links, owner, group, size, date, name = row
        line = mode + " " * (links_end - len(mode) - len(links)) + links
        line += " " * (owner_start - len(line)) + owner
        line += " " * (group_start - len(line)) + group
        line += " " * (size_end - len(line) - len(size)) + size
        lines.append(f"{line} {date} {name}")
    return lines
