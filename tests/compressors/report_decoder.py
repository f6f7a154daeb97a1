"""Turns the lossless form of a test report back, knowing only what its first line says."""

import re

import report_ctest_decoder

BUNDLE = re.compile(r"x(\d+) (.*)", re.DOTALL)
DEFINITION = re.compile(r"#(\d+)\| (.*)", re.DOTALL)
REFERENCES = re.compile(r"(?:#\d+|\(#\d+(?: #\d+)+\))(?: x\d+)?(?: (?:#\d+|\(#\d+(?: #\d+)+\))(?: x\d+)?)*")
REFERENCE = re.compile(r"(#\d+|\([#\d ]+\))(?: x(\d+))?")
MARKER = re.compile(r"([\w./]*\d(?:%|m?s|m)?|\(cached\)): ")
COLUMN = re.compile(r"\[5%\] was aligned to column (\d+)\.")


def decode(text: str) -> str:
    """Return the original of a form that says that nothing is left out."""
    legend, *lines = text.split("\n")
    if "tests of CTest" in legend:
        return report_ctest_decoder.decode(text)
    assert legend.startswith("[Nothing is left out.")
    column = COLUMN.search(legend)
    width = int(column[1]) if column else 80
    return "\n".join(line for shown in repeated(lines) for line in originals(shown, width))


def repeated(lines: list[str]) -> list[str]:
    """Put what comes again where its number stands."""
    blocks: dict[str, list[str]] = {}
    found: list[str] = []
    for line in lines:
        if (definition := DEFINITION.fullmatch(line)) is not None:
            blocks.setdefault(definition[1], []).append(definition[2])
            found.append(definition[2])
        elif REFERENCES.fullmatch(line):
            for numbers, count in REFERENCE.findall(line):
                found += [one for number in re.findall(r"\d+", numbers) for one in blocks[number]] * int(count or 1)
        else:
            found.append(line)
    return found


def originals(line: str, width: int) -> list[str]:
    """Return the lines that one line of the form stands for."""
    bundle = BUNDLE.fullmatch(line)
    if bundle is None:
        return [line]
    if bundle[1] == "1":
        return [bundle[2]]
    before, items, after = grouped(bundle[2])
    rows = expanded(items)
    assert len(rows) == int(bundle[1])
    value, found = "", []
    for marker, name in rows:
        value = marker or value
        row = before + name + (after.replace("…", value) if value else after)
        found += unfolded(row, width)
    return found


def grouped(text: str) -> tuple[str, str, str]:
    """Take ``a{b c}d`` apart at its first brace and the one that closes it."""
    start = text.index("{")
    depth = 0
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if not depth:
            return text[:start], text[start + 1 : end], text[end + 1 :]
    raise AssertionError(text)


def expanded(items: str) -> list[tuple[str, str]]:
    """Return the names in a list, each with the marker before it."""
    parts = split(items, " | ")
    if len(parts) == 1:
        parts = split(items, " ")
        for at in range(len(parts) - 2, -1, -1):
            if MARKER.fullmatch(parts[at] + " "):
                parts[at : at + 2] = [f"{parts[at]} {parts[at + 1]}"]
    found: list[tuple[str, str]] = []
    for part in parts:
        marker = MARKER.match(part)
        body = part[marker.end() :] if marker else part
        if "{" in body:
            before, inner, after = grouped(body)
            found += [(mark, before + name + after) for mark, name in expanded(inner)]
        else:
            found.append((marker[1] if marker else "", body))
    return found


def split(text: str, separator: str) -> list[str]:
    """Split a list where no brace is open."""
    parts, start, depth, at = [], 0, 0, 0
    while at < len(text):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth and text.startswith(separator, at):
            parts.append(text[start:at])
            at = start = at + len(separator)
        else:
            at += 1
    return [*parts, text[start:]]


def unfolded(row: str, width: int) -> list[str]:
    """Return the lines of the original that one row stands for."""
    if row.endswith(" ¶"):
        return [*unfolded(row.removesuffix(" ¶"), width), ""]
    if (match := re.fullmatch(r"=== RUN, --- PASS: (\S+)( \(.*\))", row)) is not None:
        return [f"=== RUN   {match[1]}", f"--- PASS: {match[1]}{match[2]}"]
    if (match := re.fullmatch(r"=== RUN, PAUSE (\S+)", row)) is not None:
        return [f"=== RUN   {match[1]}", f"=== PAUSE {match[1]}"]
    if (match := re.fullmatch(r"( *)# Subtest, ok (\d+) - (.*) \(([\d.]+) ms(?:, (\w+))?\)", row)) is not None:
        said = ["  ---", f"  duration_ms: {match[4]}", *([f"  type: '{match[5]}'"] if match[5] else []), "  ..."]
        return [match[1] + line for line in (f"# Subtest: {match[3]}", f"ok {match[2]} - {match[3]}", *said)]
    if (match := re.fullmatch(r"(.*) \[(?:(gw\d+)/)?(\d+%)\]", row)) is not None:
        if match[2]:
            return [f"[{match[2]}] [{match[3]:>4}] {match[1]} "]
        return [match[1] + f" [{match[3]:>4}]".rjust(width - len(match[1]))]
    row = row.replace(".~)", f".{row.partition(' ')[0]})", 1)
    if (match := re.fullmatch(r"(\w+) ⏎ (.*)( \([\w.]+\))( \.\.\. .*)", row)) is not None:
        return [match[1] + match[3], match[2] + match[4]]
    return [row]
