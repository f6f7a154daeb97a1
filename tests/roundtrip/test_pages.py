"""Pages are bounded, true, and lead through the whole of a text by their own hints."""

import json
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_mitm import tokens
from headroom_mitm.roundtrip.pages import PAGE_TOKENS, Page, Query, page

NUMBERED = "\n".join(f"line {number}" for number in range(1, 10_001))
ONE_LINE = "".join(f"{number:>9}," for number in range(100_000))
RANDOM = random.Random(7)  # the same text in every run
HINT = re.compile(r"go on with (?:the same (?P<same>[a-z ]+), )?lines=(?P<lines>[0-9@-]+)\]\n")
NOTE_TOKENS = 200

TEXTS: dict[str, str] = {
    "numbered": NUMBERED,
    "one line of a megabyte": ONE_LINE,
    "no spaces": "x" * 300_000,
    "empty": "",
    "empty lines": "\n" * 9_000,
    "crlf": NUMBERED.replace("\n", "\r\n"),
    "ends in a line end": NUMBERED[:90_000] + "\n",
    "long lines among short ones": "\n".join("ab " * (50_000 if n % 7 == 3 else 20) for n in range(30)),
    "emoji": "\U0001f9d1\u200d\U0001f680\U0001f3ff" * 20_000,
    "rare scripts": "\n".join("".join(chr(RANDOM.randrange(0x10000, 0x1F000)) for _ in range(3000)) for _ in range(9)),
    "json": json.dumps([{"id": n, "s": "x" * n} for n in range(300)]),
    "control characters": "a\x00b\x0bc\x0cd\x85e\u2028f\x1cg\n" * 3000,
}
TABLE = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)


def follow(text: str, query: Query) -> list[tuple[str, str]]:
    """Read page after page as the notes say; return each note and what it is about."""
    pages = []
    while True:
        shown = page(text, query)
        assert not shown.is_error
        assert tokens.count(shown.text) <= PAGE_TOKENS + NOTE_TOKENS
        note, _, content = shown.text.partition("\n")
        pages.append((note, content))
        hint = HINT.match(note[note.find("go on with") :] + "\n")
        if hint is None:
            return pages
        same = (hint["same"] or "").split(" and ")
        kept = {name: getattr(query, name) for name in ("path", "search") if name in same}
        query = Query(lines=hint["lines"], **kept)


def joined(pages: list[tuple[str, str]]) -> str:
    """Put pages together: what follows the piece of a long line stands in the same line."""
    text = ""
    for number, (note, content) in enumerate(pages):
        text += content
        if number < len(pages) - 1 and "the line is longer" not in note:
            text += "\n"
    return text


@TABLE
def test_the_hints_lead_through_the_whole_text(text: str) -> None:
    assert joined(follow(text, Query())) == text


@settings(max_examples=20)
@given(
    st.lists(st.text(st.characters(blacklist_categories=["Cs"]), max_size=20) | st.just("abcdef" * 8_000), max_size=5)
)
def test_the_hints_lead_through_any_text(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert joined(follow(text, Query())) == text


@TABLE
def test_the_hints_lead_through_a_range(text: str) -> None:
    lines = text.split("\n")
    last = max(1, len(lines) - 1)
    assert joined(follow(text, Query(lines=f"1-{last}"))) == "\n".join(lines[:last])


@pytest.mark.parametrize(
    ("lines", "note", "content"),
    [
        ("5-7", "[lines 5-7 of 10000]", "line 5\nline 6\nline 7"),
        (" 5 - 7 ", "[lines 5-7 of 10000]", "line 5\nline 6\nline 7"),
        ("5..6", "[lines 5-6 of 10000]", "line 5\nline 6"),
        ("5 to 6", "[lines 5-6 of 10000]", "line 5\nline 6"),
        ("5@3-6", "[lines 5@3-6 of 10000]", "ne 5\nline 6"),
        ("5@1-5", "[lines 5-5 of 10000]", "line 5"),
        ("10000", "[lines 10000-10000 of 10000]", "line 10000"),
        ("9999-", "[lines 9999-10000 of 10000]", "line 9999\nline 10000"),
        ("9999-20000", "[lines 9999-10000 of 10000]", "line 9999\nline 10000"),
    ],
)
def test_lines_are_those_that_are_asked_for(lines: str, note: str, content: str) -> None:
    assert page(NUMBERED, Query(lines=lines)) == Page(f"{note}\n{content}")


@pytest.mark.parametrize(
    "lines", ["0", "-5", "5-4", "10001", "all", "1;2", "[1, 2]", "9" * 30, "1 " + " " * 10**6 + "x"]
)
def test_a_range_that_is_none_is_an_error_that_helps(lines: str) -> None:
    shown = page(NUMBERED, Query(lines=lines))
    assert shown.is_error
    assert "write lines=120-180" in shown.text or "has 10000 lines" in shown.text
    assert len(shown.text) < 400


def test_a_page_says_what_it_shows() -> None:
    note, *lines = page(NUMBERED, Query()).text.split("\n")
    assert note == f"[lines 1-{len(lines)} of 10000; go on with lines={len(lines) + 1}]"
    assert lines[-1] == f"line {len(lines)}"
    assert PAGE_TOKENS * 0.8 < tokens.count("\n".join(lines)) <= PAGE_TOKENS


def test_a_search_finds_whatever_the_case() -> None:
    text = "one\nStra\u00dfe TWO\n\ntwo again\r\n\u00c9t\u00e9"
    two = Query(search="two", lines="1-4")
    assert page(text, two).text.split("\n")[1:] == ["2: Stra\u00dfe TWO", "4: two again\r"]
    assert page(text, Query(search="STRASSE", lines="1-4")).text.split("\n")[1:] == ["2: Stra\u00dfe TWO"]
    assert page(text, Query(search="\u00e9T\u00c9", lines="2-5")).text.split("\n")[1:] == ["5: \u00c9t\u00e9"]


def test_few_hits_come_with_the_lines_around_them() -> None:
    """Who looks for a name wants what stands beside it: a record of JSON has it on other lines."""
    shown = page(NUMBERED, Query(search="line 5000")).text.split("\n")
    assert shown[0].endswith("of 10000, with the lines around them]")
    assert shown[1:] == [f"{n}{':' if n == 5000 else '-'} line {n}" for n in range(4988, 5013)]


def test_gaps_between_hits_show() -> None:
    shown = page(NUMBERED, Query(search="line 77")).text.split("\n")
    assert "77: line 77" in shown
    assert shown[shown.index("--") - 1] == "89- line 89"
    assert shown[shown.index("--") + 1] == "758- line 758" or "765- line 765" in shown


def test_many_hits_come_alone() -> None:
    """Around them is no room."""
    shown = page(NUMBERED, Query(search="line 1")).text.split("\n")
    assert all(line.split(": ")[1].startswith("line 1") for line in shown[1:])


def test_a_search_keeps_to_the_range() -> None:
    shown = page(NUMBERED, Query(search="line 12", lines="100-125")).text.split("\n")
    assert shown[0] == "[6 lines contain 'line 12' (plain text, upper or lower case) in lines 100-125 of 10000]"
    assert shown[1:] == [f"{number}: line {number}" for number in range(120, 126)]


@pytest.mark.parametrize("wanted", ["line 9", "e", "LINE 1"])
def test_the_hints_of_a_search_lead_to_all_that_it_found(wanted: str) -> None:
    pages = follow(NUMBERED, Query(search=wanted))
    expected = [f"{n}: line {n}" for n in range(1, 10_001) if wanted.lower() in f"line {n}"]
    assert "\n".join(content for _, content in pages).split("\n") == expected
    assert pages[0][0].startswith(f"[{len(expected)} lines contain")


def test_a_search_looks_into_long_lines() -> None:
    """Each place is shown with its column, and that is where it stands."""
    pages = follow(ONE_LINE, Query(search=" 7777"))
    shown = [line.partition(": ") for _, content in pages for line in content.split("\n")]
    for label, _, excerpt in shown:
        line, _, column = label.partition("@")
        at = int(column or 1) - 1
        assert line == "1"
        assert ONE_LINE[at : at + len(excerpt)] == excerpt
    seen = {place for _, _, excerpt in shown for place in re.findall(" (7777[0-9]?),", excerpt)}
    assert seen == {"7777", *(f"7777{digit}" for digit in range(10))}


@pytest.mark.parametrize("at", range(380, 420))
def test_a_hit_between_two_pieces_is_seen(at: int) -> None:
    text = f"{'x' * at}needle{'x' * 2000}"
    assert "needle" in page(text, Query(search="NEEDLE")).text.partition("\n")[2]


def test_no_hit_is_said_only_of_what_was_searched() -> None:
    shown = page(NUMBERED, Query(search="line 7", lines="8-9"))
    assert shown.text == "[no lines contain 'line 7' (plain text, upper or lower case) in lines 8-9 of 10000]"


RECORDS = "\n".join(f'{{"name": "user {n}", "at": [{n}.5, {n + 1}], "city": "Rome"}}' for n in range(500))


@pytest.mark.parametrize("wanted", ["user 77 77.5 78", "77.5 78", '"at":[77.5,78]', "name:'user 77' at:77.5 planet"])
@pytest.mark.parametrize("text", [RECORDS, RECORDS.replace("\n", ", ")], ids=["lines", "one line"])
def test_what_is_spelled_otherwise_is_found_by_its_words(text: str, wanted: str) -> None:
    """A model sees the shorter form: other brackets, commas and quotes than the original has."""
    note, _, shown = page(text, Query(search=wanted)).text.partition("\n")
    assert note.startswith("[no lines contain")
    assert '"name": "user 77", "at": [77.5, 78]' in shown
    assert len(shown) < 2_000


@pytest.mark.parametrize("wanted", ["Rome wasn't built", "user 700", "(", "name planet"])
def test_a_place_with_half_of_the_words_is_none(wanted: str) -> None:
    assert "\n" not in page(RECORDS, Query(search=wanted)).text


def test_of_many_places_with_the_words_it_is_said_how_many_are_shown() -> None:
    note, *shown = page(RECORDS, Query(search="city:Rome")).text.split("\n")
    assert note.endswith(f"; 500 have 2 of its 2 words, here are the first {len(shown)}]")
    assert 10 < len(shown) < 100


@pytest.mark.parametrize("wanted", ["a\nb", "x" * 5000])
def test_a_search_that_could_find_nothing_is_an_error(wanted: str) -> None:
    """Zero must mean that there is none."""
    shown = page(NUMBERED, Query(search=wanted))
    assert shown.is_error
    assert "no lines" not in shown.text


@pytest.mark.parametrize("wanted", ["(a+)+$", "(x+x+)+y", ".*" * 50, "[", "a|b", "\\"])
def test_a_pattern_is_a_plain_text(wanted: str) -> None:
    """So none can take for ever."""
    text = "a" * 50_000 + "\n" + "x" * 50_000 + f"\n{wanted}"
    assert page(text, Query(search=wanted)).text.split("\n")[1:] == [f"3: {wanted}"]


def test_a_search_is_linear() -> None:
    """Ten times the text makes about ten times the steps; a needle that almost fits everywhere is no exception."""

    def steps(size: int) -> int:
        counted = Counted("a" * size)
        page_of = page(counted, Query(search="a" * 199 + "b"))
        assert page_of.text.startswith("[no lines")
        return counted.folded

    assert steps(1_000_000) <= 11 * steps(100_000)


class Counted(str):
    """A text that counts how many of its characters are looked at by a search."""

    __slots__ = ("folded",)

    def __init__(self, _: str) -> None:
        self.folded = 0

    def split(self, *_: object) -> list[str]:  # type: ignore[override]
        return [self]

    def casefold(self) -> str:
        self.folded += len(self)
        return str(self).casefold()


def test_a_path_selects_what_lines_and_search_look_into() -> None:
    text = json.dumps({"rows": [{"name": f"n{number}", "deep": {"x": "y" * 50}} for number in range(400)]})
    pages = follow(text, Query(path="rows"))
    assert len(pages) > 1
    assert json.loads(joined(pages)) == json.loads(text)["rows"]
    found = page(text, Query(path="rows", search='"n39')).text.split("\n")
    assert found[0].startswith("[11 lines contain")
    assert "in rows: lines 1-" in found[0]


def test_a_long_value_at_a_path_can_be_read_to_its_end() -> None:
    text = json.dumps({"log": "word " * 40_000})
    assert joined(follow(text, Query(path="log"))) == json.dumps("word " * 40_000)


@pytest.mark.parametrize("query", [Query(path="a"), Query(path="[0].b"), Query(path="[*]")])
def test_a_path_that_leads_nowhere_is_an_error(query: Query) -> None:
    assert page('[{"a": 1}]', query).is_error


def test_columns_are_characters() -> None:
    text = "\u00e9\U0001f600\u6f22" * 10
    assert page(text, Query(lines="1@2")).text == f"[lines 1@2-1 of 1]\n{text[1:]}"


@given(
    text=st.text(max_size=300),
    lines=st.text("0123456789-@ ", max_size=9),
    search=st.text(max_size=5),
    path=st.text(max_size=5),
)
def test_nothing_is_raised(text: str, lines: str, search: str, path: str) -> None:
    assert page(text, Query(lines, search, path)).text
