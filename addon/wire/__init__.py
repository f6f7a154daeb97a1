"""The formats of requests: each reads bodies into the neutral vocabulary, none renders one."""

from headroom_mitm.wire.anthropic_messages import AnthropicMessages
from headroom_mitm.wire.base import Wire

WIRES: tuple[Wire, ...] = (AnthropicMessages(),)

BY_NAME: dict[str, Wire] = {wire.name: wire for wire in WIRES}
