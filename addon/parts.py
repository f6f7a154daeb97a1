"""Outputs of several commands in one text: each part is looked at by itself, what stands between them stays verbatim.

Nothing is guessed from content alone: a part begins where ``head`` or ``tail`` name a file, where a client's tag names
one, where a client has cut out the middle or put results together, or at a line that the command says it prints.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Part(NamedTuple):
    """A piece of a text; joined, the pieces are the text again."""

    text: str
    subject: str | None
    """The command that it is an output of; None: it stands between outputs."""


MOST = 200
"""Parts. A text with more of them is one text: each part would be too small to gain."""
_NAMED = re.compile(r"(?:^|\n)==> ([^\n]{1,400}) <==\n")
_TAG = re.compile(
    r"(?:^|\n)(?:<(?:file|document)\b([^>\n]{0,400})>\n(?:<source>([^<\n]{1,400})</source>\n)?(?:<document_content>\n)?"
    r"|</(?:document_content|document|file)>(?:\n</(?:document|documents)>)*(?=\n|\Z))"
)
_TAGGED = re.compile(r"\s{0,4}(?:<documents>\n)?<(?:file|document)\b")
_PATH = re.compile(r'\b(?:path|name|filename|source)="([^"]+)"')
_CUT = re.compile(
    r"\n</output_head>\n<elided_chars>[^<]{1,200}</elided_chars>\n<output_tail>\n|\n</tool_response>\n<tool_response>\n"
)
_ECHO = re.compile(r"""\b(?:echo|printf)\s+(?:-e\s+)?(?:"((?:[^"\\`]|\\.){2,120})"|'([^'\n]{2,120})')""")
_VARIABLE = re.compile(r"\$(?:\{\w+\}|\w+)")
_BETWEEN = " ;&|\n"
_READS = re.compile(r"\b(?:cat|head|tail|sed|nl|bat)\b")


def split(text: str, subject: str) -> list[Part]:
    """Return the parts of an output of ``subject``, in their order; the text alone if it is the output of one thing."""
    for find in (_named, _tagged, _echoed, _cut):
        places = list(find(text, subject))
        if places and len(places) <= MOST:
            return list(_pieces(text, subject, places))
    return [Part(text, subject)]


class _Place(NamedTuple):
    """Where something stands between outputs, and what the output behind it is of."""

    start: int
    end: int
    subject: str
    before: str | None = None
    """What the output in front of it is of, where that is known better now."""


def _pieces(text: str, subject: str, places: list[_Place]) -> Iterator[Part]:
    at, current = 0, subject
    for place in places:
        if place.start > at:
            yield Part(text[at : place.start], place.before or current)
        yield Part(text[place.start : place.end], None)
        at, current = place.end, place.subject
    if at < len(text):
        yield Part(text[at:], current)


def _named(text: str, _: str) -> Iterator[_Place]:
    if "=" not in text or "==> " not in text:
        return iter(())
    return (_Place(*match.span(), f"cat {match[1]}") for match in _NAMED.finditer(text))


def _tagged(text: str, subject: str) -> Iterator[_Place]:
    if not _TAGGED.match(text[:200]):
        return
    for match in _TAG.finditer(text):
        path = _PATH.search(match[1] or "")
        name = match[2] or (path[1] if path else "")
        yield _Place(*match.span(), f"cat {name}" if name else subject)


def _cut(text: str, subject: str) -> Iterator[_Place]:
    if "<" not in text or ("</output_head>" not in text and "</tool_response>" not in text):
        return iter(())
    return (_Place(*match.span(), subject) for match in _CUT.finditer(text))


def _echoed(text: str, subject: str) -> Iterator[_Place]:
    """Find the lines that a command prints between its steps. Each must have signs, so that it is not mere output."""
    printed = [match for match in _ECHO.finditer(subject) if _is_separator(_said(match))]
    if not printed:
        return
    lines = re.compile("|".join(rf"(?P<p{n}>(?:^|\n){_pattern(_said(m))}\n)" for n, m in enumerate(printed)))
    bounds = [0, *(place for match in printed for place in match.span()), len(subject)]
    steps = [subject[start:end].strip(_BETWEEN) for start, end in zip(bounds[::2], bounds[1::2], strict=True)]
    for match in lines.finditer(text):
        number = int((match.lastgroup or "p0")[1:])
        variable = _VARIABLE.search(_said(printed[number]))
        if variable is not None:
            name = re.fullmatch(_pattern(_said(printed[number]), "([^\n]{1,200}?)"), match[0].strip("\n"))
            reads = name is not None and _READS.search(subject[printed[number].end() :])
            yield _Place(*match.span(), f"cat {name[1]}" if name is not None and reads else subject)
        else:
            yield _Place(*match.span(), steps[number + 1] or subject, steps[number])


def _said(match: re.Match[str]) -> str:
    return (match[1] or match[2]).replace("\\n", "").replace('\\"', '"').strip()


def _is_separator(said: str) -> bool:
    fixed = _VARIABLE.sub("", said)
    return "$(" not in said and len(re.findall(r"[^\w\s]", fixed)) >= 2


def _pattern(said: str, variable: str = "[^\n]{1,200}?") -> str:
    return variable.join(map(re.escape, _VARIABLE.split(said)))
