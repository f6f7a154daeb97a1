"""A stream that is gone as soon as it is over, and the bodies of its flow with it.

Those of mitmproxy lead back to themselves: they wait for the cyclic collector, which looks at how many objects there
are, not at how large they are. Meanwhile others take memory beside them, so that the process keeps more than it needs.
"""

from collections.abc import Callable
from types import MethodType
from typing import Any

from mitmproxy.proxy import events, layer
from mitmproxy.proxy.layers import http as layers
from mitmproxy.proxy.layers.http import HttpStream

Commands = layer.CommandGenerator[None]
State = Callable[[events.Event], Commands]


class _State:
    """What a stream does with its next event: a method of its own, kept without the stream that it belongs to."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"

    def __get__(self, stream: "PassingStream", owner: type | None = None) -> State:
        return MethodType(getattr(stream, self._name), stream)

    def __set__(self, stream: "PassingStream", state: MethodType) -> None:
        setattr(stream, self._name, state.__func__)


class PassingStream(HttpStream):
    """Nothing of its own holds it once it is over. One that goes on as a WebSocket or a tunnel is not."""

    client_state: Any = _State()
    server_state: Any = _State()

    def flow_done(self) -> Commands:
        """See ``HttpStream``."""
        yield from super().flow_done()
        if self.child_layer is None:
            self.leave()

    def handle_protocol_error(self, event: layers.RequestProtocolError | layers.ResponseProtocolError) -> Commands:
        """See ``HttpStream``."""
        yield from super().handle_protocol_error(event)
        self.leave()

    def leave(self) -> None:
        """Have the context that is the stream's alone not lead back to it."""
        if self in self.context.layers:
            self.context.layers.remove(self)
