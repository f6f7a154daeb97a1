"""Turns the lossless form of ``stack_traces`` back, knowing only what its first lines say."""

import re

import report_decoder

NAME = re.compile(r"\$(\d) = (.*)")
NAMED = re.compile(r"\$(\d)(?=[/\\])")


def decode(text: str) -> str:
    """Return the original of a form that says that nothing is left out."""
    legend, *lines = text.split("\n")
    assert legend.startswith("[Nothing is left out.")
    directories: dict[str, str] = {}
    while "stand for directories" in legend and (name := NAME.fullmatch(lines[0])) is not None:
        directories[name[1]] = name[2]
        lines.pop(0)
    found = [line for shown in report_decoder.repeated(lines) for line in report_decoder.originals(shown, 80)]
    if not directories:
        return "\n".join(found)
    return "\n".join(NAMED.sub(lambda name: directories[name[1]], line) for line in found)
