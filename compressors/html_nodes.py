"""Where the elements of markup begin and end in its text, without judging it: HTML, XML, whole or cut off."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

_TAG = re.compile(r"<(/?)([A-Za-z_][\w:.-]*)(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_ENDS_AT_NEXT = frozenset(("dd", "dt", "li", "option", "p", "td", "th", "tr"))
"""In HTML, such an element ends where the next of its kind begins."""
ENDS_BY_ITSELF = _VOID | _ENDS_AT_NEXT
_RAW = frozenset(("script", "style"))
_SPECIAL = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">"))
_DEEPEST = 60  # open elements that an end tag may close at once


@dataclass(slots=True)
class Node:
    """An element: its place in the text, and those in it."""

    tag: str
    start: int
    end: int = -1
    """Behind its last character; -1 while it is open."""
    children: list["Node"] = field(default_factory=list)


class Change(NamedTuple):
    """A part of a text that is written otherwise."""

    start: int
    end: int
    text: str
    first: int
    """Where what the new text rests on begins, at most ``start``: from there on nothing else may change."""


def nodes(text: str) -> Node:
    """Return a node around all elements of a text. What is never closed holds what follows, and has no end."""
    root = Node("", 0)
    stack = [root]
    at = text.find("<")
    while at >= 0:
        match = _TAG.match(text, at)
        if match is None:
            at = text.find("<", _behind_special(text, at))
            continue
        _take(stack, match)
        at = match.end()
        tag = match[2]
        if tag in _RAW and not match[1]:
            at = max(at, text.find(f"</{tag}", at))
        at = text.find("<", at)
    return root


def _behind_special(text: str, at: int) -> int:
    """Return where a comment and the like ends, or the next character where it never does."""
    for opening, closing in _SPECIAL:
        if text.startswith(opening, at):
            end = text.find(closing, at + len(opening))
            return end + len(closing) if end >= 0 else len(text)
    return at + 1


def _take(stack: list[Node], match: re.Match[str]) -> None:
    tag = match[2]
    if match[1]:
        _close(stack, tag, match)
        return
    if tag in _ENDS_AT_NEXT and stack[-1].tag == tag:
        stack.pop().end = match.start()
    node = Node(tag, match.start())
    stack[-1].children.append(node)
    if match[0].endswith("/>") or tag in _VOID:
        node.end = match.end()
    else:
        stack.append(node)


def _close(stack: list[Node], tag: str, match: re.Match[str]) -> None:
    """End the innermost open element of a kind, and what was left open in it. Without one, nothing ends."""
    for depth in range(len(stack) - 1, max(0, len(stack) - _DEEPEST), -1):
        if stack[depth].tag == tag:
            for node in stack[depth + 1 :]:
                node.end = match.start()
            stack[depth].end = match.end()
            del stack[depth:]
            return
