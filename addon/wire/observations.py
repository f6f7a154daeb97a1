"""Agents without function calling: the command stands in what the model says, its output in what the user says.

Such an output is read like a tool's result, under two proofs: it has a frame that only agents write, and the model's
message before it holds a command. All else that a user says is never looked into, the first message least of all.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.framing import LABEL, is_observation
from headroom_mitm.segments import Call, Span, digest
from headroom_mitm.wire import document, subject

_LOOK = 8_000
"""Characters of a call that are searched for its arguments."""
_LANGUAGES = {
    **dict.fromkeys(("", "bash", "sh", "shell", "zsh", "console", "mswea_bash_command"), "bash"),
    **dict.fromkeys(("python", "py", "tool_code"), "python"),
}
_BODY = r"\n?((?:(?!</)[\s\S]){0,400})"
# How calls are written in words: the name, and the arguments behind it.
_CALLS: tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...] = (
    ("<function=", re.compile(r"<function=([\w.-]{1,80})>"), re.compile(rf"<parameter=(\w{{1,40}})>{_BODY}")),
    ("<invoke name=", re.compile(r'<invoke name="([\w.-]{1,80})">'), re.compile(rf'<parameter name="(\w+)">{_BODY}')),
    (
        "<tool_name>",
        re.compile(r"<tool_name>([\w.-]{1,80})</tool_name>"),
        re.compile(rf"<(?!parameters>)(\w{{1,40}})>{_BODY}"),
    ),
)
_TAGGED = re.compile(rf"<(execute_bash|execute_ipython|bash|code)>{_BODY}")
_JSON_CALL = re.compile(r"<tool_call>\s*(\{[\s\S]{1,8000}\})\s*</tool_call>")
_SCREEN_KEYS = re.compile(r'"keystrokes":\s*"((?:[^"\\]|\\.){1,400})')
# Cline: <read_file>, then <path>…</path>
_ELEMENT = re.compile(rf"<([a-z]+_[a-z_]{{1,30}})>\s*<({'|'.join(subject.NAMES)})>{_BODY}")
_LABELLED = re.compile(LABEL + r"\s*\Z")
_BY_PEOPLE = re.compile(r"The user (?:denied|provided|has provided|answered)\b|<feedback>|<user_message>|<answer>")
"""What agents write in an output where a person had something to say: then nothing of it is touched."""


def command_in(raw: bytes, content: Span | None, kinds: Iterable[str]) -> Call | None:
    """Return the command in what the model says in a message; None if there is none.

    Its id is made of the words, so that it is the same wherever the message stands.
    """
    said = "\n".join(text for _, _, text in _spoken(raw, content, kinds))
    found = _call(said)
    return Call(f"said-{digest(said.encode()).hex()}", *found) if found is not None else None


def observed(raw: bytes, content: Span | None, kinds: Iterable[str]) -> Iterator[tuple[Span, int, str]]:
    """Yield place, number and text of what is an output by its form, in a message of the user."""
    labelled = False
    for span, part, text in _spoken(raw, content, kinds):
        if (labelled or is_observation(text)) and not _BY_PEOPLE.search(text):
            yield span, part, text
        labelled = _LABELLED.match(text[:_LOOK]) is not None


def _spoken(raw: bytes, content: Span | None, kinds: Iterable[str]) -> Iterator[tuple[Span, int, str]]:
    """Yield the texts of a content that is a string or a list of parts; what is no text (lone surrogates) is not."""
    if content is None:
        return
    places = [(0, content)] if document.is_string(raw, content) else []
    if document.is_list(raw, content) and raw.find(b'"text"', *content) >= 0:
        blocks = enumerate(document.members(raw, item) for item in document.items(raw, content))
        places = [(n, b["text"]) for n, b in blocks if "text" in b and document.member_string(raw, b, "type") in kinds]
    for part, span in places:
        try:
            yield span, part, document.string(raw, span)
        except UnreadableBody:
            continue


def _call(said: str) -> tuple[str, str] | None:
    """Return tool and subject of the last call in a text."""
    for mark, name, argument in _CALLS:
        start = said.rfind(mark)
        match = name.search(said[start : start + _LOOK]) if start >= 0 else None
        if match is not None:
            given = said[start + match.end() : start + _LOOK]
            return match[1], subject.of_texts({key: text.strip() for key, text in argument.findall(given)})
    start = said.rfind("<tool_call>")
    if start >= 0 and (match := _JSON_CALL.match(said[start : start + _LOOK])):
        return _of_json(match[1])
    return _tagged(said) or _fenced(said)


def _of_json(call: str) -> tuple[str, str] | None:
    raw = call.encode()
    try:
        members: Mapping[str, Span] = document.members(raw, document.whole(raw))
        return document.member_string(raw, members, "name"), subject.of_object(raw, members.get("arguments"))
    except UnreadableBody:
        return None


def _tagged(said: str) -> tuple[str, str] | None:
    ending = said[-_LOOK:]
    if match := _TAGGED.search(ending):
        return match[1], match[2].strip()
    if match := _ELEMENT.search(ending):
        return match[1], subject.of_texts({match[2]: match[3].strip()})
    match = _SCREEN_KEYS.search(said[:_LOOK])
    return ("bash", match[1]) if match else None


def _fenced(said: str) -> tuple[str, str] | None:
    """Return the last fenced block, where its language is one that is run."""
    end = said.rfind("\n```")
    start = said.rfind("```", 0, end + 1) if end >= 0 else -1
    if start < 0:
        return None
    language, _, command = said[start + 3 : end].partition("\n")
    name = _LANGUAGES.get(language.strip())
    return (name, command.strip()[: subject.LONGEST]) if name is not None and command.strip() else None
