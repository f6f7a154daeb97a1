"""Logs and other line by line output of programs: templates once, then the values of each line, in order."""

import functools
import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from headroom_mitm import tokens
from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.line_ranges import are_tiny
from headroom_mitm.compressors.log_alarms import is_alarm
from headroom_mitm.compressors.log_bound import most_about, most_saved
from headroom_mitm.compressors.log_fates import RULES, Look
from headroom_mitm.compressors.log_form import Form, Log
from headroom_mitm.compressors.log_frames import MARK, Settled, settled, unrolled
from headroom_mitm.compressors.log_groups import grouped
from headroom_mitm.compressors.log_look import score_of
from headroom_mitm.compressors.log_omission import choose
from headroom_mitm.compressors.log_rows import body
from headroom_mitm.compressors.log_templates import Template, families, worthy
from headroom_mitm.tokens import SHORTER

_LEAST_LINES = 8
_LEAST_LENGTH, _FEW = 8, 100_000  # characters: lines are not shorter on average, unless there are few of them
_LEAST_SAVING = 12  # tokens a template must save
_LEAST_SHARE = 0.0006  # tokens a template must save, for each character of the text
_ALARM_SHARE = 0.025  # of the lines: what speaks of trouble and is rarer stays verbatim
_LEAST_GONE = 0.1  # share of the lines, or of what rows say: for less nothing is left out
_CLOSE = 0.4  # share of the text: a lossy form longer than this is compared with the whole one
_LOSSY_WORTH = 0.93  # share of the whole form: a lossy one that is longer is not worth its gaps
_WORTH_UNSTAMPED = 0.88  # where lines are no records of their own, a reader is asked for more
_SURE = 0.2  # share of the characters below which no count of tokens is needed
_REMEMBERED = 200_000  # characters of a text that is remembered as it was read: several levels are tried on it
_WORTH = 0.95  # a form with more of the tokens than this is not worth a reader's trouble


@dataclass(frozen=True, slots=True)
class LogLines:
    """Lossless: each line is verbatim or a row of a template. Lossy: rows that carry only measurements are left out."""

    name: str = "log_lines"
    version: int = 4
    lossy: bool = True
    exact: bool = True

    def score(self, content: Content) -> float:
        """Say how much of the text looks like a log: lines with a time, then lines of few shapes."""
        return score_of(content)

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the shorter form, or None where lines have too little in common."""
        last = settled(content.text) if level > Level.LOSSLESS else None
        form = _on_screen(content, last, level) if last is not None else None
        if form is not None:
            return form
        states = unrolled(content.text)
        if states is None:
            return _shorter(content, level)
        if are_tiny(states.split("\n"), len(states)):
            return None
        notes = (f"a line with {MARK} overwrote the line before it",)
        return _shorter(replace(content, text=states), Level.LOSSLESS, notes)

    def most_saved(self, content: Content, level: Level) -> float:
        """Return how many tokens a form with something left out has less at most than the lossless one, which is there.

        Infinite if that is not known. By the estimate it is at most twice as much.
        """
        if len(content.text) > _REMEMBERED or content.count is not tokens.count or _is_screen(content.text):
            return math.inf
        reading = _read(content)
        if reading is None or any(reading.look(template).goes(RULES[level]) for template in reading.found):
            return math.inf
        form = reading.form()
        saved = most_saved(form, [*map(reading.look, form.templates)], RULES[level]) if form is not None else math.inf
        whole = reading.whole(()) if saved < math.inf else None
        # The other form would be worth a reader's trouble, too: else there would be none at this level.
        if (
            form is None
            or whole is None
            or most_about(form, whole.text) > SHORTER * _WORTH * tokens.about(content.text)
        ):
            return math.inf
        return saved


def _is_screen(text: str) -> bool:
    """Say whether a text may have what was overwritten, or colours."""
    return "\r" in text or "\x1b[" in text


def _on_screen(content: Content, last: Settled, level: Level) -> Compressed | None:
    """Return the shorter form of what stood on the screen at last; that alone may be short enough."""
    form = _shorter(replace(content, text=last.text), level)
    shown = form.text.replace("nothing left out", "nothing else left out", 1) if form is not None else last.text
    text = f"[left out: {last.in_words()}]\n{shown}"
    left_out = ", and ".join(filter(None, (last.in_words(), form.left_out if form is not None else "")))
    is_worth = content.outweighs(text, _WORTH_UNSTAMPED)
    return Compressed(text, lossless=False, left_out=left_out) if is_worth else None


def _shorter(content: Content, level: Level, notes: Sequence[str] = ()) -> Compressed | None:
    reading = _read(content)
    if reading is None:
        return None
    part = _with_gaps(reading, level) if level > Level.LOSSLESS else None
    whole = None
    if part is None or len(part.text) > _CLOSE * len(content.text):
        whole = reading.whole(tuple(notes))
    chosen = whole if part is None or (whole and len(part.text) > _LOSSY_WORTH * len(whole.text)) else part
    if chosen is None:
        return None
    worth = _WORTH if any(reading.log.stamps) else _WORTH_UNSTAMPED
    if len(chosen.text) < _SURE * len(content.text):
        return chosen
    return chosen if content.outweighs(chosen.text, worth) else None


class _Reading:
    """A log and what its lines have in common: the same at every level, and so is the form with nothing left out."""

    def __init__(self, text: str) -> None:
        self.log = Log.of(text.split("\n"))
        self.found = tuple(families(self.log.masked()))
        self._text = text
        self._looks: dict[int, Look] = {}
        self._forms: dict[AbstractSet[tuple[int, ...]], Form | None] = {}
        self._wholes: dict[tuple[str, ...], Compressed | None] = {}

    def look(self, template: Template) -> Look:
        """Judge the columns of a template."""
        look = self._looks.get(id(template))
        if look is None:
            look = self._looks[id(template)] = Look.of(template)  # which keeps the template, and so its id
        return look

    def form(self, unsplit: AbstractSet[tuple[int, ...]] = frozenset()) -> Form | None:
        """Return the form with the templates that are worth it; families whose rows are in ``unsplit`` stay whole."""
        if unsplit not in self._forms:
            self._forms[unsplit] = self._form(unsplit)
        return self._forms[unsplit]

    def _form(self, unsplit: AbstractSet[tuple[int, ...]]) -> Form | None:
        least_saving = int(_LEAST_SAVING + _LEAST_SHARE * len(self._text))
        templates = worthy(self.found, least_saving, lambda template: template.rows in unsplit)
        fewest = _ALARM_SHARE * len(self.log.lines)
        templates = [t for t in templates if t.family >= fewest or not is_alarm(" ".join(t.literals))]
        return Form.of(self.log, templates, self._text) if templates else None

    def whole(self, notes: tuple[str, ...]) -> Compressed | None:
        """Return the text with nothing left out; ``notes`` on how to read it."""
        if notes not in self._wholes:
            form = self.form()
            self._wholes[notes] = _whole(form, notes) if form is not None else None
        return self._wholes[notes]


def _read(content: Content) -> _Reading | None:
    """Return the text as it was read, or None where lines have nothing in common."""
    if len(content.lines) < _LEAST_LINES or len(content.text) < _LEAST_LENGTH * len(content.lines) - _FEW:
        return None
    reading = _remembered(content.text) if len(content.text) <= _REMEMBERED else _Reading(content.text)
    return reading if reading.found else None


@functools.lru_cache(maxsize=4)
def _remembered(text: str) -> _Reading:
    return _Reading(text)


def _whole(form: Form, notes: Sequence[str]) -> Compressed:
    entries, groups = grouped(form.entries) if not form.is_apart else (form.entries, [])
    rows = body(entries)
    definitions = [form.definition(number) for number in range(len(form.templates))]
    legend = form.legend(f"{form.total} lines in order, nothing left out", entries, rows, notes)
    return Compressed("\n".join([legend, *definitions, *groups, *rows]), lossless=True)


def _with_gaps(reading: _Reading, level: Level) -> Compressed | None:
    """Return the form with rows left out, or None where too little could be."""
    form = reading.form(frozenset(t.rows for t in reading.found if reading.look(t).goes(RULES[level])))
    omission = choose(form, level, reading.look) if form is not None else None
    if form is None or omission is None:
        return None
    if (omission.size + omission.without_time) / form.total < _LEAST_GONE and omission.share() < _LEAST_GONE:
        return None
    entries, groups = grouped(list(omission.entries()))
    rows = body(entries)
    legend = form.legend(omission.beginning(), entries, rows, omission.legend())
    text = "\n".join([legend, *omission.definitions(), *groups, *rows])
    return Compressed(text, lossless=False, left_out=omission.in_words())
