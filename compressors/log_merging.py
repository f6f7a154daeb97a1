"""Templates that differ in one word only become one: the word is a value.

Found by counting: each word of each template is left out in turn, and what is left is hashed. A hash that comes often
enough names templates that differ there. The work grows with the words, never with pairs of templates.
"""

import operator
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

WORD = r"A-Za-z_./@+~\-%$*&\\?!"
"""Characters of a word, for a character class. Values are not cut inside one: addresses, paths, ids stay whole."""
WORD_OR_DIGIT = WORD + "0-9"
UNITS = frozenset(("B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "ms", "s", "MHz", "GHz"))
"""A number keeps its unit: ``5.8 KB`` is one value."""

_MARK = "\x00"  # stands for a value
_ATOM = re.compile(rf"([{WORD_OR_DIGIT}{_MARK}](?:[{WORD_OR_DIGIT}:{_MARK}]*[{WORD_OR_DIGIT}{_MARK}])?)")
_LEVELS = (
    "TRACE",
    "DEBUG",
    "INFO",
    "NOTICE",
    "WARN",
    "WARNING",
    "ERROR",
    "SEVERE",
    "CRITICAL",
    "FATAL",
    "ALERT",
    "EMERG",
)
_KEPT_WORDS = UNITS.union(_LEVELS, map(str.lower, _LEVELS), map(str.title, _LEVELS))
_ENOUGH = 3  # templates that must differ in one and the same word for it to become a value
_ROUNDS = 2
_MOST_ATOMS = 80
# Of a word's hash, by its place. Sums of hashes of pairs would not do: those of tuples are nearly sums themselves, so
# that words which change places would count as the same, in some processes and not in others.
_WEIGHTS = tuple(pow(0x5851F42D4C957F2D, place, 1 << 64) for place in range(1, _MOST_ATOMS + 1))
_LEAST_TEXT = 6  # characters of words that must be left in a template beside its values

Key = tuple[str, ...]
"""The text between the values of a line."""


@dataclass(slots=True)
class Group:
    """Lines with one key: their numbers and their values."""

    rows: list[int]
    values: list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A key, cut into words (at odd places) and what stands between them."""

    parts: tuple[str, ...]
    around: Mapping[int, int]
    """For each word that may become a value a hash of all the rest."""

    @classmethod
    def of(cls, parts: tuple[str, ...]) -> "_Pattern":
        if len(parts) > _MOST_ATOMS:
            return cls(parts, {})
        hashes = list(map(operator.mul, map(hash, parts), _WEIGHTS))
        total = len(parts) + sum(hashes)
        return cls(parts, {at: total - hashes[at] for at in range(1, len(parts), 2) if parts[at] not in _KEPT_WORDS})

    def has_text_without(self, at: int) -> bool:
        return sum(map(len, self.parts[1::2])) - len(self.parts[at]) >= _LEAST_TEXT


def merged(groups: Mapping[Key, Group]) -> dict[Key, Group]:
    """Return the groups with one for those that differ in one and the same word."""
    parts_of = list(map(_parts, groups))
    halves_of = list(map(_halves, parts_of))
    # What differs in one word has the half without it in common with the others: all else is not looked at. A word with
    # a digit in it counts for two.
    counts = Counter(chain.from_iterable(halves_of))
    shared = [counts[one] >= _ENOUGH - 1 or counts[other] >= _ENOUGH - 1 for one, other in halves_of]
    patterns = {
        key: _Pattern.of(parts) if is_shared else _Pattern(parts, {})
        for key, parts, is_shared in zip(groups, parts_of, shared, strict=True)
    }
    found = dict(groups)
    for _ in range(_ROUNDS):
        wider = _merged_once(found, patterns)
        if wider is None:
            break
        found = wider
    return found


def _parts(key: Key) -> tuple[str, ...]:
    return tuple(_ATOM.split(_MARK.join(key)))


def _halves(parts: tuple[str, ...]) -> tuple[int, int]:
    middle = len(parts) // 2
    return hash((len(parts), parts[:middle])), hash((parts[middle:], len(parts)))


def _merged_once(groups: Mapping[Key, Group], patterns: dict[Key, _Pattern]) -> dict[Key, Group] | None:
    """Return the groups with one word less in those that have others like them; None where there are no such."""
    looked_at = [pattern for key in groups if (pattern := patterns[key]).around]
    seen = Counter(chain.from_iterable(pattern.around.values() for pattern in looked_at))
    # A word that has a digit in one line and none in another is a value for sure.
    seen.update(rest for one in looked_at for at, rest in one.around.items() if _MARK in one.parts[at])
    if max(seen.values(), default=0) < _ENOUGH:
        return None
    target: defaultdict[Key, Group] = defaultdict(lambda: Group([], []))
    for key, group in groups.items():
        pattern = patterns[key]
        count, at = max([(seen[rest], -at) for at, rest in pattern.around.items()]) if pattern.around else (0, 0)
        if count >= _ENOUGH and pattern.has_text_without(-at):
            wider, one = _widened(pattern.parts, -at, group)
            if wider not in patterns:
                patterns[wider] = _Pattern.of(_parts(wider))
        else:
            wider, one = key, group
        target[wider].rows += one.rows
        target[wider].values += one.values
    return target


def _widened(parts: Sequence[str], at: int, group: Group) -> tuple[Key, Group]:
    """Make one value of the word at ``at`` and of the values in it."""
    pieces = parts[at].split(_MARK)
    key = tuple("".join((*parts[:at], _MARK, *parts[at + 1 :])).split(_MARK))
    if pieces == ["", ""]:
        return key, group
    before = sum(part.count(_MARK) for part in parts[:at])
    after = before + len(pieces) - 1
    values = [(*row[:before], _woven(pieces, row[before:after]), *row[after:]) for row in group.values]
    return key, Group(group.rows, values)


def _woven(pieces: Sequence[str], values: Iterable[str]) -> str:
    return pieces[0] + "".join(value + piece for value, piece in zip(values, pieces[1:], strict=True))
