"""Token counts are those of o200k_base, offline, at a cost that grows with the text and no faster."""

import gzip
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm import tokens

# Token ids as OpenAI's cookbook prints them for o200k_base ("How to count tokens with tiktoken").
KNOWN = {
    "tiktoken is great!": [83, 8251, 2488, 382, 2212, 0],
    "2 + 2 = 4": [17, 659, 220, 17, 314, 220, 19],
    "お誕生日おめでとう": [8930, 9697, 243, 128225, 8930, 17693, 4344, 48669],
}


@pytest.mark.parametrize("text", KNOWN)
def test_ids_are_those_of_o200k_base(text: str) -> None:
    assert tokens.encoding().encode_ordinary(text) == KNOWN[text]
    assert tokens.count(text) == len(KNOWN[text])


# As tiktoken_ext/openai_public.py has it.
PUBLISHED = regex.compile(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n\n    return  1\t\t2  \n  ",
        "a  \t b\r\n\r\n  c'll I'VE  ",
        "  {\n  x: 1234567,,//\n}",
        "ǅa  Éb\u3000漢 字",
        "a\xa0\u2003b\t \x0bc  \x1cd \x1f e\u2028 f \x85\u3000",
    ],
    ids=["indented", "ends of lines", "signs", "scripts", "rare white space"],
)
def test_a_text_is_split_as_published(text: str) -> None:
    """No token reaches over the end of a piece, so pieces that count by themselves count together."""
    assert regex.findall(tokens.PIECES, tokens.apart(text)) == PUBLISHED.findall(text)


@given(st.text(st.sampled_from(" \t\n\r\x0b\x1c\x85\xa0\u2003\u3000aBéǅ1漢./{\0😀\u200b\u0301"), max_size=20))
def test_any_text_is_split_as_published(text: str) -> None:
    assert regex.findall(tokens.PIECES, tokens.apart(text)) == PUBLISHED.findall(text)


@pytest.mark.parametrize(
    "text",
    ["", "\0" * 50, "\ud800 lone \udfff", "<|endoftext|>", "x" * 1_000_000],
    ids=["nothing", "nul", "surrogates", "special", "one long word"],
)
def test_any_text_is_counted(text: str) -> None:
    """NULs, lone surrogates, names of special tokens and a megabyte without a space raise nothing."""
    assert 0 <= tokens.count(text) <= max(1, 4 * len(text))


def test_a_long_text_counts_as_its_pieces() -> None:
    """Cutting a long text costs at most a token a cut."""
    line = "2026-01-02T03:04:05Z INFO request served in 12 ms\n"
    assert abs(tokens.count(line * 10_000) - 10_000 * tokens.count(line)) <= 10


def test_damaged_ranks_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A count from other ranks would be a wrong decision, so there is none."""
    ranks = gzip.decompress(resources.files("headroom_mitm.data").joinpath(tokens.RANKS).read_bytes())
    (tmp_path / tokens.RANKS).write_bytes(gzip.compress(ranks[:-1]))
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match="damaged"):
        tokens._loaded.__wrapped__()


def test_an_estimate_is_in_characters() -> None:
    assert tokens.estimate(400) == 100


def test_threads_that_begin_at_once_read_the_ranks_once() -> None:
    tokens.encoding.cache_clear()
    tokens._loaded.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        found = {id(encoding) for encoding in pool.map(lambda _: tokens.encoding(), range(4))}
    assert len(found) == tokens._loaded.cache_info().misses == 1


LONG = "x" * tokens.LONG_WORD
PLACES = [0, 1, 8_100, 8_131, 8_132, 8_191, 8_192, 8_193, 16_384, 20_000]


@pytest.mark.parametrize("place", PLACES)
def test_a_long_word_is_found_wherever_it_stands(place: int) -> None:
    front = ("word " * 5_000)[:place].rstrip() + " " * 60
    assert tokens.has_long_words(f"{front[: place - 1]} {LONG} end" if place else f"{LONG} end")
    assert not tokens.has_long_words(f"{front[: place - 1]} {LONG[1:]} end" if place else f"{LONG[1:]} end")


@pytest.mark.parametrize("place", PLACES)
def test_an_estimate_does_not_hang_on_where_a_text_is_cut(place: int) -> None:
    """Long texts are looked at block by block: words, numbers and signs on their borders count once."""
    text = "word 12345 :-) " * 2_000
    moved = "\x02" * place + text  # which has no weight
    assert tokens.about(moved) == tokens.about(text)
