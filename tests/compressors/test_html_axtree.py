"""Accessibility trees keep every reference and name; what most elements have is said once."""

import re

import html_dom_decoder
import pytest

from headroom_mitm.compressors.base import Content, Level
from headroom_mitm.compressors.html_axtree import is_tree, shorten
from headroom_mitm.compressors.html_dom import HtmlDom

PLAYWRIGHT = "".join(
    f'- link "Item {number}" [ref=e{number}] [cursor=pointer]:\n  - /url: /{number}\n' for number in range(30)
)
BROWSERGYM = "".join(
    f"[{number}] button 'Buy {number}', clickable, visible\n\tStaticText 'Buy'\n\tStaticText '{number}'\n"
    for number in range(40)
)


@pytest.mark.parametrize("text", [PLAYWRIGHT, BROWSERGYM], ids=["playwright", "browsergym"])
def test_a_tree_comes_back(text: str) -> None:
    found = HtmlDom().compress(Content(text, "mcp__browser__snapshot"), Level.LOSSLESS)
    assert found is not None
    assert found.lossless
    assert html_dom_decoder.decode(found.text) == text


def test_texts_that_are_the_name_are_left_out_and_counted() -> None:
    found = HtmlDom().compress(Content(BROWSERGYM), Level.LIGHT)
    assert found is not None
    assert "StaticText" not in found.text
    assert re.findall(r"\[\d+\] button 'Buy \d+'", found.text) == re.findall(r"\[\d+\] button 'Buy \d+'", BROWSERGYM)
    assert found.left_out == "80 texts that are the name of the element they are in"


def test_other_texts_stay() -> None:
    text = BROWSERGYM.replace("StaticText 'Buy'", "StaticText 'Sold out'")
    found = shorten(text, lossy=True)
    assert found is not None
    assert found.gone == 0
    assert found.text.count("StaticText 'Sold out'") == 40


def test_a_star_in_the_text_is_no_mark() -> None:
    text = PLAYWRIGHT + '- button "x" [ref=e99]*\n'
    assert shorten(text, lossy=False) is None


OTHERS = {
    "list": "- link to [the manual](https://e.org)\n- [x] done\n" * 40,
    "yaml": "- name: build\n  run: make\n  with: [a, b]\n" * 40,
    "log": "[12] info 'started'\n" + "2026-11-22 03:00:00 worker [7] done\n" * 80,
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS.keys())
def test_other_lists_are_no_trees(text: str) -> None:
    assert not is_tree(text)
