"""How providers count, against our own counts: a ratio for each model, learnt from what they report.

Our counts are o200k's, which is OpenAI's vocabulary; Claude and Gemini have others. One ratio for a model is an average
over all kinds of text, and holds what the provider adds around messages.
"""

import time
from collections.abc import Callable, Sequence

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.ledger_figures import Calibrated
from headroom_mitm.recent import Recent
from headroom_mitm.store.base import TallyStore

LEAST_REQUESTS = 5
LEAST_TOKENS = 20_000
"""Reported, for a ratio to be believed."""
_LOWEST, _HIGHEST = 0.4, 3.0
"""Beyond these it is not the vocabulary that differs: a prompt held what we cannot count."""
REFRESHED = 60.0
"""Seconds after which the store is asked again."""
REMEMBERED = 200
"""Models."""
ASSUMED = Calibrated(1.0, 0, 0, 0, is_known=False)


class Calibration:
    """Looks ratios up and adds to them. For the ledger's thread: methods may block."""

    def __init__(self, tallies: TallyStore, clock: Callable[[], float] = time.time) -> None:
        self._tallies = tallies
        self._clock = clock
        self._known: Recent[str, tuple[float, Calibrated]] = Recent(REMEMBERED)

    def of(self, model: str) -> Calibrated:
        """Return what is known of a model; what was known before, where the store does not answer."""
        now, held = self._clock(), self._known.get(model)
        if held is not None and 0 <= now - held[0] < REFRESHED:
            return held[1]
        try:
            found = read(self._tallies, [model]).get(model, ASSUMED)
        except StoreUnavailable:
            found = held[1] if held is not None else ASSUMED
        self._known.put(model, (now, found))
        return found


def amounts(estimated: int, reported: int) -> dict[str, float]:
    """Return what is to be added for one request under ``name_of`` its model; nothing where it tells nothing."""
    if estimated <= 0 or not _LOWEST <= reported / estimated <= _HIGHEST:
        return {}
    return {"requests": 1.0, "reported": float(reported), "estimated": float(estimated)}


def name_of(model: str) -> str:
    """Return the name of a model's sums."""
    return f"calibration|{model}"


def read(tallies: TallyStore, models: Sequence[str]) -> dict[str, Calibrated]:
    """Return what is known of these models. Raises ``StoreUnavailable``."""
    sums = tallies.read([name_of(model) for model in models])
    found: dict[str, Calibrated] = {}
    for model in models:
        fields = sums.get(name_of(model), {})
        reported, estimated = round(fields.get("reported", 0.0)), round(fields.get("estimated", 0.0))
        requests = round(fields.get("requests", 0.0))
        is_known = requests >= LEAST_REQUESTS and reported >= LEAST_TOKENS and estimated > 0
        if requests:
            ratio = reported / estimated if is_known else 1.0
            found[model] = Calibrated(ratio, requests, reported, estimated, is_known)
    return found
