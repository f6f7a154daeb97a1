"""What each client reads of its environment, and how each shell is told."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path

from headroom_mitm.certificates import Authority

# What a client reads: the proxy, and whom to trust. "certificate" adds ours to its roots, "bundle" replaces them.
PROXY, CERTIFICATE, BUNDLE = "proxy", "certificate", "bundle"
CLIENTS: dict[str, tuple[str, dict[str, str]]] = {
    "claude": ("Claude Code", {"HTTPS_PROXY": PROXY, "NODE_EXTRA_CA_CERTS": CERTIFICATE}),
    "codex": ("Codex", {"HTTPS_PROXY": PROXY, "CODEX_CA_CERTIFICATE": BUNDLE}),
    "gemini": ("Gemini CLI", {"HTTPS_PROXY": PROXY, "NODE_EXTRA_CA_CERTS": CERTIFICATE}),
    "opencode": (
        "opencode",
        {"HTTPS_PROXY": PROXY, "NODE_EXTRA_CA_CERTS": CERTIFICATE, "NO_PROXY": "localhost,127.0.0.1"},
    ),
    "aider": ("Aider", {"HTTPS_PROXY": PROXY, "SSL_CERT_FILE": BUNDLE, "REQUESTS_CA_BUNDLE": BUNDLE}),
    "python": ("Python SDKs", {"HTTPS_PROXY": PROXY, "SSL_CERT_FILE": BUNDLE, "REQUESTS_CA_BUNDLE": BUNDLE}),
    "curl": ("curl", {"HTTPS_PROXY": PROXY, "CURL_CA_BUNDLE": BUNDLE}),
}


def _in_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _in_powershell(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _exported(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}"


SHELLS: dict[str, Callable[[str, str], str]] = {
    "sh": _exported,
    "bash": _exported,
    "zsh": _exported,
    "fish": lambda name, value: f"set -gx {name} {_in_fish(value)}",
    "powershell": lambda name, value: f"$env:{name} = {_in_powershell(value)}",
}


def variables_for(client: str, proxy: str, authority: Authority) -> dict[str, str]:
    """Return what sends one client through the proxy and makes it trust the authority."""
    values = {PROXY: proxy, CERTIFICATE: str(authority.certificate), BUNDLE: str(authority.bundle)}
    _, variables = CLIENTS[client]
    return {name: values.get(value, value) for name, value in variables.items()}


def lines_for(client: str, shell: str, proxy: str, authority: Authority) -> list[str]:
    """Return the same as lines of a shell."""
    return [SHELLS[shell](name, value) for name, value in variables_for(client, proxy, authority).items()]


def lines_for_all(shell: str, proxy: str, authority: Authority) -> list[str]:
    """Return the lines for every client, each below its title."""
    return [
        line
        for client, (title, _) in CLIENTS.items()
        for line in (f"# {title}", *lines_for(client, shell, proxy, authority), "")
    ]


def shell_here() -> str:
    """Return the shell of whoever sits here, as far as its syntax matters."""
    if os.name == "nt":
        return "powershell"
    return "fish" if Path(os.environ.get("SHELL", "")).name == "fish" else "sh"
