"""Token counts with o200k_base, offline: the ranks ship with the package and are checked against their digest.

Claude and Gemini have vocabularies of their own; ratios between two texts carry over, absolute counts are close.
"""

import base64
import functools
import gzip
import hashlib
import re
import string
import threading
from importlib import resources

import tiktoken

RANKS = "o200k_base.tiktoken.gz"
RANKS_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"  # of the unpacked ranks
_CASED = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_MARK = "\x10"
"""Part of no piece, so it costs nothing. Texts have none; if one does, the character is not counted."""
# The split of text into pieces that o200k_base was trained with (tiktoken_ext/openai_public.py), but for one thing:
# white space in front of something else leaves its last character to that. ``apart`` sees to it: an expression that
# looks ahead takes tiktoken's engine up to twice as long, above all in threads other than the first that uses it.
PIECES = "|".join(
    (
        rf"[^\r\n\p{{L}}\p{{N}}{_MARK}]?{_CASED}*{_LOWER}+{_CONTRACTION}",
        rf"[^\r\n\p{{L}}\p{{N}}{_MARK}]?{_CASED}+{_LOWER}*{_CONTRACTION}",
        r"\p{N}{1,3}",
        rf" ?[^\s\p{{L}}\p{{N}}{_MARK}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+",
    )
)
_FURTHER = "\x0b\x0c\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""White space beside spaces, tabs and ends of lines."""
_RARE = _FURTHER + "\x1c\x1d\x1e\x1f"  # which only Python takes for white space
_BLANK = rf"[ \t{_FURTHER}]"
_BEFORE_LAST = re.compile(rf"(?<={_BLANK})(?={_BLANK}(?!{_BLANK})[^\r\n{_MARK}])")
_PAIRS = tuple(
    (one + two, re.compile(rf"{one}{two}(?=[^\s{_MARK}])"), f"{one}{_MARK}{two}") for one in " \t" for two in " \t"
)
"""The same for the usual white space, in a third of the time."""
_SHORT = 500  # characters: what is shorter is counted as fast as it is looked up
_LOADING = threading.Lock()
_CHUNK = 200_000  # characters: tiktoken's splitter is a recursive regex, and its cost must stay linear

_LETTER, _WORD, _DIGIT, _NUMBER, _SIGN = 0.14, 0.36, 0.23, 1.35, 0.79
_SPACE, _TAB, _LINE, _BYTE = 0.06, 0.45, 0.5, 0.54
"""What these weigh in tokens; a word, a number and a row of signs by themselves, and what they are made of. Fitted to
tool results of all kinds and to their forms. ``_BYTE``: each byte of a character beyond its first."""
SHORTER = 0.85
"""A form has fewer tokens than its text if by this estimate it has at most this share of them: it misjudges both."""


@functools.cache
def encoding() -> tiktoken.Encoding:
    """Return the o200k_base encoding. The first call takes 0.2 s; raises ``ValueError`` if the ranks are damaged."""
    with _LOADING:  # several threads begin with a first text: one reads, the others wait for it
        return _loaded()


@functools.cache
def _loaded() -> tiktoken.Encoding:
    raw = gzip.decompress(resources.files("headroom_mitm.data").joinpath(RANKS).read_bytes())
    if hashlib.sha256(raw).hexdigest() != RANKS_SHA256:
        raise ValueError(f"{RANKS} is damaged: its sha256 is not {RANKS_SHA256}")
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in raw.splitlines() if line)}
    found = tiktoken.Encoding("o200k_base", pat_str=PIECES, mergeable_ranks=ranks, special_tokens={})
    # Its own copy of the ranks is for who pickles it, and takes 28 MB; what counts has another.
    vars(found).pop("_mergeable_ranks", None)
    return found


def count(text: str) -> int:
    """Return the number of tokens of ``text``; about 4 ms for 100,000 characters."""
    if len(text) <= _SHORT:
        return _counted(text)
    # A text on its way through router and compressor is counted by both.
    return sum(_remembered(text[at : at + _CHUNK]) for at in range(0, len(text), _CHUNK))


@functools.lru_cache(maxsize=64)
def _remembered(text: str) -> int:
    return _counted(text)


def _counted(text: str) -> int:
    return len(encoding().encode_ordinary(apart(text)))


def apart(text: str) -> str:
    """Return a text with a mark in front of the last of several white spaces that something else follows."""
    if any(map(text.__contains__, _RARE)):
        return _BEFORE_LAST.sub(_MARK, text)
    for pair, pattern, marked in _PAIRS:
        if pair in text:
            text = pattern.sub(marked, text)
    return text


def estimate(size: int) -> int:
    """Return roughly how many tokens ``size`` characters have: for display only, never for a decision."""
    return size // 4


def is_shorter(form: str, text: str, share: float = 1.0) -> bool:
    """Say whether a form has less than a share of a text's tokens; they are counted only where that is not clear."""
    return about(form) <= SHORTER * share * about(text) or count(form) < share * count(text)


# One bit of a byte for each kind of character, so that a text is one large number in which bits are counted.
_BLOCK = 8_192
"""Bytes that are looked at together."""
_KINDS = (string.ascii_letters, string.digits, string.punctuation, " ", "\t", "\n")
_BITS = bytes(sum(1 << bit for bit, kind in enumerate(_KINDS) if chr(code) in kind) for code in range(256))
_EACH = tuple(int.from_bytes(bytes([1 << bit]) * _BLOCK, "little") for bit in range(len(_KINDS)))
"""For each kind of character, its bit in each byte."""
LONG_WORD = 60
_FILLED = bytes(code > 127 or not chr(code).isspace() for code in range(256))


def about(text: str) -> int:
    """Return about how many tokens a text has, in a tenth of the time: by its words, numbers and signs.

    A fifth more or less is rare.
    """
    if len(text) <= _CHUNK:
        return _estimated(text)
    return sum(_estimated(text[at : at + _CHUNK]) for at in range(0, len(text), _CHUNK))


@functools.lru_cache(maxsize=32)
def _estimated(text: str) -> int:
    raw = text.encode("utf-8", "surrogatepass")
    bits = raw.translate(_BITS)
    last = bits[-1] if bits else 0  # does not end here: the text may go on
    letters = digits = spaces = tabs = lines = 0
    words, numbers, signs = -(last & 1), -(last >> 1 & 1), -(last >> 2 & 1)
    of_letters, of_digits, of_signs, of_spaces, of_tabs, of_lines = _EACH
    for at in range(0, len(bits), _BLOCK):
        block = int.from_bytes(bits[at : at + _BLOCK + 1], "little")
        ends = block ^ (block & (block >> 8))  # what the next byte is not
        letters += (block & of_letters).bit_count()
        digits += (block & of_digits).bit_count()
        spaces += (block & of_spaces).bit_count()
        tabs += (block & of_tabs).bit_count()
        lines += (block & of_lines).bit_count()
        words += (ends & of_letters).bit_count()
        numbers += (ends & of_digits).bit_count()
        signs += (ends & of_signs).bit_count()
    found = 1 + _SPACE * spaces + _TAB * tabs + _LINE * lines + _BYTE * (len(raw) - len(text))
    return int(found + (_WORD * words + _LETTER * letters) + (_NUMBER * numbers + _DIGIT * digits) + _SIGN * signs)


def has_long_words(text: str) -> bool:
    """Say whether ``LONG_WORD`` bytes in a row are not white space, as in data: of such texts estimates are poor."""
    for at in range(0, len(text), _BLOCK):
        raw = text[at : at + _BLOCK + LONG_WORD].encode("utf-8", "surrogatepass")
        runs = int.from_bytes(raw.translate(_FILLED), "little")
        size = 1  # each bit that is left begins a run of so many bytes
        while runs and size < LONG_WORD:
            step = min(size, LONG_WORD - size)
            runs &= runs >> 8 * step
            size += step
        if runs:
            return True
    return False
