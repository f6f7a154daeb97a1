"""The formats of requests: each reads bodies into the neutral vocabulary, none renders one."""

from headroom_mitm.wire.anthropic_messages import AnthropicMessages
from headroom_mitm.wire.base import Wire
from headroom_mitm.wire.gemini_generate import GeminiGenerate
from headroom_mitm.wire.openai_chat import OpenAIChat
from headroom_mitm.wire.openai_responses import OpenAIResponses

WIRES: tuple[Wire, ...] = (AnthropicMessages(), OpenAIChat(), OpenAIResponses(), GeminiGenerate())

BY_NAME: dict[str, Wire] = {wire.name: wire for wire in WIRES}
