"""Text for people stays as it is, but for blocks that stand above and data that nobody reads."""

import base64
import random

import prose_decoder
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.prose import Prose
from headroom_mitm.compressors.prose_repeats import fold

NOTICE = "\n".join(f"Clause {number}: the pump may be used by those who know its manual." for number in range(5))
DATA = base64.b64encode(random.Random(7).randbytes(1_500)).decode()


def light(text: str) -> Compressed | None:
    return Prose().compress(Content(text), Level.LIGHT)


def test_a_block_that_stands_above_becomes_a_reference() -> None:
    folded = fold(f"# A\n{NOTICE}\n\n# B\n{NOTICE}\nend")
    again = "[again, lines 2-6: Clause 0: the pump may be used by those who know its manual.]"
    assert folded == f"# A\n{NOTICE}\n\n# B\n{again}\nend"


def test_what_is_referred_to_is_shown() -> None:
    text = f"{NOTICE}\n1\n{NOTICE}\n2\n{NOTICE}\n"
    folded = fold(text)
    assert folded is not None
    assert folded.count("[again, lines 1-5: ") == 2
    assert prose_decoder.decode(folded) == text


STAYS = {
    "short": "A line that comes again.\n" * 2,
    "code between fences": f"{NOTICE}\n```\n{NOTICE}\n```\n",
    "notes in the text": f"[again, line 7: x]\n{NOTICE}\n{NOTICE}\n",
}


@pytest.mark.parametrize("text", STAYS.values(), ids=STAYS.keys())
def test_what_is_short_or_code_stays(text: str) -> None:
    assert fold(text) in (None, text)


def test_a_file_about_to_be_edited_stays() -> None:
    content = Content(f"{NOTICE}\n\n" * 9, "Read", "/app/LICENSES", fresh_read=True)
    assert Prose().compress(content, Level.HARD) is None


LEFT_OUT = {
    "in a line": (f"key: {DATA}\nend", f"key: {DATA[:24]}…[1,976 more characters of base64]\nend"),
    "address": (
        f"![x](data:image/png;base64,{DATA})",
        f"![x](data:image/png;base64,{DATA[:24]}…[1,976 more characters of base64])",
    ),
    "in lines": (
        "-----BEGIN\n" + "\n".join(DATA[at : at + 64] for at in range(0, 2_000, 64)) + "\n-----END",
        f"-----BEGIN\n{DATA[:24]}…[2,007 more characters of base64]\n-----END",
    ),
    "hexadecimal": (
        "dump " + "00ff3a9c" * 100 + " end",
        "dump 00ff3a9c00ff3a9c00ff3a9c…[776 more characters of hexadecimal] end",
    ),
}


@pytest.mark.parametrize(("text", "expected"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_data_is_left_out_with_its_size(text: str, expected: str) -> None:
    found = light(text)
    assert found is not None
    assert found.text == expected
    assert not found.lossless
    assert Prose().compress(Content(text), Level.LOSSLESS) is None


WORDS = {
    "path": "/".join(["usr", "local", "share", "pumps"] * 60),
    "words without spaces": "theQuickPumpAtThePierRunsDry" * 40,
    "identifiers": "_".join(["PUMP_STATE_MACHINE"] * 60),
    "short key": DATA[:400],
    "address of a download": f"https://e.org/get?token={DATA[:500]}%2B{DATA}",
}


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS.keys())
def test_words_are_no_data(text: str) -> None:
    assert light(f"before {text} after") is None


def test_lines_are_those_of_the_original() -> None:
    found = light(f"{NOTICE}\nx\n{NOTICE}\nkey: {DATA}\n{DATA}\n")
    assert found is not None
    assert "[again, lines 1-5: " in found.text
    assert found.left_out == "3,952 characters of data in 2 pieces, lines 12, 13"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([NOTICE, NOTICE[:250], "short", "", "```", "x" * 300, "\r", "[again, x", "Clause 1: the pump"]),
        max_size=14,
    )
)
def test_any_text_comes_back(blocks: list[str]) -> None:
    text = "\n".join(blocks)
    folded = fold(text)
    assert folded is None or prose_decoder.decode(folded) == text
