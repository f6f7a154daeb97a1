"""Where a shared store is: one server, the primary that Sentinels name, or a Cluster; told by the URL's scheme."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

CONNECT_SECONDS = 0.5
READ_SECONDS = 1.0
SCHEMES = frozenset(
    f"redis{tls}{kind}" for tls in ("", "s") for kind in ("", "+sentinel", "+cluster")
)  # what they mean: see ``place``
TLS_OPTIONS = frozenset({"ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_keyfile"})
_SENTINEL_OPTIONS = frozenset({"sentinel_username", "sentinel_password"})
_PORTS = {"": 6379, "+cluster": 6379, "+sentinel": 26379}
_PORT_MOST = 65535


Made = Callable[[Any], None]
"""Told a connection each time that it is made, or made again."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place, and how to get a client for it."""

    name: str
    """For the log: no credentials."""
    connect: Callable[["Made"], Any]
    """Returns a client: ``redis.Redis``, or for a Cluster ``RedisCluster``, which asks for its nodes at once."""
    is_cluster: bool = False
    """Keys are spread over servers by slot: what concerns several of them cannot be one transaction."""
    serving: Callable[[Any], object] = lambda _: None
    """Returns which servers take writes, as far as its client knows; None where there is but one."""


@dataclass(frozen=True, slots=True)
class _Address:
    """A URL, taken apart: ``scheme://user:password@host:port,host:port/path?options``."""

    kind: str
    tls: bool
    credentials: Mapping[str, str]
    hosts: tuple[tuple[str, int], ...]
    path: str
    options: Mapping[str, str]

    def connection(self, made: "Made") -> dict[str, Any]:
        """Return what each connection is made with."""
        tls = {name: value for name, value in self.options.items() if name in TLS_OPTIONS}
        return {
            **_WAITING,
            **self.credentials,
            **({"ssl": True, **tls} if self.tls else {}),
            "redis_connect_func": made,
        }


# A repeated time-out would be longer than a request can wait; what is undecided goes out raw instead.
_WAITING: dict[str, Any] = {
    "socket_connect_timeout": CONNECT_SECONDS,
    "socket_timeout": READ_SECONDS,
    "socket_keepalive": True,
    "protocol": 2,  # no handshake that old servers refuse, and dead connections in the pool are found before use
}


def place(url: str) -> Place:
    """Return the place that a URL names. Nothing is connected. Raises ``ValueError`` with the reason.

    ``redis`` and ``rediss`` (with TLS) have one host, and as path the number of a database. With ``+sentinel`` the
    hosts are Sentinels and the path is ``/service`` or ``/service/db``; with ``+cluster`` they are nodes of a Cluster.
    """
    address = _parsed(url)
    makers = {"": _server, "+sentinel": _sentinel, "+cluster": _cluster}
    return makers[address.kind](address)


def _server(address: _Address) -> Place:
    if len(address.hosts) != 1:
        raise ValueError("one server has one host")
    host, port = address.hosts[0]
    database = _database(address.path.removeprefix("/"))

    def connect(made: Made) -> redis.Redis:
        connection = address.connection(_prepared(made))
        kept: Any = redis.Redis(host=host, port=port, db=database, retry=Retry(NoBackoff(), 0), **connection)
        return kept  # type: ignore[no-any-return]

    return Place(f"Redis at {host}:{port}", connect)


def _sentinel(address: _Address) -> Place:
    _, service, *rest = [*address.path.split("/"), "", ""][:4]
    if not re.fullmatch(r"[\w.-]+", service):
        raise ValueError("Sentinels are asked for a service by its name: /mymaster")
    database = _database(rest[0])
    named = {name: value for name, value in address.options.items() if name in _SENTINEL_OPTIONS}
    asking = {name.removeprefix("sentinel_"): value for name, value in named.items()}

    def connect(made: Made) -> Any:
        connection = address.connection(_prepared(made))
        untyped: Any = Sentinel
        tls = {name: value for name, value in connection.items() if name.startswith("ssl")}
        sentinels = untyped(
            list(address.hosts),
            sentinel_kwargs={**_WAITING, **tls, **asking, "retry": Retry(NoBackoff(), 0)},
            db=database,
            retry=Retry(NoBackoff(), 0),
            **connection,
        )
        return sentinels.master_for(service)

    return Place(f"Redis service {service}", connect, serving=lambda client: client.connection_pool.master_address)


def _cluster(address: _Address) -> Place:
    if address.path not in ("", "/", "/0"):
        raise ValueError("a Cluster has no databases")

    def connect(made: Made) -> Any:
        node: Any = ClusterNode
        nodes = [node(host, port) for host, port in address.hosts]
        # One more try is for a slot that has moved: the new owner is asked at once.
        once_more = Retry(NoBackoff(), 1)
        return RedisCluster(startup_nodes=nodes, retry=once_more, **address.connection(made))

    first_host, first_port = address.hosts[0]
    return Place(f"Redis Cluster at {first_host}:{first_port}", connect, is_cluster=True, serving=_primaries)


def _prepared(made: Made) -> Made:
    """Return what a connection is to do when it is made; a Cluster's prepares its own."""

    def prepare(connection: Any) -> None:
        connection.on_connect()
        made(connection)

    return prepare


def _primaries(client: Any) -> object:
    return frozenset(node.name for node in client.get_primaries())


def _parsed(url: str) -> _Address:
    parts = urlsplit(url)
    scheme = re.fullmatch(r"redis(s?)(\+\w+)?", parts.scheme)
    if scheme is None or parts.scheme not in SCHEMES or parts.fragment:
        raise ValueError("")
    login, _, hosts = parts.netloc.rpartition("@")
    kind = scheme[2] or ""
    known = (TLS_OPTIONS if scheme[1] else frozenset()) | (_SENTINEL_OPTIONS if kind == "+sentinel" else frozenset())
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if set(options) - known:
        raise ValueError(f"options known here: {', '.join(sorted(TLS_OPTIONS))}, with rediss")
    user, _, password = login.partition(":")
    credentials = {"username": unquote(user), "password": unquote(password)}
    return _Address(
        kind,
        bool(scheme[1]),
        {name: value for name, value in credentials.items() if value},
        tuple(_host(text, _PORTS[kind]) for text in hosts.split(",")),
        parts.path,
        options,
    )


def _host(text: str, port: int) -> tuple[str, int]:
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:@/\s]+))(?::([0-9]{1,5}))?", text)
    if found is None or int(found[3] or port) > _PORT_MOST:
        raise ValueError(f"{text!r} is no host:port")
    host = found[1] or found[2]
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise ValueError(str(error)) from error
    return host, int(found[3] or port)


def _database(text: str) -> int:
    if not re.fullmatch(r"[0-9]{0,4}", text):
        raise ValueError("a database is a number")
    return int(text or 0)
