"""What a request lacks for the provider's prompt cache: markers and keys, for clients that do not set them."""

from dataclasses import dataclass

from headroom_mitm.breakpoints import breakpoints
from headroom_mitm.segments import Edit, Prompt
from headroom_mitm.wire import anthropic_cache, openai_cache


@dataclass(frozen=True, slots=True)
class Wishes:
    """What may be done for the cache besides setting markers."""

    takes_key: bool = False
    """The host takes a key that names the conversation."""


class Caching:
    """Looks after the provider's cache. One for all requests; thread-safe."""

    def edits(self, prompt: Prompt, wishes: Wishes) -> list[Edit]:
        """Return the edits that make a request cheaper without changing what the model reads."""
        marked = [e for slot, lifetime in breakpoints(prompt) for e in anthropic_cache.marked(slot, lifetime)]
        return marked + (_keyed(prompt) if wishes.takes_key else [])


def _keyed(prompt: Prompt) -> list[Edit]:
    """Return the edit that names an agent's conversation, from its first request on.

    Questions without tools get no name: many of them share a beginning that each finds in the cache of all, and a name
    that comes only with the second request would part it from what the first has left.
    """
    if not prompt.tool_names or prompt.forced_tool:
        return []
    edit = openai_cache.keyed(prompt, prompt.head.hex())
    return [edit] if edit else []
