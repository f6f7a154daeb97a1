"""In which formats' histories hidden rounds can be put back."""

from headroom_mitm.wire.anthropic_history import AnthropicHistory
from headroom_mitm.wire.retelling import Retelling

RETELLINGS: dict[str, Retelling] = {"anthropic_messages": AnthropicHistory()}
