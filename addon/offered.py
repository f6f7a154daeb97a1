"""Whether conversations have the retrieve tool: what is decided, as far as this process knows."""

from headroom_mitm.recent import Recent
from headroom_mitm.segments import Digest


class Offered:
    """Thread-safe. What the store knows as well fades; what nobody else knows does not."""

    def __init__(self, capacity: int) -> None:
        self._kept: Recent[Digest, bool] = Recent(capacity, fades=True)
        self._left_out: Recent[Digest, bool] = Recent(capacity)

    def get(self, key: Digest) -> bool | None:
        """Say what is decided; None where that is not known here."""
        held = self._kept.get(key)
        return held if held is not None else self._left_out.get(key)

    def put_first(self, key: Digest, offered: bool) -> bool:  # noqa: FBT001  # the decision itself is the value
        """Remember what the store holds, unless something is known; return what is."""
        held = self._left_out.get(key)
        return held if held is not None else self._kept.put_first(key, offered)

    def leave_out(self, key: Digest) -> None:
        """Note that a conversation begins without the tool, and that the store was not told, unless it is known."""
        if self._kept.get(key) is None:
            self._left_out.put_first(key, False)  # noqa: FBT003  # the decision itself is the value
