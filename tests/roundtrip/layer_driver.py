"""Drives mitmproxy's HTTP layer without sockets: bytes in, bytes out, and every hook is a list of what was called."""

from collections import deque
from collections.abc import Callable
from typing import Any

from mitmproxy import http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client, Connection, ConnectionState, Server
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode
from mitmproxy.proxy.mode_specs import ProxyMode

from headroom_mitm.roundtrip.substream import WatchLayers

REQUEST = b'{"messages":[{"role":"user","content":"x"}]}'
Hook = commands.StartHook


class _Loader:
    """Takes the options that mitmproxy's own addons declare."""

    def __init__(self, options: Options) -> None:
        self.add_option = options.add_option


class Driver:
    """A client that has sent one request, and whoever it is forwarded to. Connections open and hooks end at once."""

    def __init__(self, watch: WatchLayers, on_hook: Callable[[Hook], bool]) -> None:
        """``on_hook`` returns False to leave a hook running; ``finish`` ends it later."""
        options = Options()
        Proxyserver().load(_Loader(options))  # type: ignore[arg-type]
        self.client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0)
        self.client.state, self.client.proxy_mode = ConnectionState.OPEN, ProxyMode.parse("regular")
        self.servers: list[Server] = []
        self.hooks: list[str] = []
        self.alarms: list[commands.RequestWakeup] = []
        self.sent: dict[Connection, bytes] = {self.client: b""}
        self._on_hook = on_hook
        self._running: list[Hook] = []
        self._queue: deque[events.Event] = deque()
        context = Context(self.client, options)
        top = layer.NextLayer(context)
        top.layer = self.layer = HttpLayer(context, HTTPMode.regular)
        watch.next_layer(top)
        self._give(events.Start())

    def ask(self) -> None:
        """Send the request."""
        head = b"POST http://provider/v1/messages HTTP/1.1\r\nhost: provider\r\ncontent-length: %d\r\n\r\n"
        self.from_client(head % len(REQUEST) + REQUEST)

    def from_client(self, data: bytes) -> None:
        self._give(events.DataReceived(self.client, data))

    def answer(self, body: bytes, *, kind: str = "text/event-stream", status: int = 200, more: bool = False) -> None:
        """Answer the provider's newest request; with ``more`` the body does not end."""
        head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        self.from_server(head)
        self.go_on(body, more=more)

    def go_on(self, body: bytes, *, more: bool = False) -> None:
        self.from_server(b"%x\r\n%s\r\n" % (len(body), body) if body else b"")
        if not more:
            self.from_server(b"0\r\n\r\n")

    def from_server(self, data: bytes) -> None:
        if data:
            self._give(events.DataReceived(self.servers[-1], data))

    def leaves(self, connection: Connection) -> None:
        """The other side hangs up."""
        connection.state = ConnectionState.CAN_WRITE
        self._give(events.ConnectionClosed(connection))

    def finish(self) -> None:
        """End the hooks that were left running."""
        running, self._running = self._running, []
        for hook in running:
            self._give(events.HookCompleted(hook, None))

    def ring(self, number: int = -1) -> None:
        """Let the time of an alarm come."""
        self._give(events.Wakeup(self.alarms[number]))

    @property
    def body(self) -> bytes:
        """What the client has received of the body so far: the chunks, joined."""
        rest = self.sent[self.client].partition(b"\r\n\r\n")[2]
        body = b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        return body

    @property
    def is_ended(self) -> bool:
        """The client has received the last chunk."""
        return self.sent[self.client].endswith(b"0\r\n\r\n")

    def is_open(self, connection: Connection) -> bool:
        return connection.state is ConnectionState.OPEN

    def _give(self, event: events.Event) -> None:
        self._queue.append(event)
        while self._queue:
            for command in self.layer.handle_event(self._queue.popleft()):
                self._do(command)

    def _do(self, command: Any) -> None:
        if isinstance(command, commands.SendData):
            self.sent[command.connection] = self.sent.get(command.connection, b"") + command.data
        elif isinstance(command, commands.OpenConnection):
            command.connection.state = ConnectionState.OPEN
            self.servers.append(command.connection)
            self._queue.append(events.OpenConnectionCompleted(command, None))
        elif isinstance(command, commands.CloseConnection):
            if command.connection.state is not ConnectionState.CLOSED:
                command.connection.state = ConnectionState.CLOSED
                self._queue.append(events.ConnectionClosed(command.connection))
        elif isinstance(command, commands.RequestWakeup):
            self.alarms.append(command)
        elif isinstance(command, commands.StartHook):
            self.hooks.append(command.name)
            if not self._on_hook(command):
                self._running.append(command)
            elif command.blocking:
                self._queue.append(events.HookCompleted(command, None))


def flow_of(hook: Hook) -> http.HTTPFlow:
    """The flow that a hook is about."""
    (flow,) = hook.args()
    assert isinstance(flow, http.HTTPFlow)
    return flow
