"""How sure it is that a store has what it was told to keep."""

from typing import Protocol

from headroom_mitm.segments import Key


class Certainty(Protocol):
    """Each answer is quick and asks nobody."""

    @property
    def is_in_doubt(self) -> bool:
        """The store was told to keep something and did not answer: to keep what left instead is urgent."""
        ...

    @property
    def returns(self) -> int:
        """How often a connection was lost and made again, or another server took its place.

        What it had kept shortly before may be gone then, though it had said so.
        """
        ...

    def misses(self, key: Key) -> bool:
        """Say whether a decision was counted as used and is not there."""
        ...

    def insist(self) -> None:
        """Have the store asked once more, though it did not answer a moment ago: who asks now has no later."""
        ...


class Certain:
    """Where a store is near, what it was told is kept or has failed, and that is known."""

    is_in_doubt = False
    returns = 0

    def misses(self, key: Key) -> bool:
        """See ``Certainty``."""
        del key
        return False

    def insist(self) -> None:
        """See ``Certainty``."""
