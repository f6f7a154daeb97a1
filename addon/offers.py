"""Whether the tool is declared in a conversation that was met in the middle: where it saves more than it costs.

A tool stands in front of all else, so declaring one has the provider write again what it has in its cache. Where that
pays, the past is written anew anyway, and is looked at like all that is new.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from headroom_mitm import break_even, cache_terms
from headroom_mitm.aligner import Plan
from headroom_mitm.break_even import Rewrite
from headroom_mitm.breakpoints import lifetimes
from headroom_mitm.cache_terms import Price
from headroom_mitm.choices import Choosing, one_by_one
from headroom_mitm.fronts import Fronts
from headroom_mitm.router import LOSSY_GAIN, raw
from headroom_mitm.segments import Digest, Prompt, Segment
from headroom_mitm.store.base import Decision

logger = logging.getLogger(__name__)

LOOKED_AT = 1_500_000
"""Characters of a past that are looked at, at most: the request has to leave."""
_FEWEST_PER_TOKEN = 2
"""Characters: a token has rarely fewer."""
_LOSSY_SIZE = _FEWEST_PER_TOKEN * LOSSY_GAIN
"""Characters, at least, of a text that may lose ``LOSSY_GAIN`` tokens."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the texts of a request become with the tool, and without."""

    offered: bool
    without: list[Decision] = field(default_factory=list)
    with_tool: list[Decision] = field(default_factory=list)
    """Nothing where it was clear that the tool does not pay."""

    def decisions(self, *, offered: bool) -> list[Decision]:
        """Return those that hold; another worker may have decided about the tool."""
        return self.with_tool if offered and self.with_tool else self.without


class Offers:
    """Weighs it. Keeps no state but the fronts."""

    def __init__(self, fronts: Fronts) -> None:
        self._fronts = fronts

    def declared(self, prompt: Prompt, account: Digest) -> None:
        """Note that a request leaves with the tool. May ask the store."""
        self._fronts.declared(prompt, account)

    def weighed(self, plan: Plan, account: Digest, choosing: Choosing) -> Weighed:
        """Return what the texts of a conversation become that is seen for the first time, in its middle."""
        past = [Decision(raw(segment, "sent before")) for segment in plan.past]
        sent = {decision.rendering.key: decision.rendering for decision in past}
        fresh = [segment for segment in plan.fresh if segment.key not in sent]  # a client may send a result twice
        texts = [*plan.past, *fresh]
        rewrite = self._rewrite(plan, account)
        price = cache_terms.price(plan.prompt.model, max(lifetimes(plan.prompt), default=cache_terms.USUAL))
        if not _may_pay(texts, rewrite, price):
            return Weighed(offered=False, without=[*past, *one_by_one(plan, fresh, choosing.whole, sent)])
        chosen = one_by_one(plan, texts, choosing.lossy)
        lossy = sum(not decision.rendering.lossless for decision in chosen)
        # What loses nothing with the tool is what it would be without.
        forms = {d.rendering.key: d for d in chosen if d.rendering.lossless}
        without = one_by_one(plan, fresh, lambda one, new: forms.get(new.key) or choosing.whole(one, new), sent)
        weighed = Weighed(offered=False, without=[*past, *without], with_tool=chosen)
        rewrite = replace(rewrite, saved=_saved(weighed), texts=lossy)
        brings = break_even.balance(rewrite, price) if lossy else 0
        _tell(rewrite, brings)
        return replace(weighed, offered=brings > 0)

    def _rewrite(self, plan: Plan, account: Digest) -> Rewrite:
        prompt = plan.prompt
        old = len(prompt.body) - sum(end - start for (start, end) in (segment.span for segment in plan.fresh))
        warm = self._fronts.warm(prompt, account)
        return Rewrite(
            rewritten=break_even.cached(old, warm, prompt.model),
            prefix=break_even.tokens_of(len(prompt.body)),
            saved=0,
            texts=0,
            calls=len(prompt.calls),
        )


def _may_pay(texts: Sequence[Segment], rewrite: Rewrite, price: Price) -> bool:
    """Say whether it is worth a look: nothing is rendered where the outcome is clear."""
    large = sum(segment.size for segment in texts if segment.size >= _LOSSY_SIZE)
    if not large or sum(segment.size for segment in texts) > LOOKED_AT:
        return False
    return break_even.balance(replace(rewrite, saved=large // _FEWEST_PER_TOKEN, texts=1), price) > 0


def _saved(weighed: Weighed) -> int:
    """Return how many tokens fewer there are with the tool; what stays raw may only have been estimated."""
    total = 0
    for one, other in zip(weighed.without, weighed.with_tool, strict=True):
        a, b = one.rendering, other.rendering
        total += (b.tokens_before if a.is_raw else a.tokens_after) - b.tokens_after
    return total


def _tell(rewrite: Rewrite, brings: int) -> None:
    logger.info(
        "headroom: the tool is %s in a conversation met in the middle: about %d tokens would be written again, "
        "%d fewer with something left out in %d texts, %d further requests at least: %+d tokens of input",
        "offered" if brings > 0 else "not offered",
        rewrite.rewritten,
        rewrite.saved,
        rewrite.texts,
        break_even.further_requests(rewrite.calls),
        brings,
    )
