"""In which formats' histories hidden rounds can be put back, and in which answers texts of ours are looked for."""

from collections.abc import Callable

from headroom_mitm.wire.anthropic_arguments import Arguments
from headroom_mitm.wire.anthropic_history import AnthropicHistory
from headroom_mitm.wire.gemini_history import GeminiHistory
from headroom_mitm.wire.openai_chat_history import ChatHistory
from headroom_mitm.wire.openai_responses_history import ResponsesHistory
from headroom_mitm.wire.retelling import Copies, Retelling

RETELLINGS: dict[str, Retelling] = {
    "anthropic_messages": AnthropicHistory(),
    "gemini_generate": GeminiHistory(),
    "openai_chat": ChatHistory(),
    "openai_responses": ResponsesHistory(),
}

COPIES: dict[str, Callable[..., Copies]] = {"anthropic_messages": Arguments}
