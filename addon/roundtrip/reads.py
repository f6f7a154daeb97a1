"""What a client sends is read as mitmproxy takes it.

asyncio reads 256 KB from a socket at once. mitmproxy takes 65,535 bytes of them at a time, with four bytes left over,
and as long as so much lies there asyncio stops reading and begins again: a fifth of what each piece costs.
"""

from mitmproxy import ctx, tls

TAKEN = 65_535
"""Bytes that mitmproxy takes at most at once."""


class Reads:
    """Sees to it for the connections that are decrypted, which are those to LLM hosts."""

    def tls_established_client(self, data: tls.TlsData) -> None:
        """Begin with the first request."""
        proxy = ctx.master.addons.get("proxyserver")
        handler = proxy.connections.get(data.conn.id) if proxy is not None else None
        if handler is None or data.conn not in handler.transports:
            return
        writer = handler.transports[data.conn].writer
        limit(getattr(writer, "transport", None))


def limit(transport: object) -> None:
    """Have a connection of asyncio's own loops read no more at once; others are left alone."""
    if getattr(transport, "max_size", 0) > TAKEN:
        transport.max_size = TAKEN  # type: ignore[attr-defined]
