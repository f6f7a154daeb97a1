"""The little that a router wants to know of a tool call's arguments: the command, path, pattern or address."""

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Span
from headroom_mitm.wire import document

LONGEST = 400  # characters
# Names of arguments in the order in which they are looked for: what runs, where, what for.
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


def of_string(body: bytes, span: Span | None) -> str:
    """Return the subject of arguments that are a string in the body: JSON if it is an object, else just text."""
    if span is None or not document.is_string(body, span):
        return ""
    try:
        text = document.string(body, span)
    except UnreadableBody:
        return ""
    raw = text.encode()
    try:
        document.members(raw, document.whole(raw))
    except UnreadableBody:
        return text[:LONGEST]
    return of_object(raw, document.whole(raw))


def _flat(value: object) -> str:
    """Return an argument as one text; the words of a command that is a list are joined with spaces."""
    if isinstance(value, list):
        value = " ".join(word for word in value if isinstance(word, str))
    return value[:LONGEST] if isinstance(value, str) else ""
