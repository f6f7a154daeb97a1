"""Tokens of an answer as its provider bills them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of one answer, each counted once."""

    fresh: int = 0
    """Input that was neither read from the cache nor written to it."""
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    output: int = 0

    @property
    def input(self) -> int:
        """All of the prompt."""
        return self.fresh + self.read + self.write_5m + self.write_1h

    def __add__(self, other: "Counted") -> "Counted":
        """Add up, by kind."""
        return Counted(
            self.fresh + other.fresh,
            self.read + other.read,
            self.write_5m + other.write_5m,
            self.write_1h + other.write_1h,
            self.output + other.output,
        )
