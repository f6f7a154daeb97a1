"""What a request lacks for the provider's prompt cache: markers, for clients that do not set them."""

from headroom_mitm.breakpoints import breakpoints
from headroom_mitm.segments import Edit, Prompt
from headroom_mitm.wire import anthropic_cache


class Caching:
    """Looks after the provider's cache. One for all requests; thread-safe."""

    def edits(self, prompt: Prompt) -> list[Edit]:
        """Return the edits that make a request cheaper without changing what the model reads."""
        return [edit for slot, lifetime in breakpoints(prompt) for edit in anthropic_cache.marked(slot, lifetime)]
