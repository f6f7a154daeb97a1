"""The lossless form of markup: the text alone gives the original back, whatever the markup."""

import html_dom_decoder
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_mitm.compressors.base import Content, Level
from headroom_mitm.compressors.html_dom import HtmlDom
from headroom_mitm.compressors.html_fold import fold
from headroom_mitm.compressors.html_space import collapsed

ICON = '<svg viewBox="0 0 24 24"><path d="M12 2C6.48 2 2 6.48 2 12s4.48 10 10 10 10-4.48 10-10S17.52 2 12 2z"/></svg>'
NAMES = ("pump at the pier", "valve of the lock", "crane on the quay", "float in the tank")
FOLDED = {
    # markup -> what must stand in the folded form
    "attributes": ("".join(f'<a href="/{name}" class="entry">x</a>' for name in NAMES), "[+3 <a>: href]\n /valve of"),
    "texts": (
        "".join(f"<item><name>{name}</name><kind>part</kind></item>\n" for name in NAMES),
        "<item>: name]\n valve",
    ),
    "equal values": ("".join(f'<li title="{name}"><b>{name}</b></li>' for name in NAMES), "<li>: title=b]\n valve"),
    "names twice": (
        "".join(f'<p a="{n}{n}" class="entry entry-wide"><i a="{n}"/></p>' for n in NAMES),
        "[+3 <p>: a | a2]\n valve",
    ),
    "end tags left out": (
        "<ul>" + "".join(f'<li class="entry entry-wide">{name}\n' for name in NAMES),
        "[+3 <li>: li]\n",
    ),
    "indented": (
        "".join(f'\n    <td class="cell cell-left">{name}</td>' for name in NAMES),
        "[+3 <td>: td]\n     valve",
    ),
    "empty elements": ("".join(f'<meta property="og:title" content="{name}">\n' for name in NAMES), "<meta>: content]"),
    "the same": ('<td class="cell cell-left">-</td>\n' * 9, "-</td>\n[+8 <td>, the same]\n</main>"),
    "an element again": (f"<b>{ICON}</b><i>{ICON}</i>", f"[#1]{ICON}</b><i>[#1 again, {len(ICON)} characters]</i>"),
}


@pytest.mark.parametrize(("markup", "expected"), FOLDED.values(), ids=FOLDED.keys())
def test_like_elements_become_rows(markup: str, expected: str) -> None:
    text = f"<main>{markup}</main>"
    folded = fold(text)
    assert folded is not None
    assert expected in folded
    assert html_dom_decoder.decode(folded) == text


STAYS = {
    "a bar in a value": "".join(f'<a href="/{name}|x" class="entry">x</a>' for name in NAMES),
    "values over several lines": "".join(f'<a class="entry"><b>{name}\n{name}</b></a>' for name in NAMES),
    "text between": "text".join(f'<a href="/{name}" class="entry">x</a>' for name in NAMES),
    "notes in the text": "[+2 <a>: x][#1 again, 9 characters]"
    + "".join(f'<a href="/{n}" class="entry">{ICON}</a>' for n in NAMES),
    "long elements": "".join(f"<td><b>{name * 200}</b></td>" for name in NAMES),
    "all different": "".join(f"<{name[0]}>{name}</{name[0]}>" for name in NAMES),
    "another element's end": "".join(f"<div class=entry><b>{name}</div>" for name in NAMES)[:60] + "<a><a x=1></b>" * 3,
}


@pytest.mark.parametrize("markup", STAYS.values(), ids=STAYS.keys())
def test_what_would_not_come_back_stays(markup: str) -> None:
    folded = fold(markup)
    assert folded is None or html_dom_decoder.decode(folded) == markup


def test_a_file_about_to_be_edited_stays() -> None:
    text = "<ul>" + "".join(
        f'<li class="entry entry-wide"><a href="/p/{number}">{number}</a></li>\n' for number in range(40)
    )
    assert HtmlDom().compress(Content(text, "Read", "/app/menu.html", fresh_read=True), Level.LOSSLESS) is None
    assert HtmlDom().compress(Content(text, "Read", "/app/menu.html"), Level.LOSSLESS) is not None


pieces = st.sampled_from(
    (
        *(
            "<ul>",
            "</ul>",
            "<li>",
            "</li>",
            "<li class='a b c d e f g h i j'>",
            "<p>",
            "</p>",
            "<br>",
            "<a x=1/>",
            "<b>",
            "</b>",
        ),
        *(
            '<i title="a longer text with words">',
            "</i>",
            " ",
            "\n  ",
            "w1",
            "w2",
            "longer words of a text",
            "|",
            "<",
            ">",
            "&amp;",
        ),
        *(
            "<script>",
            "</script>",
            "<!-- ",
            " -->",
            "<![CDATA[",
            "]]>",
            '"',
            ICON,
            "[#1]",
            '<td title="" class="one two three">',
        ),
    )
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.lists(pieces, max_size=6), st.integers(1, 4)), max_size=8))
def test_any_markup_comes_back(runs: list[tuple[list[str], int]]) -> None:
    text = "".join("".join(run) * times for run, times in runs)
    folded = fold(text)
    assert folded is None or html_dom_decoder.decode(folded) == text


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("li", "td", "a", "x:y")), st.sampled_from(NAMES), st.sampled_from(("", "1", "a b", "x|y"))
        ),
        max_size=14,
    ),
    st.sampled_from(("", "\n", "\n    ", "</p>")),
    st.booleans(),
)
def test_runs_come_back(items: list[tuple[str, str, str]], gap: str, ended: bool) -> None:
    """Elements in a row, with and without end tags, values that fit into a row and some that do not."""
    shown = [
        f'<{tag} class="entry entry-{n}" v="{v}"><b>{n}</b>{v}' + (f"</{tag}>" if ended else "") for tag, n, v in items
    ]
    text = f"<ul>{gap.join(shown)}</ul><p>end</p>"
    folded = fold(text)
    assert folded is None or html_dom_decoder.decode(folded) == text


def test_indentation_of_a_page_is_not_kept() -> None:
    code = "<pre>\n  x\n\n\n  y</pre>"
    text = f"<html>\n  <body>\r\n  \n <p>a  b\n   c</p>\n {code} \n<!-- \n\n --> <code>\n 1</code>\n  </body></html>"
    kept = f"<html>\n<body>\n<p>a  b\nc</p>\n{code}\n<!-- \n\n --> <code>\n 1</code>\n</body></html>"
    assert collapsed(text) == kept
    assert html_dom_decoder.same(text, kept)
    assert not html_dom_decoder.same(text, kept.replace("a  b", "a b"))


def test_a_report_is_no_file_to_edit() -> None:
    cases = "".join(
        f'\n<testcase name="case {number}" classname="harbour.Pump" time="0.{number}"/>' for number in range(40)
    )
    text = f'<?xml version="1.0"?>\n<testsuites><testsuite name="harbour">{cases}\n</testsuite></testsuites>\n'
    assert (
        HtmlDom().compress(Content(text, "Bash", "cat build/report.xml", fresh_read=True), Level.LOSSLESS) is not None
    )


def suites(sizes: list[int], gap: str, constant: str) -> str:
    """Elements that hold some elements each; ``constant`` is a value that all of those have."""
    found = []
    for number, size in enumerate(sizes):
        cases = [
            f'<case name="{NAMES[at % 4]}" time="0.{at}" suite="suite number {number}" kind="{constant}"/>'
            for at in range(size)
        ]
        found.append(f'<suite name="suite number {number}" tests="{size}">{gap}{gap.join(cases)}{gap}</suite>')
    return f"<suites>{gap}{gap.join(found)}{gap}</suites>"


def test_elements_with_rows_become_rows() -> None:
    folded = fold(suites([3, 1, 2], "\n", "unit"))
    assert folded is not None
    assert (
        "</suite>\n[+2 <suite>: name=case.suite | tests; its <case>: name | time]\n"
        " suite number 1 | 1\n  pump at the pier | 0.0\n"
        " suite number 2 | 2\n  pump at the pier | 0.0\n  valve of the lock | 0.1\n end of <suite>\n\n</suites>"
    ) in folded


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 5), max_size=8),
    st.sampled_from(("", "\n", "\n  ", "text")),
    st.sampled_from(("unit", "", "a|b")),
)
def test_groups_come_back(sizes: list[int], gap: str, constant: str) -> None:
    text = suites(sizes, gap, constant)
    folded = fold(text)
    assert folded is None or html_dom_decoder.decode(folded) == text
