"""Which clients are there, and does each trust the authority, as far as can be told without running it."""

import json
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from headroom_mitm.certificates import SYSTEM_ROOTS, Authority
from headroom_mitm.commands.clients import CERTIFICATE, CLIENTS, PROXY
from headroom_mitm.commands.diagnosis import Finding, ok, problem, warning
from headroom_mitm.commands.routes import other_servers

Find = Callable[[str], str | None]
"""Finds a program, as ``shutil.which``."""
_PROGRAMS = {"python": "python3"}
_GENERAL = ("python", "curl")
"""Used for much else."""
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_SYSTEM_STORE = ("NODE_USE_SYSTEM_CA",)
_ATTRIBUTION = "CLAUDE_CODE_ATTRIBUTION_HEADER"


def examine_clients(
    environment: Mapping[str, str], authority: Authority, home: Path, find: Find = shutil.which
) -> Iterator[Finding]:
    """Look at each client that is installed."""
    for client, (title, variables) in CLIENTS.items():
        if find(_PROGRAMS.get(client, client)) is not None:
            yield _trust(client, title, variables, environment, authority)
    if find("java") is not None:
        yield _java(environment)
    yield _system(authority)
    yield from _claude_settings(home / ".claude" / "settings.json")
    yield from _codex_settings(Path(environment.get("CODEX_HOME") or home / ".codex") / "config.toml")


def examine_attribution(environment: Mapping[str, str], find: Find = shutil.which) -> Iterator[Finding]:
    """Look at the line in Claude Code's prompts that is another one in every request."""
    if find("claude") is None:
        return
    if environment.get(_ATTRIBUTION) == "0":
        yield ok("attribution header", "Claude Code sends none")
        return
    yield ok("attribution header", f"Claude Code sends one in each prompt; {_ATTRIBUTION}=0 switches it off")


def holds(file: Path, authority: Authority) -> bool:
    """Say whether a file of certificates has the authority's root."""
    try:
        known = {_bare(body) for body in _CERTIFICATE.findall(file.read_text(encoding="utf-8", errors="replace"))}
        ours = _CERTIFICATE.search(authority.certificate.read_text(encoding="ascii"))
    except OSError:
        return False
    return ours is not None and _bare(ours[1]) in known


def _trust(
    client: str, title: str, variables: Mapping[str, str], environment: Mapping[str, str], authority: Authority
) -> Finding:
    files = [name for name, value in variables.items() if value != PROXY and name != "NO_PROXY"]
    trusted = [name for name in files if name in environment and holds(Path(environment[name]), authority)]
    if len(trusted) == len(files):
        return ok(title, f"trusts the authority by {', '.join(trusted)}")
    node = CERTIFICATE in variables.values()
    if node and any(environment.get(name) not in (None, "", "0") for name in _SYSTEM_STORE) and _in_system(authority):
        return ok(title, "trusts the authority by the system's store")
    wrong = [name for name in files if name in environment and name not in trusted]
    missing = ", ".join(name for name in files if name not in trusted)
    why = f"{', '.join(wrong)} names a file without our certificate" if wrong else f"{missing} is not set"
    advice = f'headroom-mitm run -- {client}, or eval "$(headroom-mitm env --client {client})"'
    if not (environment.get("HTTPS_PROXY") or environment.get("https_proxy")):
        return ok(title, f"is not led to the proxy in this shell. {advice}")
    if client in _GENERAL:
        return warning(title, f"would not trust LLM hosts behind the proxy: {why}", advice)
    return problem(title, f"would not trust the authority: {why}", advice)


def _java(environment: Mapping[str, str]) -> Finding:
    options = " ".join(environment.get(name, "") for name in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"))
    if "javax.net.ssl.trustStore" in options:
        return ok("Java", "has a trust store of its own; whether the authority is in it, keytool -list tells")
    advice = "for clients in Java: keytool -importcert -cacerts -alias headroom-mitm -file $(headroom-mitm ca --path)"
    return ok("Java", f"reads neither these variables nor the proxy's. {advice}")


def _system(authority: Authority) -> Finding:
    if _in_system(authority):
        return ok("system's store", "has the authority: see certs/README.md for how to take it out")
    return ok("system's store", "does not have the authority, and need not: clients are told by variables")


def _in_system(authority: Authority) -> bool:
    return any(holds(Path(file), authority) for file in SYSTEM_ROOTS)


def _claude_settings(file: Path) -> Iterator[Finding]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    variables = found.get("env") if isinstance(found, dict) else None
    told = {str(name): str(value) for name, value in variables.items()} if isinstance(variables, dict) else {}
    for setting, reason in other_servers(told):
        yield warning("Claude Code's settings", f"{file}: {setting}: {reason}", "take it out where it is not meant")
    if "NODE_EXTRA_CA_CERTS" in told:
        said = f"{file}: NODE_EXTRA_CA_CERTS has no effect there"
        yield warning("Claude Code's settings", said, "set it before the client starts: headroom-mitm env")


def _codex_settings(file: Path) -> Iterator[Finding]:
    try:
        found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    providers = found.get("model_providers")
    for name, provider in providers.items() if isinstance(providers, dict) else ():
        url = provider.get("base_url") if isinstance(provider, dict) else None
        for _, reason in other_servers({"OPENAI_BASE_URL": str(url)} if url else {}):
            yield warning("Codex's settings", f"{file}: {name}: {url}: {reason}", "see headroom_hosts")


def _bare(body: str) -> str:
    return "".join(body.split())
