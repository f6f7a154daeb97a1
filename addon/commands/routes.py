"""What in an environment leads a client's requests past the proxy, or to hosts that it does not know."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from headroom_mitm.hosts import ANY_PORT, HOSTS, PRESENCE_HOST, Host

BASE_URLS = (
    "ANTHROPIC_BASE_URL",
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "GOOGLE_GEMINI_BASE_URL",
    "GEMINI_API_BASE",
    "OPENROUTER_API_BASE",
    "DEEPSEEK_API_BASE",
    "CODE_ASSIST_ENDPOINT",
)
"""Variables that name another server to a client."""
OTHER_PROTOCOLS = ("CLAUDE_CODE_USE_BEDROCK",)
"""Switches to formats that are not read."""
_USUAL = ("api.anthropic.com", "api.openai.com", "chatgpt.com", "generativelanguage.googleapis.com", "openrouter.ai")


def past_the_proxy(no_proxy: str, hosts: Sequence[str] = _USUAL) -> list[str]:
    """Return the entries of ``NO_PROXY`` that except LLM hosts."""
    return [entry for entry in _entries(no_proxy) if any(_excepts(entry, host) for host in hosts)]


def without(no_proxy: str, entries: Sequence[str]) -> str:
    """Return ``NO_PROXY`` without some of its entries."""
    return ",".join(entry for entry in _entries(no_proxy) if entry not in entries)


def other_servers(environment: Mapping[str, str], extra: Sequence[Host] = ()) -> Iterator[tuple[str, str]]:
    """Yield variables that lead elsewhere, and what follows from each."""
    for name in BASE_URLS:
        url = environment.get(name, "")
        if url and (reason := _unseen(url, extra)):
            yield f"{name}={url}", reason
    for name in OTHER_PROTOCOLS:
        if environment.get(name, "") not in ("", "0"):
            yield f"{name}={environment[name]}", "its requests are in a format that is not read: they pass unchanged"


def _unseen(url: str, extra: Sequence[Host]) -> str:
    """Say why requests to this address are not rewritten; empty if they are, as far as the host tells."""
    place = urlsplit(url)
    host = (place.hostname or "").rstrip(".")
    try:
        port = place.port or {"http": 80}.get(place.scheme, 443)
    except ValueError:
        return "this is no address"
    if any(_names(row, host, port) for row in (*extra, *HOSTS)):
        return ""
    hint = f"to have them rewritten: --set headroom_hosts={host}"
    if place.scheme == "http":
        return f"requests without TLS do not go through HTTPS_PROXY; {hint}, and HTTP_PROXY"
    return f"requests to {host} pass unchanged; {hint}"


def _names(row: Host, host: str, port: int) -> bool:
    if row.pattern == PRESENCE_HOST or row.port not in (ANY_PORT, port):
        return False
    rest = row.pattern.removeprefix("*.")
    return host == rest if rest == row.pattern else host.endswith(f".{rest}")


def _entries(no_proxy: str) -> list[str]:
    return [entry for entry in no_proxy.replace(",", " ").split() if entry]


def _excepts(entry: str, host: str) -> bool:
    """Say whether an entry excepts a host, by the widest of the readings that clients have of it."""
    name = entry.partition("://")[2] or entry
    name = name.rpartition(":")[0] if name.rpartition(":")[2] == "443" else name
    name = name.lower().removeprefix("*")
    return not name or host == name.lstrip(".") or host.endswith(f".{name.lstrip('.')}")


def is_loopback(url: str) -> bool:
    """Say whether an address is on this machine."""
    host = urlsplit(url if "://" in url else f"http://{url}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
