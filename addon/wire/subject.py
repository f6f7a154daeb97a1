"""The little that a router wants to know of a tool call's arguments: the command, path, pattern or address."""

from collections.abc import Mapping

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
_OF_EDITORS = ("path", "view_range")
EDITOR_COMMANDS = frozenset({"view", "create", "str_replace", "insert", "undo_edit"})
"""Of editors that take what to do beside the path: here the path belongs to the subject, and the lines shown."""


def of_object(body: bytes, span: Span | None) -> str:
    """Return the subject of arguments that are an object in the body; empty if there is none in sight."""
    if span is None:
        return ""
    try:
        return _of_members(body, document.members(body, span))
    except UnreadableBody:
        return ""


def of_texts(arguments: Mapping[str, str]) -> str:
    """Return the subject of arguments that are written as texts."""
    said = next((arguments[name] for name in NAMES if name in arguments), "")
    return _edited(said, arguments) if said in EDITOR_COMMANDS else said[:LONGEST]


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
        found = document.members(raw, document.whole(raw))
    except UnreadableBody:
        return text[:LONGEST]
    try:
        return _of_members(raw, found)
    except UnreadableBody:
        return ""


def _of_members(body: bytes, found: Mapping[str, Span]) -> str:
    """Return the subject of arguments that stand in a body; raise ``UnreadableBody`` if it cannot be told."""
    name = next((name for name in NAMES if name in found), None)
    said = _flat(document.value(body, found[name])) if name else ""
    if said in EDITOR_COMMANDS:
        return _edited(said, {key: _flat(document.value(body, found[key])) for key in _OF_EDITORS if key in found})
    return said


def _edited(command: str, arguments: Mapping[str, str]) -> str:
    words = (command, *(arguments[name] for name in _OF_EDITORS if arguments.get(name)))
    return " ".join(words)[:LONGEST]


def _flat(value: object) -> str:
    """Return an argument as one text; the words of a command that is a list are joined with spaces."""
    if isinstance(value, list):
        value = " ".join(str(word) for word in value if isinstance(word, str | int))
    return value[:LONGEST] if isinstance(value, str) else ""
