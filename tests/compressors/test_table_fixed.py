"""Listings at fixed places come back to the space, whatever overflows, is empty or has spaces inside."""

import pytest
import table_rows_decoder

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.table_rows import TableRows

COMPRESSOR = TableRows()


def listing(names: str, row: str, count: int = 40) -> str:
    """Write a listing of processes in a format of printf."""
    rows = [
        row.format("root", 4 * number**2, 0.5 * (number % 2), "?", f"[kworker/{number}:0 -x{number}]")
        for number in range(count)
    ]
    return "\n".join([names, *rows])


LISTINGS = {
    "as ps writes it": listing("USER       PID %CPU TTY      COMMAND", "{:8} {:>5} {:>4} {:8} {}"),
    "cells wider than their column": listing("USER  PID %CPU TTY  COMMAND", "{:5} {:>3} {:>4} {:4} {}"),
    "names apart from their cells": listing(
        "User         Pid         Cpu    Terminal   Command", "{:9}{:>9} {:>9} {:>9} {}"
    ),
    "with text around": "top - 06:13:28 up\n\n"
    + listing("USER       PID %CPU TTY      COMMAND", "{:8} {:>5} {:>4} {:8} {}")
    + "\n\n42 in all\n",
}


def folded(text: str, level: Level = Level.LOSSLESS) -> str:
    """Compress and hold a lossless form to its word."""
    form = COMPRESSOR.compress(Content(text), level)
    assert form is not None
    assert not form.lossless or table_rows_decoder.decode(form.text) == text
    return form.text


@pytest.mark.parametrize("text", LISTINGS.values(), ids=LISTINGS.keys())
def test_every_listing_comes_back(text: str) -> None:
    shown = folded(text)
    assert "|[kworker/7:0 -x7]" in shown
    assert shown.count("root") == 1


def test_empty_cells_are_told_by_the_names_above_them() -> None:
    lines = [
        "COMMAND   PID TASK  USER  FD",
        *(f"bash   {number:6} {'main' if number % 3 else '':5} root {number:>4}" for number in range(30)),
    ]
    shown = folded("\n".join(lines))
    assert "COMMAND=bash" in shown
    assert "USER=root" in shown
    assert "\n8|8\n9|9|TASK=\n" in shown


def test_rows_that_stand_out_stay() -> None:
    busy = LISTINGS["as ps writes it"].replace("root      1600  0.0", "root      1600 98.7")
    shown = folded(busy, Level.HARD)
    assert "98.7" in shown
    assert "rows left out: lines" in shown


@pytest.mark.parametrize(
    "text",
    [
        "Dear  Reader  Friend\n"
        + "this is\nwhat a letter looks like\nif it has many words\nof any length and form\n" * 9,
        "Name  Size  Kind\n" + "a b c\n" * 3,
        "NAME  SIZE  KIND \n" + "".join(f"{'x' * number} {number} y\n" for number in range(1, 20)),
    ],
    ids=["prose", "too few rows", "cells anywhere"],
)
def test_what_only_begins_like_a_listing_is_none(text: str) -> None:
    form = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert form is None or "at fixed places" not in form.text
