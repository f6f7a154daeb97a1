"""Which tool results are the content of a file: what a model has read it may edit next, naming its text exactly."""

import re
from collections.abc import Iterable

from headroom_mitm.segments import Call

_READERS = re.compile(
    r"(?:^|_|\b)(?:read|view|open|cat|get)(?:_?(?:file|text|source)){0,2}(?:_?contents?)?s?$", re.IGNORECASE
)
"""Names of tools that take a path and return a file: ``Read``, ``view``, ``read_file``, ``get_file_contents``."""
_SHELL_READ = re.compile(
    r"""\s*(?:cd\s+\S+\s*&&\s*)?(?:cat|bat|nl|less|more|head|tail|sed|awk|jq)\b[^|;&<>]*?\s["']?([^\s"'|;&<>]+)["']?\s*"""
    r"""(?:\|\s*(?:head|tail|nl|sed)\b[^|;&<>]*){0,3}\Z"""
)
_VIEWED = re.compile(r"""\s*open\s+["']?([^\s"']+)["']?(?:\s+\d+)?\s*\Z""")
"""The file viewer of SWE-agent."""
_EDITOR = re.compile(r"edit", re.IGNORECASE)
_EDITED = re.compile(r"(?:view|create|str_replace|insert|undo_edit) (\S+)")
"""What editors that show the file again are told: see ``wire.subject``."""


def path_of(call: Call) -> str:
    """Return the path of the file that a call reads, or an empty string if it is something else."""
    subject = call.subject.strip()
    if _EDITOR.search(call.name) and (edited := _EDITED.match(subject)):
        return edited[1]
    if " " in subject or "\n" in subject:
        match = _SHELL_READ.match(subject) or _VIEWED.match(subject)
        return match[1] if match else ""
    return subject if _READERS.search(call.name) and not subject.startswith(("http:", "https:")) else ""


def is_worked_on(path: str, call: Call, calls: Iterable[Call]) -> bool:
    """Say whether another call names the same file: it is edited, or the model came back to read it again."""
    name = path.rsplit("/", 1)[-1]
    return any(other.id != call.id and name in other.subject for other in calls)
