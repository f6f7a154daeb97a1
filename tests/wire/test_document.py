import json

import pytest

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire import document

BAD = {
    "empty": b"",
    "only white space": b" \n",
    "byte order mark": b"\xef\xbb\xbf{}",
    "trailing text": b"{} x",
    "two values": b"{}{}",
    "trailing NUL": b"{}\x00",
    "raw NUL in a string": b'{"a":"\x00"}',
    "raw line feed in a string": b'{"a":"\n"}',
    "truncated string": b'{"a":"b',
    "truncated escape": b'{"a":"\\u12"}',
    "unknown escape": b'{"a":"\\q"}',
    "trailing comma": b'{"a":1,}',
    "leading comma": b"{,}",
    "no comma": b'{"a":1 "b":2}',
    "no colon": b'{"a" 1}',
    "bare key": b"{a:1}",
    "single quotes": b"{'a':1}",
    "NaN": b'{"a":NaN}',
    "leading zero": b'{"a":01}',
    "invalid UTF-8 in a key": b'{"\xff":1}',
    "too deep": b'{"a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
    "a list": b"[1]",
    "a number": b"1",
}
REPEATED = {
    "other value": b'{"a":1,"b":2,"a":3}',
    "same value": b'{"a":1,"a":1}',
    "same value, others between": b'{"a":1,"b":2,"a":1}',
    "value that begins the other": b'{"a":12,"a":1}',
    "value that the other begins": b'{"a":1,"a":12}',
    "written with an escape": b'{"a":1,"\\u0061":1}',
    "empty key": b'{"":1,"":1}',
    "strings with brackets": b'{"a":"}","a":"}"}',
}


@pytest.mark.parametrize(
    "body",
    [b"{}", b" { } ", b'{"a":1}', b'\r\n{\t"a" :\n[1, 2] , "b\\"\\u00e9" : {"a":"}"} }\n', b'{"a":"\\\\","b":"\\""}'],
)
def test_members_stand_where_they_are_said_to(body: bytes) -> None:
    found = document.members(body, document.whole(body))
    assert {key: json.loads(body[span.start : span.end]) for key, span in found.items()} == json.loads(body)


@pytest.mark.parametrize(
    "body", [b"[]", b" [ ] ", b"[1]", b'[ {"a":[1]} ,\n"x,]" , 1e5,null ]', b"[1,1,1]", b"[[],[[]]]"]
)
def test_items_stand_where_they_are_said_to(body: bytes) -> None:
    found = document.items(body, document.whole(body))
    assert [json.loads(body[span.start : span.end]) for span in found] == json.loads(body)


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_what_is_no_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableBody):
        document.members(body, document.whole(body))


@pytest.mark.parametrize("body", [b"", b"{}", b"[1 2]", b"[,]", b"[1,]", b"[", b"[1]]", b"[" * 100_000])
def test_what_is_no_list_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableBody):
        document.items(body, document.whole(body))


@pytest.mark.parametrize("body", REPEATED.values(), ids=REPEATED.keys())
def test_a_repeated_key_is_unreadable(body: bytes) -> None:
    """Which of the two the provider takes is not ours to guess."""
    with pytest.raises(UnreadableBody):
        document.members(body, document.whole(body))


def test_a_lone_surrogate_spoils_its_string_and_nothing_else() -> None:
    body = rb'{"bad":"\ud83d \\ud83d","pair":"\ud83d\ude00","low":"\uDE00","list":["\ud83d",1]}'
    found = document.members(body, document.whole(body))
    assert [body[span.start : span.end] for span in found.values()][:2] == [rb'"\ud83d \\ud83d"', rb'"\ud83d\ude00"']
    assert document.string(body, found["pair"]) == "😀"
    assert len(document.items(body, found["list"])) == 2
    for key in ("bad", "low"):
        with pytest.raises(UnreadableBody):
            document.string(body, found[key])


def test_invalid_utf8_spoils_its_string_and_nothing_else() -> None:
    body = b'{"bad":"\xff","good":"\xc3\xa9"}'
    found = document.members(body, document.whole(body))
    assert document.string(body, found["good"]) == "é"
    with pytest.raises(UnreadableBody):
        document.string(body, found["bad"])


@pytest.mark.parametrize(("body", "text"), [(b'{"a":"x"}', "x"), (b'{"a":1}', ""), (b'{"a":null}', ""), (b"{}", "")])
def test_member_string_is_empty_where_there_is_none(body: bytes, text: str) -> None:
    assert document.member_string(body, document.members(body, document.whole(body)), "a") == text


def test_kinds_are_told_by_the_first_byte() -> None:
    body = b'["s",[],{},true,"true"]'
    text, items, members, true, word = document.items(body, document.whole(body))
    assert document.is_string(body, text)
    assert document.is_list(body, items)
    assert document.is_object(body, members)
    assert document.is_true(body, true)
    assert not any((document.is_string(body, true), document.is_list(body, members), document.is_object(body, items)))
    assert not document.is_true(body, word)
    assert not document.is_true(body, None)


def test_value_is_decoded_or_unreadable() -> None:
    body = b'[{"a":[1,2.5]}, "\xff"]'
    good, bad = document.items(body, document.whole(body))
    assert document.value(body, good) == {"a": [1, 2.5]}
    with pytest.raises(UnreadableBody):
        document.value(body, bad)
