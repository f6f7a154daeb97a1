"""What is decided without counting is what counting would have decided, over texts of all kinds and their forms."""

from pathlib import Path

import pytest

from headroom_mitm import tokens
from headroom_mitm.sizes import Guess, Size, counted_of, exceeds, is_less, kept, may_save, restored, saves

GOLDEN = Path(__file__).parent / "golden"
LOG = "2026-01-02T03:04:05Z INFO request served in 12 ms\n"
SHORT, MIDDLE, LONG = LOG, 10 * LOG, 100 * LOG


def pairs(kind: str) -> list[tuple[str, str]]:
    """Return texts of a kind, and what a compressor has made of them."""
    found = []
    for path in sorted((GOLDEN / kind).iterdir()):
        text, form = path.read_bytes().decode().split("\n# output\n")
        found.append((text, form))
    return found


KINDS = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())


@pytest.mark.parametrize("kind", KINDS)
def test_an_estimate_is_near(kind: str) -> None:
    for pair in pairs(kind):
        for text in pair:
            assert 0.5 <= tokens.about(text) / tokens.count(text) <= 1.4


@pytest.mark.parametrize("share", [1.0, 0.97, 0.7, 0.5])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_clearly_shorter_is_shorter(kind: str, share: float) -> None:
    for text, form in pairs(kind):
        is_shorter = tokens.count(form) < share * tokens.count(text)
        assert tokens.is_shorter(form, text, share) == is_shorter
        assert saves(Size(text), Size(form), 15, 1 - share) == (
            tokens.count(text) - tokens.count(form) >= max(15, (1 - share) * tokens.count(text))
        )


@pytest.mark.parametrize("least", [200, 400, 800])
@pytest.mark.parametrize("kind", KINDS)
def test_what_saves_hundreds_of_tokens_may_save_them(kind: str, least: int) -> None:
    for text, form in pairs(kind):
        if tokens.count(text) - tokens.count(form) >= least:
            assert may_save(Size(text), Size(form), least)


def test_what_data_in_a_text_saves_is_not_known_by_estimates() -> None:
    data = 30 * "PCFET0NUWVBFIGh0bWw+CjxodG1sIGxhbmc9ImVuLXVzIj4KPGhlYWQ+CiAg"
    assert may_save(Size(data), Size(MIDDLE), 10_000)
    assert not may_save(Size(LONG), Size(MIDDLE), 10_000)


def test_nothing_is_counted_where_it_is_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> int:
        raise AssertionError(text)

    monkeypatch.setattr(tokens, "count", refuse)
    assert saves(Size(LONG), Size(MIDDLE), 15, 0.03)
    assert not saves(Size(SHORT), Size(MIDDLE), 800)
    assert is_less(Size(MIDDLE), Size(LONG), 0.7)
    assert not is_less(Size(LONG), Size(MIDDLE), 0.7)
    assert exceeds(Size(LONG), 800)
    assert not exceeds(Size(MIDDLE), 800)
    with pytest.raises(AssertionError):
        saves(Size(LONG), Size(LONG + SHORT), 15, 0.03)


def test_what_is_close_is_counted() -> None:
    size = tokens.count(LONG)
    assert exceeds(Size(LONG), size - 1)
    assert not exceeds(Size(LONG), size)
    longer = Size(LONG + SHORT)
    assert saves(longer, Size(LONG), tokens.count(SHORT))
    assert not saves(longer, Size(LONG), tokens.count(SHORT) + 1)
    assert is_less(Size(LONG), longer, 1.0)
    assert not is_less(longer, Size(LONG), 1.0)


def test_a_size_is_estimated_until_it_is_counted() -> None:
    """Its text goes then."""
    size = Size(LONG)
    assert size.about == tokens.about(LONG) != tokens.count(LONG)
    assert size.count == tokens.count(LONG) == size.about
    assert size._text is None


@pytest.mark.parametrize("text", ["", "\0" * 50, "\ud800 lone \udfff", "漢字" * 50, "=" * 500], ids=ascii)
def test_any_text_has_an_estimate(text: str) -> None:
    assert Size(text).about >= 0
    assert saves(Size(text), Size(text), 15) is False


def test_a_count_that_was_kept_is_not_counted_again() -> None:
    size = Size(LONG)
    assert kept(size) == ~size.about
    exact = size.count
    assert kept(size) == kept(exact) == restored(exact, SHORT) == counted_of(exact, str) == exact


def test_an_estimate_that_was_kept_is_counted_by_who_has_the_text() -> None:
    before, after = restored(~700), restored(~30, SHORT)
    assert isinstance(before, Guess)
    assert (before.about, before.count, kept(before)) == (700, 700, ~700)
    assert isinstance(after, Size)
    assert after.count == tokens.count(SHORT)
    assert counted_of(before, lambda: LONG) == tokens.count(LONG) == kept(before)
