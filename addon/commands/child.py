"""The environment of one child that is to use the proxy: its own, and what its kind of client needs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from headroom_mitm.certificates import Authority
from headroom_mitm.commands.clients import CLIENTS, variables_for
from headroom_mitm.commands.routes import other_servers, past_the_proxy, without
from headroom_mitm.hosts import Host

_PYTHON = re.compile(r"(python|pypy)[0-9.]*|uv|uvx|pipx|poetry|ipython|jupyter.*")
_REPLACED_SAFELY = ("HTTPS_PROXY", "NO_PROXY")
"""Variables that do not name files of certificates."""


@dataclass(slots=True)
class Environment:
    """Variables of a child, and what its user should know."""

    variables: dict[str, str]
    notes: list[str] = field(default_factory=list)
    certificates: dict[str, tuple[Path, Path]] = field(default_factory=dict)
    """Variables that named a file of the user's already: that file, and ours. The child needs both in one."""


def client_of(program: str) -> str | None:
    """Return which of the known clients a program is, by its name."""
    name = PurePath(program.replace("\\", "/")).name.lower()
    name = re.sub(r"\.(exe|cmd|bat|ps1|js)$", "", name)
    if name in CLIENTS:
        return name
    return "python" if _PYTHON.fullmatch(name) else None


def environment_for(
    client: str | None, base: Mapping[str, str], proxy: str, authority: Authority, extra: Sequence[Host] = ()
) -> Environment:
    """Return what a child gets; of a program that is not known, what any of the clients needs."""
    names = [client] if client else [name for name in CLIENTS if name != "opencode"]
    ours = {name: value for each in names for name, value in variables_for(each, proxy, authority).items()}
    found = Environment(dict(base))
    for name, value in ours.items():
        known = base.get(name, "")
        if name not in _REPLACED_SAFELY and known and Path(known) not in (Path(value), authority.bundle):
            found.certificates[name] = (Path(known), Path(value))
        found.variables[name] = value
    _set_no_proxy(found, base, ours.get("NO_PROXY", ""))
    for name in ("https_proxy",):
        if name in base:  # many clients read it first
            found.variables[name] = proxy
    found.notes += [f"{setting}: {reason}" for setting, reason in other_servers(base, extra)]
    return found


def _set_no_proxy(found: Environment, base: Mapping[str, str], needed: str) -> None:
    """Keep the user's exceptions but those that would lead LLM traffic past the proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        if name not in base:
            continue
        past = past_the_proxy(base[name])
        if past:
            found.notes.append(f"{name} excepts {', '.join(past)} from every proxy: left out for this command")
        kept = without(base[name], past)
        found.variables[name] = ",".join(part for part in (kept, needed) if part)
