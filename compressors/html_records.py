"""Elements taken apart: what they have in common with others, and their own values."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from headroom_mitm.compressors.html_nodes import ENDS_BY_ITSELF, Node

SEPARATOR = " | "
_VALUE = re.compile(r"""=(?:"([^"<>]*)"|'([^'<>]*)')|(?<=>)\s*([^<>\s](?:[^<>]*[^<>\s])?)(?=\s*(?:<|\Z))""")
_NAME = re.compile(r"([\w:.-]+)\s*=[\"']?\Z|<([\w:.-]+)[^<]*>\s*\Z")
_LONGEST_TAG = 300  # characters: behind a longer tag, a value has no name of its own
_LONGEST = 2_000  # characters of an element


class Record(NamedTuple):
    """An element taken apart: ``literals`` has one more than ``values``, in turn they are its text."""

    node: Node
    literals: tuple[str, ...]
    values: tuple[str, ...]


def record_of(text: str, node: Node) -> Record | None:
    """Take an element apart, or return None where it is long, or does not end by itself."""
    source = text[node.start : node.end] if 0 <= node.end - node.start <= _LONGEST else ""
    # What another element's end tag has ended could not be told from what is in it.
    if not source or (not source.endswith((f"</{node.tag}>", "/>")) and node.tag not in ENDS_BY_ITSELF):
        return None
    return Record(node, *split(source))


def split(source: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Take markup apart: what stands around values, and the values of attributes and the texts that fit into a row."""
    literals, values = [], []
    at = 0
    for match in _VALUE.finditer(source):
        group = match.lastindex or 1
        if not _fits_a_cell(match[group]):
            continue
        literals.append(source[at : match.start(group)])
        values.append(match[group])
        at = match.end(group)
    return (*literals, source[at:]), tuple(values)


def goes_on(gap: str, between: str, size: int) -> bool:
    """Say whether what stands between two elements is as between those before them, and nothing."""
    return not gap.strip() and (size == 1 or gap == between)


def _fits_a_cell(value: str) -> bool:
    return bool(value) and value == value.strip() and "|" not in value and len(value.splitlines()) == 1


def margin_at(text: str, at: int) -> str:
    """Return the indentation of rows: one more than that of the line in which the first element begins."""
    start = text.rfind("\n", 0, at) + 1
    line = text[start : start + 80]
    return line[: len(line) - len(line.lstrip(" \t"))] + " "


def names_of(literals: Sequence[str], values: Sequence[str]) -> list[str]:
    """Name each value: by its attribute, or by the element whose text it is; one that comes again is numbered."""
    names: list[str] = []
    before = ""
    for literal, value in zip(literals, values, strict=False):
        before = (before + literal)[-_LONGEST_TAG:]
        match = _NAME.search(before)
        name = (match[1] or match[2]) if match else "text"
        count = sum(known.rstrip("0123456789") == name for known in names)
        names.append(f"{name}{count + 1}" if count else name)
        before += value
    return names
