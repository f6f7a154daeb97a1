"""In which formats' histories hidden rounds can be put back, and in which answers texts of ours are looked for."""

from collections.abc import Callable
from typing import NamedTuple

from headroom_mitm.wire.anthropic_arguments import AnthropicCalls
from headroom_mitm.wire.anthropic_history import AnthropicHistory
from headroom_mitm.wire.arguments import Calls, Events, Frames, Framing
from headroom_mitm.wire.gemini_arguments import Either, GeminiCalls
from headroom_mitm.wire.gemini_history import GeminiHistory
from headroom_mitm.wire.openai_chat_arguments import ChatCalls
from headroom_mitm.wire.openai_chat_history import ChatHistory
from headroom_mitm.wire.openai_responses_arguments import ResponsesCalls, ResponsesCallsInFrames
from headroom_mitm.wire.openai_responses_history import ResponsesHistory
from headroom_mitm.wire.retelling import Retelling

RETELLINGS: dict[str, Retelling] = {
    "anthropic_messages": AnthropicHistory(),
    "gemini_generate": GeminiHistory(),
    "openai_chat": ChatHistory(),
    "openai_responses": ResponsesHistory(),
}


class Form(NamedTuple):
    """Makes what knows, in one answer, where the arguments of calls stand."""

    calls: Callable[[], Calls]
    framing: Callable[[], Framing]


COPIES: dict[str, Form] = {
    "anthropic_messages": Form(AnthropicCalls, Events),
    "gemini_generate": Form(GeminiCalls, Either),
    "openai_chat": Form(ChatCalls, Events),
    "openai_responses": Form(ResponsesCalls, Events),
}
IN_FRAMES: dict[str, Form] = {"openai_responses": Form(ResponsesCallsInFrames, Frames)}
