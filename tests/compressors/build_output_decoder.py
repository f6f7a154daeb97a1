"""Turns the lossless form of ``build_output`` back, knowing only what its first line says."""

import re

import build_sources_decoder
import stack_traces_decoder

LEGEND = re.compile(
    r"\[\d+ \w+(?:, \d+ \w+)*, nothing left out(?: \(.*?\))?\."
    r" Each was (?:\"(?P<shape>.*)message\"|a table below its path)\."
)
DEFINITION = re.compile(r"(\$\w+) = \[\d+x\] (.*)")
ROW = re.compile(r"(\d+(?::\d+)?(?: \d+(?::\d+)?)*) (\D.*)", re.DOTALL)
PART = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`|‘[^’\n]*’|\b\d+\b")
Found = tuple[str, str]


def decode(text: str) -> str:
    """Return the lines of the tool."""
    legend, *lines = text.split("\n")
    if legend.startswith("[Nothing is left out. "):
        return stack_traces_decoder.decode(text)
    if "« » hold what had " in legend:
        return build_sources_decoder.decode(text)
    match = LEGEND.match(legend)
    assert match is not None
    messages: dict[str, str] = {}
    while lines and (definition := DEFINITION.fullmatch(lines[0])) is not None:
        messages[definition[1]] = definition[2]
        lines.pop(0)
    out: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("| "):
            out.append(line[2:])
        elif line.startswith(("== ", "=- ")):
            found: list[Found] = []
            while at < len(lines) and (row := ROW.fullmatch(lines[at])) is not None:
                found += [(place, said(row[2], messages)) for place in row[1].split(" ")]
                at += 1
            if line.startswith("== "):
                found.sort(key=lambda one: [int(number) for number in one[0].split(":")])
            out += written(line[3:], found, match["shape"])
        else:
            out.append(line)
    return "\n".join(out)


def said(text: str, messages: dict[str, str]) -> str:
    """Return the message, with its name replaced by what it stands for."""
    name, _, rest = text.partition(" ")
    if name not in messages:
        return text
    values = PART.findall(rest)
    literals = messages[name].split("…")
    return literals[0] + "".join(value + literal for value, literal in zip(values, literals[1:], strict=True))


def written(path: str, found: list[Found], shape: str | None) -> list[str]:
    """Return the lines of a file as the tool writes them."""
    if shape is None:
        return table(path, found)
    out = []
    for place, text in found:
        line, _, column = place.partition(":")
        values = {"path": path, "line": line, "column": column}
        out.append(re.sub("path|line|column", lambda word, values=values: values[word[0]], shape) + text)
    return out


def table(path: str, found: list[Found]) -> list[str]:
    """Return a table as wide as its cells, with the lines to the right."""
    rows = [[*place.split(":"), *text.split("  ")] for place, text in found]
    widths = [max(len(row[at]) for row in rows if at < len(row)) for at in range(max(map(len, rows)))]
    out = [path]
    for row in rows:
        rest = "".join("  " + cell.ljust(width) for cell, width in zip(row[2:], widths[2:], strict=False))
        out.append(f"  {row[0].rjust(widths[0])}:{row[1].ljust(widths[1])}{rest}".rstrip())
    return out
