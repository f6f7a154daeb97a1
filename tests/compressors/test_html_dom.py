"""Pages: what a reader sees is there, in order; what is left out is counted; markup to be worked on stays markup."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.html_dom import HtmlDom, parse

FILLER = "<p>" + "The pump runs at the pier, and nobody listens to it at night. " * 4 + "</p>" + "<!-- idle -->" * 200
PAGES = {
    # markup -> lines that must come out
    "link": ('<p>See <a href="/a?b=1&amp;c=2" class="x">this <b>one</b></a>.</p>', "See [this one](/a?b=1&c=2)."),
    "link that is its own text": ('<a href="https://e.org/">https://e.org/</a>', "<https://e.org/>"),
    "link around a block": ('<a href="/a"><h3>Head</h3><p>Text</p></a>', "### [Head Text](/a)"),
    "link with a name only": ('<a href="/cart" aria-label="Cart"><svg><path d="M0"/></svg></a>', "[Cart](/cart)"),
    "link inside the page": ('<p>up to <a href="#top">the top</a></p>', "up to the top"),
    "script as target": ('<a href="javascript:void(0)">Close</a>', "Close"),
    "headings": ("<h1>A<br>b</h1><h4>C</h4>", "# A\nb\n\n#### C"),
    "nested lists": ("<ul><li>a<ol start=3><li>b<li>c</ol><li>d</ul>", "- a\n  3. b\n  4. c\n- d"),
    "quote": ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n> b"),
    "terms": ("<dl><dt>Pier</dt><dd>A wall.</dd></dl>", "Pier\n: A wall."),
    "numbers side by side": ("<span>12</span><span>5</span>", "12 5"),
    "powers": ("<p>10<sup>6</sup> H<sub>2</sub>O x<sup>[1]</sup></p>", "10^6 H_2O x[1]"),
    "struck price": ("<p><s>9.90</s> 7.90</p>", "~~9.90~~ 7.90"),
    "time in words": ('<time datetime="2026-11-22T03:00Z">an hour ago</time>', "an hour ago (2026-11-22T03:00Z)"),
    "image": ('<img src="/a.png" alt="A  pier"><img src="/b.gif">', "![A pier]"),
    "words of a drawing": ("<svg><style>x{}</style><text>Load</text><text>7 %</text></svg>", "Load 7 %"),
    "frame": ('<iframe src="https://e.org/map" title="Map"></iframe>', "[Map](https://e.org/map)"),
    "noscript": ("<noscript>Scripts are <b>off</b></noscript>", "Scripts are off"),
    "template": ("<template><p>Row</p></template>", "Row"),
    "own elements": ("<my-row>a</my-row><my-row>b</my-row>", "a\nb"),
    "code": (
        "<pre class=code><span>1</span><span>2</span>\n  if a:\n\n\n    b</pre>",
        "```\n12\n  if a:\n\n\n    b\n```",
    ),
    "lines of code as blocks": ("<pre><code><div>a</div><div>  b</div></code></pre>", "```\na\n  b\n```"),
    "link in code": (
        '<pre><code>use <a href="/a">a</a>, <a href="https://e.org/b">b</a></code></pre>',
        "```\nuse a, b\n```\nLinks in it: [b](https://e.org/b)",
    ),
    "fence in code": ("<pre><code>```\nx\n```</code></pre>", "````\n```\nx\n```\n````"),
    "preformatted text": ('<pre>a  b\n\n\n\nsee <a href="/rfc1">RFC 1</a></pre>', "a  b\n\nsee [RFC 1](/rfc1)"),
    "table": (
        "<table><tr><th>a<th>b<tr><td rowspan=2>1<td>2|3<tr><td><ul><li>x<li>y</ul></table>",
        "a | b\n---|---\n1 | 2\\|3\n1 | - x / - y",
    ),
    "table for layout": ("<table><tr><td><h2>A</h2><td>b</table>", "## A\nb"),
    "table of pictures": (
        "<table><tr><td>a<td class=done><img src=/1.png><tr><td>b<td class='x y'><img src=/open.png?v=2></table>",
        "a | ![done]\nb | ![open.png]",
    ),
    "fields": (
        '<input type="checkbox" name=a checked> A<input name=q placeholder=No aria-label="No"><textarea>b</textarea>',
        "<input type=checkbox name=a checked> A <input name=q placeholder=No> <textarea> b",
    ),
    "broken markup": ("<div><p>one<b>two</div></i>three", "onetwo\nthree"),
    "entities": ("<p>&lt;b&gt; &amp;amp; &euro;5 &unknown; &#x41;</p>", "<b> &amp; €5 &unknown; A"),
}


def light(markup: str, level: Level = Level.LIGHT) -> Compressed:
    found = HtmlDom().compress(
        Content(f"<html><body>{markup}{FILLER}</body></html>", "WebFetch", "https://e.org/"), level
    )
    assert found is not None
    return found


@pytest.mark.parametrize(("markup", "expected"), PAGES.values(), ids=PAGES.keys())
def test_elements_become_lines(markup: str, expected: str) -> None:
    text = light(markup).text
    assert text.startswith("[Web page as text")
    assert text.partition("]\n")[2].partition("\nThe pump")[0].strip("\n") == expected


def test_what_is_left_out_is_counted_exactly() -> None:
    markup = "<script>let a</script><script src=x></script><style>b{}</style><a href='#x'>x</a><img src=i>"
    size = len(f"<html><body>{markup}{FILLER}</body></html>")
    assert light(markup).left_out == (
        f"the markup of this page of {size:,} characters: 2 scripts (5 characters), 1 style (3 characters), "
        "200 comments (1,200 characters), the 1 address of images, 1 target within the page, or in code, or a script"
    )


def test_a_link_that_stands_above_is_not_said_again() -> None:
    text = light('<p>a <a href="/a">A</a></p><p>b <a href="/a">A</a>, <a href="/b">A</a></p>').text
    assert "a [A](/a)\nb [A], [A](/b)" in text


def test_a_menu_that_comes_again_is_counted() -> None:
    menu = "".join(f"<li><a href=/{name}>{name}</a>" for name in ("News", "Sport", "Shop"))
    text = light(f"<ul>{menu}</ul><p>x</p><ul>{menu}</ul>").text
    assert "- [News](/News)\n- [Sport](/Sport)\n- [Shop](/Shop)\nx\n[News] … [Shop] (3 links that stand above)" in text


def test_long_targets_are_cut_with_a_count() -> None:
    found = light(f'<a href="/a?q={"x" * 296}">A</a> <a href="data:text/csv;base64,{"QUJD" * 90}">B</a>')
    assert f"[A](/a?q={'x' * 95}…(201 more characters)) [B](data:text/csv…(368 more characters))" in found.text
    assert found.left_out.endswith("569 characters of long targets")


@pytest.mark.parametrize("level", [Level.LIGHT, Level.MEDIUM, Level.HARD])
def test_every_word_that_is_no_link_stays(level: Level) -> None:
    words = [f"w{number}" for number in range(200)]
    markup = "".join(
        f"<{tag}>{word}</{tag}>" for word, tag in zip(words, ["p", "b", "td", "li", "h2"] * 40, strict=True)
    )
    assert re.findall(r"w\d+", light(markup, level).text) == words


STAYS = {
    "a file that was read": ("Read", "/app/templates/index.html"),
    "a file that was printed": ("Bash", "cat public/index.html"),
    "a server of one's own": ("Bash", "curl -s http://localhost:3000/"),
    "a file of a project called web": ("mcp__webstorm__get_text", "src/main/page.html"),
    "markup that is searched": ("Bash", "curl -s https://e.org/ | grep -n class"),
    "a diff": ("Bash", "git show HEAD:public/page"),
}


@pytest.mark.parametrize(("tool", "subject"), STAYS.values(), ids=STAYS.keys())
def test_markup_that_may_be_worked_on_stays(tool: str, subject: str) -> None:
    content = Content(f"<!DOCTYPE html><html><body>{FILLER}</body></html>", tool, subject)
    found = HtmlDom().compress(content, Level.HARD)
    assert found is None or found.lossless


READ = {
    "a tool that fetches": ("WebFetch", "https://e.org/"),
    "a tool of a browser": ("mcp__playwright__browser_evaluate", "() => document.documentElement.outerHTML"),
    "a command": ("Bash", "cd /tmp && curl -sL https://e.org/index.html | head -c 50000"),
    "a script": ("Bash", "python3 -c \"import requests; print(requests.get('https://e.org').text)\""),
    "nothing known": ("", ""),
}


@pytest.mark.parametrize(("tool", "subject"), READ.values(), ids=READ.keys())
def test_pages_from_the_web_are_read(tool: str, subject: str) -> None:
    found = HtmlDom().compress(
        Content(f"<!DOCTYPE html><html><body>{FILLER}</body></html>", tool, subject), Level.LIGHT
    )
    assert found is not None
    assert not found.lossless


UNREADABLE = {
    "nested too deep": "<div>" * 400 + "text",
    "open tags": "<b>word " * 30_000,
    "NUL": f"a\x00b{FILLER}",
    "half a character": f"\ud800{FILLER}",
    "shows nothing": "<div id=app></div><script>" + "render();" * 500 + "</script>",
}


@pytest.mark.parametrize("markup", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_declines_what_the_parser_would_lose(markup: str) -> None:
    content = Content(f"<html><body>{markup}</body></html>", "WebFetch", "https://e.org/")
    assert HtmlDom().compress(content, Level.LIGHT) is None


def test_a_document_cannot_make_entities_grow() -> None:
    declared = "".join(f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 12))
    markup = f'<!DOCTYPE html [<!ENTITY e0 "lol">{declared}<!ENTITY file SYSTEM "file:///etc/hostname">]><html><body>'
    content = Content(f"{markup}<p>&e11; &file;</p>{FILLER}</body></html>", "WebFetch", "https://e.org/")
    found = HtmlDom().compress(content, Level.LIGHT)
    assert found is not None
    assert "lol lol" not in found.text
    assert len(found.text) < 3_000


def test_a_part_of_a_page_from_a_browser_is_a_page() -> None:
    content = Content(f'<div class="card card--wide"><p class="x">a</p>{FILLER}</div>', "mcp__browser__get_html", "")
    assert HtmlDom().score(content) > 0
    assert HtmlDom().compress(content, Level.LIGHT) is not None


TAGS = "a b br code dd div dl form h2 hr i img input li ol option p pre select span sup table td th tr ul".split()  # noqa: SIM905


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([*(f"<{tag} href=/x class=y>" for tag in TAGS), *(f"</{tag}>" for tag in TAGS)]),
            st.from_regex(r" ?w[0-9]{3} ?", fullmatch=True),
        )
    )
)
def test_soup_keeps_its_words(pieces: list[str]) -> None:
    """Whatever the nesting, each word that the parser finds comes out once, in order."""
    markup = "".join(pieces)
    root = parse(f"<html><body>{markup}{FILLER}</body></html>")
    assert root is not None
    seen = re.findall(r"w[0-9]{3}", "".join(map(str, etree.ElementTextIterator(root))))
    assert re.findall(r"w[0-9]{3}", light(markup).text) == seen
