"""Values of a row that repeat another one of the same row: an id that stands in it twice, a path that ends in one."""

from collections.abc import Sequence
from dataclasses import dataclass

from headroom_mitm.compressors.log_cost import cost
from headroom_mitm.compressors.log_merging import UNITS
from headroom_mitm.compressors.log_templates import STAMP, Template

_LEAST_SAVING = 20  # tokens that saying a value once must save in all rows
_SHORTEST_END = 6  # characters; a shorter end that is equal says nothing
_MOST_SLOTS = 30


@dataclass(frozen=True, slots=True)
class Repeats:
    """For each slot of a template the earlier slot whose value it ends with, if it does in all rows."""

    sources: tuple[int | None, ...]
    is_whole: tuple[bool, ...]
    """The value of the slot is nothing but that."""

    @classmethod
    def of(cls, template: Template) -> "Repeats":
        """Find the slots that repeat another."""
        columns = list(zip(*template.values, strict=True))
        sources: list[int | None] = [None] * len(columns)
        is_whole = [False] * len(columns)
        for at, column in enumerate(columns[:_MOST_SLOTS]):
            for earlier in range(at):
                if sources[earlier] is None and _ends_with(column, columns[earlier]):
                    sources[at] = earlier
                    is_whole[at] = column == columns[earlier]
                    break
        return cls(tuple(sources), tuple(is_whole))

    @classmethod
    def none(cls, template: Template) -> "Repeats":
        """Return that nothing repeats."""
        slots = len(template.literals) - 1
        return cls((None,) * slots, (False,) * slots)

    def __bool__(self) -> bool:
        return any(source is not None for source in self.sources)

    def shown(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """Return the values of a row without what repeats."""
        found = []
        for value, source, whole in zip(values, self.sources, self.is_whole, strict=True):
            if source is None:
                found.append(value)
            elif not whole:
                found.append(value[: len(value) - len(values[source])])
        return tuple(found)

    def count_shown(self, first: int) -> int:
        """Return how many of the first slots have a value in a row."""
        return first - sum(self.is_whole[:first])

    def text(self, template: Template, marks: Sequence[str], gone: str, left_out: int) -> str:
        """Write the template; ``marks`` of a slot, of the stamp and of what repeats; the first slots may be gone."""
        slot, stamp, again = marks
        pieces = [template.literals[0]]
        numbers: dict[int, int] = {}
        for at, (source, literal) in enumerate(zip(self.sources, template.literals[1:], strict=True)):
            written = gone if at < left_out else slot
            if not self.is_whole[at]:
                pieces.append(written)
                if at >= left_out:
                    numbers[at] = len(numbers) + 1
            if source is not None:
                pieces.append(again % numbers[source] if source in numbers else gone)
            pieces.append(literal)
        return "".join(pieces).replace(STAMP, stamp)


def _ends_with(column: Sequence[str], other: Sequence[str]) -> bool:
    if not column[0].endswith(other[0]):
        return False
    if column == other:
        return len(column) * cost(" " + column[0]) >= _LEAST_SAVING
    pairs = list(zip(column, other, strict=True))
    return (
        all(len(end) >= _SHORTEST_END and len(value) > len(end) and value.endswith(end) for value, end in pairs)
        and UNITS.isdisjoint(value[: len(value) - len(end)] for value, end in pairs)
        and len(column) * cost(other[0]) >= _LEAST_SAVING
    )
