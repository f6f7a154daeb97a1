"""Turns the form of ``yaml_records`` back: its JSON by the decoder of JSON, and then YAML as the note says."""

import json
import re

import json_records_decoder

NOTE = re.compile(
    r"\[YAML, its values as JSON(?P<several>, one a document)?;"
    r" strings are in quotes where they look like something else;"
    r" items (?P<indented>indented )?below their key(?P<marked>, --- on top)?(?P<open>, no line end at the end)?\.\]"
)
LOOKS_ELSE = re.compile(
    r"[-+]?\.?\d[\d_]*(?:\.\d*)?(?:e[-+]?\d+)?|\d{4}-\d\d-\d\d[\dTZ:.+ -]*|true|false|null|yes|no|on|off|y|n|~",
    re.IGNORECASE,
)


def decode(text: str) -> str:
    note, _, form = text.partition("\n")
    match = NOTE.fullmatch(note)
    assert match is not None, note
    found = json.loads(json_records_decoder.decode(form))
    documents = found if match["several"] else [found]
    shown = "\n---\n".join("\n".join(lines_of(one, "  " if match["indented"] else "")) for one in documents)
    return ("---\n" if match["marked"] else "") + shown + ("" if match["open"] else "\n")


def lines_of(value: object, offset: str) -> list[str]:
    """Write a value in lines; what stands below a key gets its indentation there."""
    found: list[str] = []
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            below = lines_of(inner, offset)
            if not isinstance(inner, (dict, list)) or not inner:
                found += [f"{key}: {below[0]}" if below[0] else f"{key}:", *indented(below[1:], "  ")]
            else:
                found += [f"{key}:", *indented(below, offset if isinstance(inner, list) else "  ")]
        return found
    if isinstance(value, list) and value:
        for item in value:
            first, *more = lines_of(item, offset)
            found += [f"- {first}", *indented(more, "  ")]
        return found
    if not isinstance(value, str):
        return [json.dumps(value)]
    return [f'"{value}"'] if LOOKS_ELSE.fullmatch(value) else value.split("\n")


def indented(lines: list[str], by: str) -> list[str]:
    return [by + line if line else line for line in lines]
