"""Code below diagnostics loses its line of marks, never its text; where many say the same, some lose their code."""

import build_output_decoder
import pytest

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.build_output import BuildOutput

COMPRESSOR = BuildOutput()
CODE = "    return compute(first, second) + offset;"
LAYOUTS = {
    "gcc": "{path}:{line}:12: {said}\n{line:>5} | {code}\n      |            ^~~~~~~",
    "gcc, between": "{path}:{line}:35: {said}\n{line:>5} | {code}\n      |            ~~~~~~~~~~~~~~~~~~~~~~^~~~",
    "tsc": "{path}:{line}:12 - {said}\n\n{line} {code}\n{pad}            ~~~~~~~\n",
    "mypy": "{path}:{line}: {said}\nwhere it may be None\n{code}\n           ^~~~~~~",
    "javac": "{path}:{line}: {said}\n{code}\n           ^\n  symbol:   method compute\n  location: class Orders",
}


def diagnostics(layout: str, said: str, files: int = 3) -> str:
    """Write a message at ten places of each of some files."""
    made = [
        LAYOUTS[layout].format(
            path=f"src/part_{number}.c",
            line=line,
            pad=" " * len(str(line)),
            said=said,
            code=f"{CODE} // {number}-{line}",
        )
        for number in range(files)
        for line in range(95, 995, 90)
    ]
    return "\n".join(made)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_comes_back_without_its_marks(layout: str) -> None:
    text = diagnostics(layout, "error: too few arguments to 'compute' in this call, of those that it must have")
    found = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert found is not None
    assert found.text.count("~~") <= 1  # in the note
    assert found.text.count("too few arguments") == 1
    assert all(f"// {number}-{line}" in found.text for number in range(3) for line in range(95, 995, 90))
    assert build_output_decoder.decode(found.text) == text


def test_code_that_stands_above_is_not_said_again() -> None:
    marks = "^~~~~"
    twice = [
        f"src/a.c:{line}:{column}: warning: unused value [-Wunused]\n{line:>5} | {CODE}\n      | {marks:>{column + 4}}"
        for line in range(10, 30)
        for column in (20, 27)
    ]
    text = "\n".join(twice)
    found = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert found is not None
    assert "> … «secon»" in found.text
    assert build_output_decoder.decode(found.text) == text


@pytest.mark.parametrize(("verdict", "least"), [("error", 10), ("warning", 2)])
def test_places_and_messages_stay_of_all_and_code_of_the_first(verdict: str, least: int) -> None:
    text = diagnostics("gcc", f"{verdict}: too few arguments to 'compute'", files=9)
    found = COMPRESSOR.compress(Content(text), Level.LIGHT)
    assert found is not None
    assert found.left_out == f"the code of {90 - least} diagnostics, of 270 lines"
    assert found.text.count("\n> ") == least
    assert all(f"{line}:12" in found.text for line in range(95, 995, 90))


@pytest.mark.parametrize("sign", ["«", "▸", "⏎", "… "])
def test_signs_of_ours_in_the_code_stay_what_they_are(sign: str) -> None:
    text = diagnostics("gcc", "error: too few arguments to 'compute', of those that it must have")
    text = text.replace(f"| {CODE} // 0-95\n", f"| {sign}{CODE} // 0-95\n").replace(
        ", of those", f"{sign}, of those", 1
    )
    found = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert found is not None
    assert build_output_decoder.decode(found.text) == text
