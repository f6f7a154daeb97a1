"""What our page shows, put together: the store's figures, the newest requests, and the state of this proxy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from headroom_mitm import __version__, learnt
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.ledger import Report, Session
from headroom_mitm.service import Service
from headroom_mitm.settings import Metrics, Settings
from headroom_mitm.web.inspection import Inspections
from headroom_mitm.web.page import Sources


class Tour:
    """Asks whichever service there is at that moment: another store may be opened while the proxy runs."""

    def __init__(
        self, service: Callable[[], Service | None], settings: Callable[[], Settings | None], inspections: Inspections
    ) -> None:
        self._service = service
        self._settings = settings
        self.sources = Sources(self._state, self._report, self._conversations, self._levels, inspections)

    def today(self) -> Report:
        """Return this day's figures; the day is UTC's. Raises ``StoreUnavailable``."""
        day = str(datetime.now(UTC).date())
        return self._report(day, day)

    def _state(self) -> Mapping[str, Any]:
        chosen = self._settings()
        if chosen is None:
            return {"version": __version__, "mode": "", "store": ""}
        return {
            "version": __version__,
            "mode": chosen.mode.value,
            "store": _public(chosen.store),
            "metrics": chosen.metrics is Metrics.ON,
        }

    def _report(self, since: str, until: str) -> Report:
        return self._open().ledger.report(since, until)

    def _conversations(self, limit: int) -> Sequence[Session]:
        return self._open().ledger.conversations(limit)

    def _levels(self) -> Iterator[tuple[str, ...]]:
        return learnt.rows(self._open().tallies)

    def _open(self) -> Service:
        service = self._service()
        if service is None:
            raise StoreUnavailable("it is not open yet")
        return service


def _public(store: str) -> str:
    """Return where a store is, without a password, and without where people keep their files."""
    scheme, separator, rest = store.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if separator else PurePath(store).name
