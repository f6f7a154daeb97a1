"""Which tool results are the content of a file: what a model has read it may edit next, naming its text exactly."""

import functools
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
_REMEMBERED = 1_000  # characters


def path_of(call: Call) -> str:
    """Return the path of the file that a call reads, or an empty string if it is something else."""
    # Asked for by all who look at a text on its way; a long subject is what a file is to become.
    path = _remembered if len(call.subject) <= _REMEMBERED else _path
    return path(call.name, call.subject.strip())


@functools.lru_cache(maxsize=256)
def _remembered(tool: str, subject: str) -> str:
    return _path(tool, subject)


def _path(tool: str, subject: str) -> str:
    if _EDITOR.search(tool) and (edited := _EDITED.match(subject)):
        return edited[1]
    if " " in subject or "\n" in subject:
        match = _SHELL_READ.match(subject) or _VIEWED.match(subject)
        return match[1] if match else ""
    return subject if _READERS.search(tool) and not subject.startswith(("http:", "https:")) else ""


def is_worked_on(path: str, call: Call, calls: Iterable[Call]) -> bool:
    """Say whether another call names the same file: it is edited, or the model came back to read it again."""
    name = path.rsplit("/", 1)[-1]
    return any(other.id != call.id and name in other.subject for other in calls)
