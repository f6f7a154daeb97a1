"""Where a store is near, nothing is staged: each question is asked when it comes up."""

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager

from headroom_mitm.segments import Digest, Key
from headroom_mitm.store.base import Wanted
from headroom_mitm.store.certainty import Certain, Certainty


class NotAtOnce:
    """What any store can do, see ``Staging``: all may have to wait."""

    def at_once(self) -> AbstractContextManager[bool]:
        """See ``Staging``."""
        return contextlib.nullcontext(False)  # noqa: FBT003  # the answer itself


class Unstaged(NotAtOnce):
    """See ``Staging``: nothing is looked up ahead, and nothing waits."""

    is_on = False
    owes = False
    certainty: Certainty = Certain()

    def begun(self, patience: float) -> AbstractContextManager[None]:
        """See ``Staging``."""
        del patience
        return contextlib.nullcontext()

    def look_up(self, wanted: Wanted) -> None:
        """See ``Staging``."""

    def use(self, keys: Sequence[Key]) -> None:
        """See ``Staging``."""

    def warm(self, start: str) -> None:
        """See ``Staging``."""

    def flush(self) -> None:
        """See ``Staging``."""

    def lacks(self, original: Digest) -> bool:
        """See ``Staging``."""
        del original
        return False
