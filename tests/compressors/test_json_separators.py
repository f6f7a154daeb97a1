"""What is known of words leads to the separator that counting leads to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm import tokens
from headroom_mitm.compressors.json_separators import spaces_are_shorter

WORDS = [
    "true",
    "Berlin",
    "Gdańsk",
    "camelCase",
    "HTTPServer",
    "nullable",
    "1.5",
    "-3",
    "0",
    "2026-01-02",
    '"a b"',
    "x'",
]
ODD = [
    "it's",
    "a'S",
    "naïve",
    "q̈",
    "日本",
    "٣",
    "a_b",
    "a-b",
    "é",
    "",
    "-",
    "+",
    ":",
    "$1",
    "a  b",
    "a\x1c",
    "Ⅻ",
    "ⓐ",
    "/a",
]
CELLS = st.one_of(st.sampled_from(WORDS), st.sampled_from(ODD), st.text("aB9é'. ×", max_size=4))


def counted(columns: list[list[str]]) -> bool:
    rows = [*zip(*columns, strict=True)]
    with_spaces, with_commas = ("\n".join([separator.join(row)[:400] for row in rows]) for separator in (" ", ","))
    return tokens.count(with_spaces) < tokens.count(with_commas)


@given(st.lists(st.lists(CELLS, min_size=8, max_size=8), min_size=2, max_size=5))
def test_the_separator_is_the_one_that_counting_finds(columns: list[list[str]]) -> None:
    assert spaces_are_shorter(columns, columns, tokens.count) is counted(columns)


@given(st.lists(st.lists(st.sampled_from(WORDS[:6]), min_size=8, max_size=8), min_size=2, max_size=5))
def test_so_it_is_of_words_that_come_again(columns: list[list[str]]) -> None:
    assert spaces_are_shorter(columns, columns, tokens.count) is counted(columns)


@pytest.mark.parametrize("width", [150, 199, 200, 250, 420])
def test_of_long_rows_the_beginning_counts(width: int) -> None:
    columns = [["a" * width, "b" * width] * 4, ["true", "Berlin"] * 4, ["word " * 60, "Word"] * 4]
    assert spaces_are_shorter(columns, columns, tokens.count) is counted(columns)


def test_cells_that_are_written_otherwise_are_counted() -> None:
    assert spaces_are_shorter([["a"] * 8, ["b c"] * 8], [["a"] * 8, ['"b c d e f g"'] * 8], tokens.count)
    assert not spaces_are_shorter([["a"] * 8, ['"b c"'] * 8], [["a"] * 8, ["b c"] * 8], tokens.count)


def test_who_counts_otherwise_is_asked() -> None:
    assert spaces_are_shorter([["1"] * 8] * 2, [["1"] * 8] * 2, lambda text: text.count(","))
