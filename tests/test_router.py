"""The surest compressor goes first, a failing one is passed over, and no form leaves that is not worth it."""

from dataclasses import dataclass, field

import pytest
from sample_compressors import (
    LARGE,
    PHRASE,
    SMALL,
    Grow,
    HalfACharacter,
    Liar,
    LossyOnly,
    Raise,
    RaiseOnSight,
    Shorten,
    Verbose,
    rows,
)

from headroom_mitm import tokens
from headroom_mitm.compressors import Compressed, Compressor, Content, Level
from headroom_mitm.router import FILE_FLOOR, LEAST_SHARE, LEAST_TOKENS, LONGEST, LOSSY_GAIN, Router, Source, raw
from headroom_mitm.segments import Call, Rendering, Role, Segment, Span, digest_of_text, text_id
from headroom_mitm.sizes import Size
from headroom_mitm.wording import marker

NONE: frozenset[str] = frozenset()


def source(text: str, call: Call | None = None, *, is_error: bool = False, edited: bool = False) -> Source:
    segment = Segment(Span(0, 0), Role.TOOL, "c1", 0, digest_of_text(text), len(text), is_error, newest=True)
    return Source(segment, text, call, edited)


def render(text: str, *compressors: Compressor, lossy: bool = True, **more: bool) -> Rendering:
    return Router(compressors).render(source(text, **more), NONE, lossy=lossy)


def test_nothing_is_left_out_of_a_file_that_is_worked_on() -> None:
    """An edit must name its text exactly, whatever kind of text the file holds."""
    read = Call("c1", "Bash", "cat app.log")
    found = [Router((Shorten(),)).render(source(rows(LARGE), read, edited=e), NONE, lossy=True) for e in (False, True)]
    assert [form.lossless for form in found] == [False, True]


def test_nothing_is_left_out_of_a_small_file() -> None:
    """Of the output of a command of that size there is."""
    text = rows(FILE_FLOOR // tokens.count(rows(1)) - 5)
    assert LOSSY_GAIN < tokens.count(text) < FILE_FLOOR
    calls = (Call("c1", "Bash", "make"), Call("c1", "Bash", "cat app.log"))
    found = [Router((LossyOnly(),)).render(source(text, call), NONE, lossy=True) for call in calls]
    assert [form.lossless for form in found] == [False, True]


def test_the_level_is_asked_for_by_kind_and_size() -> None:
    """Only for texts that could lose enough; the rendering says which it was."""
    asked: list[tuple[str, int]] = []

    def hardest(kind: str, size: Size) -> Level:
        asked.append((kind, size.count))
        return Level.HARD

    text = rows(LARGE)
    found = Router((Shorten(),)).render(source(text), NONE, lossy=True, level_of=hardest)
    assert asked == [("shorten", tokens.count(text))]
    assert (found.level, found.lossless) == (Level.HARD, False)
    assert Router((Shorten(),)).render(source(rows(SMALL)), NONE, lossy=True, level_of=hardest).lossless
    assert Router((Shorten(),)).render(source(text), NONE, lossy=False, level_of=hardest).lossless
    assert len(asked) == 1


def words(count: int, *, filler: int) -> str:
    """Return a text of ``filler`` lines of which ``count`` have a phrase that can be shortened."""
    return "\n".join([*(f"{number} {PHRASE}" for number in range(count)), *map(str, range(filler))])


def test_a_rendering_says_what_was_done() -> None:
    text = rows(SMALL)
    found = render(text, Shorten())
    short = text.replace(PHRASE, "WELL")
    assert found == Rendering(
        source(text).segment.key,
        short,
        digest_of_text(text),
        "shorten/1",
        Level.LOSSLESS,
        lossless=True,
        before=tokens.count(text),
        after=tokens.count(short),
    )
    assert (found.tokens_before, found.tokens_after) == (tokens.count(text), tokens.count(short))


def test_a_lossy_form_ends_with_a_line_that_says_how_to_get_the_rest() -> None:
    text = rows(LARGE)
    found = render(text, Shorten())
    assert found.text is not None
    *kept, last = found.text.split("\n")
    assert kept == text.replace(PHRASE, "WELL").split("\n")[:5]
    assert last == marker(f"lines 6-{LARGE} of {LARGE}", text_id(found.key))
    assert (found.level, found.lossless) == (Level.LIGHT, False)
    assert found.tokens_after == tokens.count(found.text)


@pytest.mark.parametrize(
    ("compressors", "used"),
    [
        ((Shorten(), Shorten("surer", sure=1.0)), "surer/1"),
        ((Shorten("a"), Shorten("b")), "a/1"),
        ((Shorten(sure=0.0), Shorten("never", sure=-1.0)), "no gain"),
        ((Raise(), Shorten()), "shorten/1"),
        ((RaiseOnSight(), Shorten()), "shorten/1"),
        ((HalfACharacter(), Shorten()), "shorten/1"),
        ((Grow(), Shorten()), "shorten/1"),
        ((Liar(sure=1.0), Shorten()), "shorten/1"),
        ((Raise(), RaiseOnSight(), HalfACharacter(), Grow(), Liar()), "no gain"),
        ((), "no gain"),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(c.name for c in value),
)
@pytest.mark.parametrize("lossy", [False, True])
def test_the_next_one_takes_over(compressors: tuple[Compressor, ...], used: str, lossy: bool) -> None:
    """From one that is less sure, that fails, makes no text, makes texts longer, or leaves out what it must not."""
    found = render(rows(SMALL), *compressors, lossy=lossy)
    assert found.compressor == used
    assert found.is_raw == (used == "no gain")


@dataclass(frozen=True)
class Asked(Shorten):
    """Writes down that it was asked."""

    name: str = "asked"
    by: list[str] = field(default_factory=list)

    def score(self, content: Content) -> float:
        self.by.append(self.name)
        return super().score(content)


@pytest.mark.parametrize(
    ("sure", "used", "asked"),
    [((0.5, 1.0, 1.0), "b/1", "ab"), ((1.0, 0.5, 1.0), "a/1", "a"), ((0.5, 0.9, 0.9), "b/1", "abc")],
    ids=["certain", "at once", "none certain"],
)
def test_who_is_certain_needs_no_comparison(sure: tuple[float, ...], used: str, asked: str) -> None:
    """None behind it can be surer, and a tie is decided by the order of the list."""
    by: list[str] = []
    found = render(rows(SMALL), *(Asked(name=name, sure=one, by=by) for name, one in zip("abc", sure, strict=True)))
    assert (found.compressor, "".join(by)) == (used, asked)


def test_who_was_not_asked_gets_its_turn_if_the_certain_one_has_no_form() -> None:
    by: list[str] = []
    found = render(rows(SMALL), LossyOnly(sure=1.0), *(Asked(name=name, sure=0.9, by=by) for name in "ab"))
    assert (found.compressor, "".join(by)) == ("a/1", "ab")


def test_excluded_kinds_are_not_tried() -> None:
    router = Router((Raise(), Shorten(), Shorten("other", sure=0.1)))
    assert router.kinds == ("raise", "shorten", "other")
    found = router.render(source(rows(SMALL)), frozenset({"raise", "shorten"}), lossy=False)
    assert found.compressor == "other/1"


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        (words(1, filler=0), False),
        (words(4, filler=0), True),
        (words(4, filler=400), True),
        (words(4, filler=4_000), False),
    ],
    ids=["few tokens", "enough tokens", "enough of many", "a small share"],
)
def test_a_reader_is_not_bothered_for_less(text: str, worth: bool) -> None:
    before, after = tokens.count(text), tokens.count(text.replace(PHRASE, "WELL"))
    assert (before - after >= max(LEAST_TOKENS, LEAST_SHARE * before)) == worth
    assert render(text, Shorten(), lossy=False).is_raw != worth


@pytest.mark.parametrize("count", [SMALL, 60, 120, LARGE, 600])
@pytest.mark.parametrize("compressor", [Shorten(), LossyOnly(), Verbose(), Liar(), Grow()], ids=lambda c: c.name)
def test_it_is_never_worse(compressor: Compressor, count: int) -> None:
    """In tokens, with all that is added; and something is left out only where that saves much."""
    text = rows(count)
    whole = tokens.count(text.replace(PHRASE, "WELL"))
    found = render(text, compressor)
    assert found.tokens_after <= found.tokens_before == tokens.count(text)
    assert found.tokens_after == tokens.count(text if found.text is None else found.text)
    assert found.lossless or found.tokens_after < whole - LOSSY_GAIN + 80  # the note


def test_a_marker_that_eats_the_gain_leaves_the_lossless_form() -> None:
    assert render(rows(LARGE), Verbose()).lossless


@pytest.mark.parametrize(("most", "is_whole"), [(LOSSY_GAIN - 1, True), (LOSSY_GAIN, False), (None, False)], ids=str)
def test_what_cannot_save_enough_is_not_tried(most: int | None, is_whole: bool) -> None:
    """Where a compressor can tell; one that fails cannot."""

    class Foreseeing(Shorten):
        def most_saved(self, content: Content, level: Level) -> float:
            return float(str(most)) if content.text and level is Level.LIGHT else 0

    assert render(rows(LARGE // 2), Foreseeing()).lossless is is_whole
    assert not render(rows(LARGE), Foreseeing()).lossless  # of which no lossless form is made


@pytest.mark.parametrize(
    ("lossy", "is_error"), [(False, False), (True, True), (False, True)], ids=["not allowed", "an error", "neither"]
)
@pytest.mark.parametrize("compressor", [Shorten(), LossyOnly(), Liar()], ids=lambda c: c.name)
def test_nothing_is_left_out_unasked(compressor: Compressor, lossy: bool, is_error: bool) -> None:
    found = render(rows(LARGE), compressor, lossy=lossy, is_error=is_error)
    assert found.lossless
    assert found.text in (None, rows(LARGE).replace(PHRASE, "WELL"))


def test_frames_of_clients_stay_verbatim() -> None:
    """Around a lossless form and around a lossy one; the marker stands inside."""
    head, tail = "<returncode>0</returncode>\n<output>\n", "\n</output>"
    small, large = (render(head + rows(count) + tail, Shorten()) for count in (SMALL, LARGE))
    assert small.text == head + rows(SMALL).replace(PHRASE, "WELL") + tail
    assert large.text is not None
    assert large.text.startswith(f"{head}row 1: WELL")
    assert large.text.endswith(f"id={text_id(large.key)}]{tail}")
    assert large.original == digest_of_text(head + rows(LARGE) + tail)


@pytest.mark.parametrize("head", ["", "Exit code: 1\n"])
def test_the_form_of_a_text_has_its_line_ends(head: str) -> None:
    """A tool on Windows says the same as elsewhere; where some lines end otherwise, nothing is changed."""
    text = "".join(f"src/components/forms/field_{number % 7}/part_{number}.tsx\n" for number in range(80))
    calls = Call("c1", "Bash", "git ls-files")
    ends = ("\n", "\r\n")
    plain, windows = (
        Router().render(source(head + text.replace("\n", end), calls), NONE, lossy=False).text for end in ends
    )
    assert plain is not None
    assert windows == head + plain.removeprefix(head).replace("\n", "\r\n")
    mixed = Router().render(source(head + text.replace("\n", "\r\n", 40), calls), NONE, lossy=False)
    assert mixed.text is None or "\r\n" in mixed.text


def test_each_of_several_outputs_has_its_own_form() -> None:
    """What stands between them stays verbatim, small ones stay as they are, and nothing is left out."""
    call = Call("c1", "Bash", "make; echo '----'; ls; echo '++++'; make check")
    texts = [rows(LARGE), "----", "a.c", "++++", rows(SMALL)]
    found = Router((Shorten(),)).render(source("\n".join(texts), call), NONE, lossy=False)
    assert found.text == "\n".join(text.replace(PHRASE, "WELL") for text in texts)

    class OneThing(Shorten):
        def compress(self, content: Content, level: Level) -> Compressed | None:
            return super().compress(content, level) if "----" not in content.text else None

    found = Router((OneThing(),)).render(source("\n".join(texts), call), NONE, lossy=True)
    assert found.text == "\n".join(text.replace(PHRASE, "WELL") for text in texts)
    assert (found.compressor, found.lossless, found.tokens_after) == ("parts/1", True, tokens.count(found.text))


def test_files_among_several_outputs_keep_their_white_space() -> None:
    call = Call("c1", "Bash", "head -n 99 a.c b.c")
    text = f"==> a.c <==\n{rows(SMALL)}\n\n==> b.c <==\n{rows(SMALL)}\n"

    class OneThing(Shorten):
        def compress(self, content: Content, level: Level) -> Compressed | None:
            return super().compress(content, level) if "==>" not in content.text else None

    for exact in (False, True):
        found = Router((OneThing(exact=exact),)).render(source(text, call), NONE, lossy=True)
        assert found.text == (text.replace(PHRASE, "WELL") if exact else None)


class Witness:
    """Says what it was shown, and does nothing."""

    name, version, lossy, exact = "witness", 1, True, True

    def __init__(self) -> None:
        self.seen: list[Content] = []

    def score(self, content: Content) -> float:
        self.seen.append(content)
        return 1.0

    def compress(self, content: Content, level: Level) -> Compressed | None:
        return None


def test_a_compressor_sees_the_output_and_its_call() -> None:
    witness = Witness()
    text = "Exit code 1\n" + rows(SMALL)
    Router((witness,)).render(source(text, Call("c1", "Bash", "make all")), NONE, lossy=False)
    (content,) = witness.seen
    assert (content.text, content.tool, content.subject) == (rows(SMALL), "Bash", "make all")


@pytest.mark.parametrize(
    ("call", "edited", "count", "looked_at"),
    [
        (Call("c1", "Bash", "make all"), False, SMALL, True),
        (Call("c1", "Read", "/w/main.c"), False, SMALL, False),
        (Call("c1", "Bash", "cat /w/main.c"), False, SMALL, False),
        (Call("c1", "Read", "/w/main.c"), False, LARGE, True),
        (Call("c1", "Read", "/w/main.c"), True, LARGE, False),
        (None, False, SMALL, True),
    ],
    ids=["a command", "a short file", "a short file, by the shell", "a long file", "a file worked on", "unknown"],
)
def test_files_keep_their_white_space(call: Call | None, edited: bool, count: int, looked_at: bool) -> None:
    """The model may edit what it has read, and an edit must name its text exactly."""
    for compressor, used in ((Shorten(exact=False), looked_at), (Shorten(exact=True), True)):
        found = Router((compressor,)).render(source(rows(count), call, edited=edited), NONE, lossy=False)
        assert found.is_raw != used


@pytest.mark.parametrize(
    "text",
    ["", "\0" * 500, "x" * 1_000_000, PHRASE * 30 + "\ud800", "\n" * 500],
    ids=["nothing", "nul", "a megabyte", "half a character", "line ends"],
)
def test_nothing_raises(text: str) -> None:
    found = render(text, Raise(), RaiseOnSight(), HalfACharacter(), Shorten(), Grow())
    assert found.text is None or found.text.encode()


def test_what_is_too_long_is_not_looked_at() -> None:
    witness = Witness()
    found = Router((witness,)).render(source("x" * (LONGEST + 1)), NONE, lossy=True)
    assert (found.text, found.compressor, witness.seen) == (None, "too long", [])


def test_a_raw_decision_keeps_the_text_and_says_why() -> None:
    segment = source("x" * 400).segment
    assert raw(segment, "deadline") == Rendering(
        segment.key, None, segment.digest, "deadline", 0, lossless=True, before=100, after=100
    )
    assert raw(segment, "deadline").about == (100, 100)
    assert raw(segment, "no gain", 7).tokens_before == 7
