"""Ranges of lines are said exactly, and texts of very many tiny lines are known."""

from headroom_mitm.compressors.line_ranges import are_tiny, in_words


def test_a_few_ranges_are_named_and_many_are_counted() -> None:
    few = [range(2, 5), range(9, 10)]
    assert in_words(few, 40) == "lines 3-5 and 10-10 of 40"
    assert in_words([range(n, n + 2) for n in range(0, 30, 3)], 40) == "20 of 40 lines, in 10 ranges from 1-2 to 28-29"


def test_only_many_lines_are_tiny() -> None:
    """What is done with a line must not take longer than the characters of it allow."""
    many = ["a.c:1:"] * 50_000
    assert are_tiny(many, 7 * len(many))
    assert not are_tiny(many, 30 * len(many))
    assert not are_tiny(many[:999], 7 * 999)
