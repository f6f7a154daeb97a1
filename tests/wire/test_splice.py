import json

import pytest

from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire.splice import merged, splice, text_edit

BODY = b"0123456789"


def edit(start: int, end: int, raw: bytes = b"x") -> Edit:
    return Edit(Span(start, end), raw)


def test_no_edits_give_the_same_object() -> None:
    assert splice(BODY, []) is BODY


@pytest.mark.parametrize(
    ("edits", "result"),
    [
        ([edit(0, 0)], b"x0123456789"),
        ([edit(10, 10)], b"0123456789x"),
        ([edit(0, 10)], b"x"),
        ([edit(2, 4, b"")], b"01456789"),
        ([edit(5, 6, b"five"), edit(2, 4)], b"01x4five6789"),
        ([edit(2, 4), edit(4, 4, b"y"), edit(4, 5, b"z")], b"01xyz56789"),
    ],
)
def test_edits_change_their_spans_in_any_order(edits: list[Edit], result: bytes) -> None:
    assert splice(BODY, edits) == result


@pytest.mark.parametrize(
    "edits", [[edit(2, 5), edit(4, 6)], [edit(2, 5), edit(2, 5)], [edit(5, 4)], [edit(9, 11)], [edit(-1, 2)]]
)
def test_spans_that_overlap_or_leave_the_body_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="edit at"):
        splice(BODY, edits)


@pytest.mark.parametrize("text", ["", 'quote " and \\', "line\n\x00\x1f\x7f", "é 𝄞 \u2028"])
def test_a_text_edit_is_that_text_in_json(text: str) -> None:
    assert json.loads(splice(b'["old"]', [text_edit(Span(1, 6), text)])) == [text]


def test_merged_keeps_all_edits() -> None:
    assert merged([edit(1, 2)], [], iter([edit(3, 4), edit(5, 6)])) == [edit(1, 2), edit(3, 4), edit(5, 6)]
