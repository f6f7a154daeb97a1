"""Asks a proxy, as a client would, who it is."""

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from headroom_mitm.hosts import PRESENCE_HOST

_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Presence:
    """What a proxy said of itself."""

    version: str
    home: Path
    mode: str
    pid: int


def asked(proxy: str, certificate: Path) -> Presence:
    """Ask through TLS, trusting nothing but the certificate.

    Raises ``ssl.SSLError`` if another authority signs, other ``OSError`` if nothing answers or what does is not ours.
    """
    told = _told(proxy, certificate)
    try:
        return Presence(str(told["headroom_mitm"]), Path(str(told["home"])), str(told["mode"]), int(told["pid"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ConnectionError(f"what answers at {proxy} is not headroom-mitm") from error


def _told(proxy: str, certificate: Path) -> Any:
    place = urlsplit(proxy)
    trust = ssl.create_default_context(cafile=str(certificate))
    tunnel = http.client.HTTPSConnection(place.hostname or "", place.port or 8080, timeout=_SECONDS, context=trust)
    try:
        tunnel.set_tunnel(PRESENCE_HOST, 443)
        tunnel.request("GET", "/")
        return json.loads(tunnel.getresponse().read(65536))
    except (http.client.HTTPException, json.JSONDecodeError, socket.gaierror) as error:
        raise ConnectionError(f"what answers at {proxy} is not headroom-mitm: {error}") from error
    finally:
        tunnel.close()
