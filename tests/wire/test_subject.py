import json

import pytest

from headroom_mitm.wire import document, subject

ARGUMENTS = {
    "command": ({"description": "d", "command": "ls -l"}, "ls -l"),
    "argv": ({"command": ["bash", "-lc", "ls -l"]}, "bash -lc ls -l"),
    "path": ({"content": "x", "file_path": "/a.py"}, "/a.py"),
    "camel case": ({"filePath": "/a.py"}, "/a.py"),
    "pattern": ({"pattern": "a.*b", "-n": True}, "a.*b"),
    "address": ({"prompt": "?", "url": "https://example.org"}, "https://example.org"),
    "command before path": ({"path": "/", "cmd": "make"}, "make"),
    "an editor": ({"command": "view", "path": "/a.py", "view_range": [1, 9]}, "view /a.py 1 9"),
    "an editor without lines": ({"command": "create", "path": "/a.py", "file_text": "x"}, "create /a.py"),
    "long": ({"command": "é" * 500}, "é" * 400),
    "nothing known": ({"todos": ["a"]}, ""),
    "no string": ({"path": {"a": 1}}, ""),
    "empty": ({}, ""),
}


@pytest.mark.parametrize(("arguments", "expected"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_arguments_are_told_by_their_names(arguments: object, expected: str) -> None:
    raw = json.dumps(arguments).encode()
    assert subject.of_object(raw, document.whole(raw)) == expected
    quoted = json.dumps(json.dumps(arguments)).encode()
    assert subject.of_string(quoted, document.whole(quoted)) == expected


@pytest.mark.parametrize("text", ["*** Begin Patch\n*** End Patch", '{"command": "cut', "[1]", "", '{"a":1,"a":2}'])
def test_a_string_that_is_no_object_is_its_own_subject(text: str) -> None:
    raw = json.dumps(text).encode()
    assert subject.of_string(raw, document.whole(raw)) == text


@pytest.mark.parametrize("raw", [b"[]", b'{"a":1,"a":2}', b'{"command":"\\ud83d"}', b'"text"', b"1"])
def test_an_object_that_cannot_be_read_has_no_subject(raw: bytes) -> None:
    assert subject.of_object(raw, document.whole(raw)) == ""


@pytest.mark.parametrize("raw", [b"{}", b"null", b'"\\ud83d"'])
def test_a_string_that_is_none_has_no_subject(raw: bytes) -> None:
    assert subject.of_string(raw, document.whole(raw)) == ""


def test_another_argument_may_be_unreadable() -> None:
    raw = rb'{"content":"\ud83d","file_path":"/a.py"}'
    assert subject.of_object(raw, document.whole(raw)) == "/a.py"


def test_no_arguments_have_no_subject() -> None:
    assert subject.of_object(b"{}", None) == subject.of_string(b"{}", None) == ""
