"""Turns the form of ``blame_lines`` back: commits stand first, git pads to the longest path, author and number."""

import re

_COMMIT = re.compile(r"(C\d+) = (\S+) (?:(\S+) )?\((.+) (\d{4}-\S+ \S+ \S+)\)\Z")
_ROW = re.compile(r"(C\d+) (\d+)\) (.*)\Z", re.DOTALL)


def decode(text: str) -> str:
    """Return the lines of git blame."""
    legend, *lines = text.split("\n")
    commits: dict[str, tuple[str, str, str, str]] = {}
    rows: list[tuple[tuple[str, str, str, str], str, str]] = []
    tail: list[str] = []
    for line in lines:
        if not rows and (commit := _COMMIT.match(line)):
            commits[commit[1]] = (commit[2], commit[3] or "", commit[4], commit[5])
        elif row := _ROW.match(line):
            rows.append((commits[row[1]], row[2], row[3]))
        else:
            tail.append(line)
    path, author = (max(len(commit[place]) for commit, _, _ in rows) for place in (1, 2))
    number = max(len(name) for _, name, _ in rows)
    if said := re.search(r"columns were (\d+), (\d+) and (\d+) wide", legend):
        path, author, number = map(int, said.groups())
    return "\n".join(
        [
            f"{commit[0]} {commit[1]:<{path}}{' ' if path else ''}"
            f"({commit[2]:<{author}} {commit[3]} {name:>{number}}) {line}"
            for commit, name, line in rows
        ]
        + tail
    )
