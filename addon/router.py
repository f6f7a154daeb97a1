"""ContentRouter: which compressor looks at a text, and whether its form is worth sending."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from headroom_mitm import parts, tokens
from headroom_mitm.compressors import COMPRESSORS, Compressed, Compressor, Content, Level
from headroom_mitm.file_reads import path_of
from headroom_mitm.framing import Framed, unframe
from headroom_mitm.parts import Part
from headroom_mitm.segments import Amount, Call, Key, Rendering, Role, Segment, text_id
from headroom_mitm.sizes import Size, counted, exceeds, may_save, saves
from headroom_mitm.wording import marker

logger = logging.getLogger(__name__)

SHORTEST = 400
"""Characters. A shorter text is never looked at, and needs no decision that would have to be kept."""
LONGEST = 8_000_000
"""Characters. A longer text is left alone: no answer would be ready in time."""
LEAST_SHARE = 0.03
LEAST_TOKENS = 15
"""A new form must save at least this share and this many tokens: a reader is not to be bothered for less."""
FILE_FLOOR = 2_000
"""Tokens. A shorter file that was read is likely to be edited next, and an edit must name its text exactly."""
LOSSY_GAIN = 800
"""Tokens that leaving something out must save over the lossless form. A model that asks for the rest costs a turn
(40,000 tokens read again from the cache, at a tenth) and a page of 4,000: where one in eight asks, this much pays."""

PARTS = "parts/1"
"""Name of the form in which each of several outputs has a form of its own, all of them lossless."""
BEST_LOSSLESS = 0.14
"""Share of the tokens that the best lossless forms of long logs leave. Well below it, they are not made to compare."""


LevelOf = Callable[[str, Size], Level]
"""Says how hard a text may be pressed, by its kind and its size."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text on its way to a compressor."""

    segment: Segment
    text: str
    call: Call | None
    edited: bool = False
    """The text is a file's that the conversation works on: a form that changes it would spoil an edit."""
    is_old: bool = False
    """The conversation has gone on without it: nobody is about to edit what it shows."""


class Router:
    """Picks the compressor that is surest, and falls back to the next. Keeps no state, so any thread may call it."""

    def __init__(self, compressors: Sequence[Compressor] = COMPRESSORS) -> None:
        self._compressors = tuple(compressors)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the kinds of text there are."""
        return tuple(compressor.name for compressor in self._compressors)

    def render(
        self, source: Source, excluded: frozenset[str], *, lossy: bool, level_of: LevelOf | None = None
    ) -> Rendering:
        """Decide what a text becomes. Kinds in ``excluded`` are not tried; without ``lossy`` nothing is left out.

        ``level_of`` is asked for each text of which something might be left out; None presses lightly.
        Never raises: a compressor that fails leaves the text to the next one, or as it is.
        """
        if len(source.text) > LONGEST:
            return raw(source.segment, "too long")
        frame = unframe(source.text)
        call = source.call
        is_file = call is not None and bool(path_of(call))
        is_fresh = is_file and not source.is_old
        output = frame.payload.replace("\r\n", "\n") if _is_crlf(frame.payload) else frame.payload
        tool, subject = (call.name, call.subject) if call else ("", "")
        content = Content(output, tool, subject, fresh_read=is_fresh, worked_on=source.edited)
        may_lose = lossy and _may_lose(source.segment)
        whole = self._whole(source, frame, content, excluded, (level_of or _lightly) if may_lose else _not_at_all)
        pieces = parts.split(frame.payload, content.subject)
        if len(pieces) == 1 or not whole.lossless:
            return whole
        text = f"{frame.head}{''.join(self._part(piece, content.tool, excluded) for piece in pieces)}{frame.tail}"
        if text == (source.text if whole.text is None else whole.text):
            return whole
        after = Size(text)
        # Both shares of the same text: what the whole has saved already is not to be saved again.
        if counted(whole.after) - after.count < max(LEAST_TOKENS, LEAST_SHARE * counted(whole.before)):
            return whole
        return replace(whole, text=text, compressor=PARTS, after=after)

    def _whole(
        self, source: Source, frame: Framed, content: Content, excluded: frozenset[str], level_of: LevelOf
    ) -> Rendering:
        """Take a text for the output of one thing."""
        before = Size(source.text)
        for compressor in self._ranked(content, excluded):
            # What a form says in full, character by character, spoils nothing; so the text need not be counted.
            is_harmless = compressor.exact and not compressor.lossy
            is_delicate = not is_harmless and _is_delicate(source, content, before)
            if is_delicate and not compressor.exact:
                continue
            form = _best_form(compressor, content, before, _not_at_all if is_harmless or is_delicate else level_of)
            if form is None:
                continue
            text = _framed(frame, form, source.segment.key)
            after = Size(text)
            if _is_worth(form, before, after):
                name = f"{compressor.name}/{compressor.version}"
                key, digest = source.segment.key, source.segment.digest
                return Rendering(key, text, digest, name, form.level, form.compressed.lossless, before, after)
        return raw(source.segment, "no gain", before)

    def _part(self, part: Part, tool: str, excluded: frozenset[str]) -> str:
        """Return the lossless form of one of several outputs, or the output. Files keep their white space."""
        if part.subject is None or len(part.text) < SHORTEST:
            return part.text
        is_file = bool(path_of(Call("", tool, part.subject)))
        content = Content(part.text, tool, part.subject, fresh_read=is_file)
        before = Size(part.text)
        for compressor in self._ranked(content, excluded):
            form = _compress(compressor, content, Level.LOSSLESS) if compressor.exact or not is_file else None
            if form is not None and form.lossless and saves(before, Size(form.text), LEAST_TOKENS):
                return form.text
        return part.text

    def _ranked(self, content: Content, excluded: frozenset[str]) -> Iterator[Compressor]:
        """Yield those that take a text for theirs, the surest first; a tie is decided by the order of the list."""
        scored: list[tuple[float, Compressor]] = []
        for compressor in self._compressors:
            score = _score(compressor, content) if compressor.name not in excluded else 0.0
            if score >= 1:
                yield compressor  # the others are asked only if it has no form to offer: none can be surer
            elif score > 0:
                scored.append((score, compressor))
        scored.sort(key=lambda pair: -pair[0])  # stable
        yield from (compressor for _, compressor in scored)


def raw(segment: Segment, reason: str, size: Amount | None = None) -> Rendering:
    """Return the decision that a text stays as it is; ``size`` in tokens where it is known."""
    size = tokens.estimate(segment.size) if size is None else size
    return Rendering(segment.key, None, segment.digest, reason, 0, lossless=True, before=size, after=size)


def _is_delicate(source: Source, content: Content, before: Size) -> bool:
    """Say whether an edit is likely to name a text: that of a file that is worked on, or of a short one just read."""
    return source.edited or (content.fresh_read and not exceeds(before, FILE_FLOOR - 1))


def _may_lose(segment: Segment) -> bool:
    """Say whether something may be left out: never of errors, and never of what stands in the user's place."""
    return segment.role is Role.TOOL and not segment.is_error


class _Form(NamedTuple):
    compressed: Compressed
    level: Level


def _is_worth(form: _Form, before: Size, after: Size) -> bool:
    clearly = max(2 * LEAST_TOKENS, 2 * LEAST_SHARE * before.about)
    return form.compressed.spared >= clearly or saves(before, after, LEAST_TOKENS, LEAST_SHARE)


def _lightly(_kind: str, _size: Size) -> Level:
    return Level.LIGHT


def _not_at_all(_kind: str, _size: Size) -> Level:
    return Level.LOSSLESS


def _best_form(compressor: Compressor, content: Content, before: Size, level_of: LevelOf) -> _Form | None:
    """Return the lossless form, or the lossy one where that saves enough beyond it. ``before``: tokens of the text."""
    is_whole = level_of is _not_at_all or not exceeds(before, LOSSY_GAIN)
    level = Level.LOSSLESS if is_whole else level_of(compressor.name, before)
    if level is Level.LOSSLESS:
        return _lossless(_compress(compressor, content, Level.LOSSLESS))
    if BEST_LOSSLESS * before.about < LOSSY_GAIN and _most_saved(compressor, content, level) < LOSSY_GAIN:
        return _lossless(_compress(compressor, content, Level.LOSSLESS))
    part = _compress(compressor, content, level)
    if part is None or part.lossless:
        return _lossless(part)
    after = Size(f"{part.text}{part.left_out}")
    if BEST_LOSSLESS * before.about - after.about >= LOSSY_GAIN:
        return _Form(part, level)  # no lossless form comes near, so none is made
    whole = _lossless(_compress(compressor, content, Level.LOSSLESS))
    size = Size(whole.compressed.text) if whole is not None else before
    is_enough = may_save(size, after, LOSSY_GAIN) and saves(size, after, LOSSY_GAIN)
    return _Form(part, level) if is_enough else whole


def _lossless(form: Compressed | None) -> _Form | None:
    return _Form(form, Level.LOSSLESS) if form is not None and form.lossless else None


def _framed(frame: Framed, form: _Form, key: Key) -> str:
    text = form.compressed.text
    if _is_crlf(frame.payload):  # so that the form tells of them, too
        text = text.replace("\n", "\r\n")
    if not form.compressed.lossless:
        text = f"{text.rstrip()}\n{marker(form.compressed.left_out, text_id(key))}"
    return f"{frame.head}{text}{frame.tail}"


def _is_crlf(text: str) -> bool:
    """Say whether all lines end as on Windows: such a text is of the kind that it is with other line ends."""
    return "\r" in text and text.count("\r\n") == text.count("\n") == text.count("\r")


def _score(compressor: Compressor, content: Content) -> float:
    try:
        return compressor.score(content)
    except Exception:
        logger.exception("%s could not look at a text of %d characters", compressor.name, len(content.text))
        return 0.0


def _most_saved(compressor: Compressor, content: Content, level: Level) -> float:
    """Return how many tokens leaving something out saves at most over the lossless form; few compressors can tell."""
    bound: Callable[[Content, Level], float] | None = getattr(compressor, "most_saved", None)
    try:
        return math.inf if bound is None else bound(content, level)
    except Exception:
        logger.exception("%s could not judge a text of %d characters", compressor.name, len(content.text))
        return math.inf


def _compress(compressor: Compressor, content: Content, level: Level) -> Compressed | None:
    try:
        form = compressor.compress(content, level)
        if form is not None:
            # A lone surrogate cannot be sent. Once kept, such a form would fail in every later request.
            f"{form.text}{form.left_out}".encode()
    except Exception:
        logger.exception("%s failed on a text of %d characters", compressor.name, len(content.text))
        return None
    return form
