"""Ports for servers that cannot choose one themselves, or have to keep it over a restart."""

import random
import socket


def free_port() -> int:
    """Return a port of the loopback that nobody listens on, below those that the system gives to connections.

    One of the latter could be gone until the server takes it.
    """
    choose = random.SystemRandom()
    while True:
        port = choose.randrange(10_000, 32_000)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:  # another's
            continue
