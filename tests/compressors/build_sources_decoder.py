"""Turns diagnostics with their code back, knowing only what the first line says."""

import re

import report_decoder

PART = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`|‘[^’\n]*’|\b\d+\b")
LEGEND = re.compile(
    r'\[.*, nothing left out\..*« » hold what had (\S+) below.*Each was "(.*)message", then (.*?)\.[ \]]'
)
DEFINITION = re.compile(r"(\$\w+) = \[\d+x\] (.*)", re.DOTALL)
ROW = re.compile(r"(\d+)(?::(\d+))? (.*)", re.DOTALL)


def decode(text: str) -> str:
    """Return the lines of the tool."""
    legend, *lines = text.split("\n")
    match = LEGEND.match(legend)
    assert match is not None
    run, shape, layout = match.groups()
    messages: dict[str, str] = {}
    while "$1" in legend and lines and (definition := DEFINITION.fullmatch(lines[0])) is not None:
        messages[definition[1]] = definition[2]
        lines.pop(0)
    lines = report_decoder.repeated(lines)
    out: list[str] = []
    path = above = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        row = ROW.fullmatch(line)
        if line.startswith("== "):
            path, above = line[3:], ""
        elif row is not None:
            values = {"path": path, "line": row[1], "column": row[2] or ""}
            title = re.sub("path|line|column", lambda word, values=values: values[word[0]], shape)
            message = (title + said(row[3], messages)).split("⏎")
            if at < len(lines) and lines[at].startswith("> "):
                above = code_of(lines[at][2:], above)
                at += 1
                out += shown(message, row[1], marked(above, run), layout)
            else:
                out.append("⏎".join(message))
        else:
            out.append(line.removeprefix("| "))
    return "\n".join(out)


def said(text: str, messages: dict[str, str]) -> str:
    """Return the message, with its name replaced by what it stands for."""
    name, _, rest = text.partition(" ")
    if name not in messages:
        return text
    literals = messages[name].split("…")
    return literals[0] + "".join(map(str.__add__, PART.findall(rest), literals[1:]))


def code_of(text: str, above: str) -> str:
    """Return the code with its signs; after a "… " only what is marked in the code above is said."""
    if not text.startswith("… "):
        return text
    inside = text[3:-1]
    return plain(above).replace(inside, f"«{inside}»", 1)


def plain(code: str) -> str:
    """Return code without signs."""
    return re.sub("[«»▸]", "", code)


def marked(code: str, run: str) -> tuple[str, str]:
    """Return the code and the line of marks."""
    start = re.search("[«▸]", code).start()
    inside = re.search("«(.*)»", code)
    if inside is None:
        marks = run[0]
    elif run == "^~~":
        at = max(0, inside[1].find("▸"))
        marks = "~" * at + "^" + "~" * (len(plain(inside[1])) - at - 1)
    else:
        marks = run[0] * len(inside[1])
    return plain(code), " " * start + marks


def shown(message: list[str], line: str, lines: tuple[str, str], layout: str) -> list[str]:
    """Return the lines of a diagnostic."""
    code, marks = lines
    first, *more = message
    if layout == '"line | code"':
        return [first, f"{line:>5} | {code}", f"      | {marks}"]
    if layout == '"line code" between empty lines':
        return [first, "", f"{line} {code}", f"{' ' * len(line)} {marks}", ""]
    if layout == "the code behind its message":
        return [first, *more, code, marks]
    return [first, code, marks, *more]
