"""The little that a router wants to know of a tool call's arguments: the command, path, pattern or address."""

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Span
from headroom_mitm.wire import document

LONGEST = 400  # characters
# Names of arguments, the telling ones first: a search has a pattern and a path, an edit a path and texts.
NAMES = (
    "command",
    "cmd",
    "commands",
    "script",
    "code",
    "file_path",
    "filePath",
    "absolute_path",
    "notebook_path",
    "target_file",
    "path",
    "filename",
    "dir_path",
    "directory",
    "pattern",
    "regex",
    "query",
    "q",
    "url",
    "uri",
)


def of_object(body: bytes, span: Span | None) -> str:
    """Return the subject of arguments that are an object in the body; empty if there is none in sight."""
    if span is None:
        return ""
    try:
        found = document.members(body, span)
        name = next((name for name in NAMES if name in found), None)
        return _flat(document.value(body, found[name])) if name else ""
    except UnreadableBody:
        return ""


def of_text(text: str) -> str:
    """Return the subject of arguments that are JSON inside a string; their beginning if they are no JSON object."""
    raw = text.encode()
    span = document.whole(raw)
    try:
        document.members(raw, span)
    except UnreadableBody:
        return text[:LONGEST]
    return of_object(raw, span)


def _flat(value: object) -> str:
    """Return an argument as one text; the words of a command that is a list are joined with spaces."""
    if isinstance(value, list):
        value = " ".join(word for word in value if isinstance(word, str))
    return value[:LONGEST] if isinstance(value, str) else ""
