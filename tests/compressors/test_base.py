"""What compressors know of a text before they look at it closer."""

import pytest

from headroom_mitm.compressors.base import Content, in_one_piece

WIDE = "x" * 500
MANY = "\n".join(map(str, range(30_000)))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("a\n\n \t\nb\n", ["a", "b"]),
        (f"{WIDE}\nb", [WIDE[:300], "b"]),
        ("\n" * 60 + "a", []),
        (MANY, [str(number) for number in range(60)]),
    ],
    ids=["empty", "blank lines", "a wide line", "blank at first", "many lines"],
)
def test_the_first_lines_are_those_of_sixty_that_are_not_blank(text: str, lines: list[str]) -> None:
    assert Content(text).first_lines == lines
    assert Content(text).look == in_one_piece(lines) == "".join(f"\n{line}" for line in lines)


def test_lines_from_the_middle_are_whole() -> None:
    lines = Content(MANY).middle_lines(5)
    first = int(lines[0])
    assert lines == [str(first + number) for number in range(5)]
    assert 14_000 < first < 18_000


def test_the_head_of_a_short_text_is_all_of_it() -> None:
    content = Content("a\nb")
    assert content.head is content.lines
    assert len("\n".join(Content(MANY).head)) == 20_000
