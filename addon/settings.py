"""mitmproxy's options become one frozen object; apart from the command line, no other file reads the environment."""

import enum
import logging
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from mitmproxy import exceptions, optmanager
from mitmproxy.addonmanager import Loader

from headroom_mitm.compressors import Level
from headroom_mitm.hosts import Host, parse_hosts
from headroom_mitm.store.key_file import KeyFile
from headroom_mitm.store.sealing import Keys

_SERVER = "mcp:"
"""What stands before the name of an MCP server in ``headroom_exclude``."""

logger = logging.getLogger(__name__)

Choice = TypeVar("Choice", bound=enum.StrEnum)


class Mode(enum.StrEnum):
    """What is done to requests with an API key."""

    COMPRESS = "compress"
    LOSSLESS = "lossless"
    AUDIT = "audit"
    OFF = "off"


class Subscription(enum.StrEnum):
    """What is done to requests with a subscription login."""

    AUDIT = "audit"
    COMPRESS = "compress"
    OFF = "off"


class Ttl(enum.StrEnum):
    """How long markers of ours for Anthropic's cache last."""

    KEEP = "keep"
    AUTO = "auto"


class Metrics(enum.StrEnum):
    """Whether the page has ``/metrics``."""

    OFF = "off"
    ON = "on"


class Stabilize(enum.StrEnum):
    """Whether tools are put in order."""

    OFF = "off"
    ON = "on"


@dataclass(frozen=True, slots=True)
class Option:
    """One option, as ``--set``, the configuration file, mitmweb's page and the README show it."""

    name: str
    type: Any
    default: Any
    help: str


OPTIONS: tuple[Option, ...] = (
    Option(
        "headroom_mode",
        str,
        Mode.COMPRESS.value,
        "compress | lossless (no tool, nothing is left out) | audit (measures, changes nothing) | off.",
    ),
    Option(
        "headroom_store",
        str,
        "",
        "Where originals and decisions are kept: a path, or redis://host:port/db (or rediss, redis+sentinel, "
        "redis+cluster). Empty: store.sqlite in ~/.headroom.",
    ),
    Option(
        "headroom_hosts",
        Sequence[str],
        [],
        "Further LLM hosts: host, or host=format (anthropic_messages, openai_chat, openai_responses, gemini_generate).",
    ),
    Option(
        "headroom_exclude",
        Sequence[str],
        [],
        "Tools (names or patterns), MCP servers (mcp:github) and kinds (such as log_lines) that stay as they are.",
    ),
    Option(
        "headroom_levels",
        Sequence[str],
        [],
        "Levels that are not learnt: name=level, for a tool, program (Bash:git log) or kind. See Levels.",
    ),
    Option(
        "headroom_subscription",
        str,
        Subscription.AUDIT.value,
        "Subscription logins: audit (measures, changes nothing) | compress | off. API keys are not concerned.",
    ),
    Option(
        "headroom_deadline",
        str,
        "2",
        "Seconds after which new texts that are not ready go out as they came.",
    ),
    Option(
        "headroom_holdout",
        str,
        "0",
        "Share of the conversations that are left as they are, 0 to 0.5, to measure what is saved of the others.",
    ),
    Option(
        "headroom_ttl",
        str,
        Ttl.KEEP.value,
        "Our cache markers, where the client sets none: keep (5 minutes) | auto (1 hour where pauses make it pay).",
    ),
    Option(
        "headroom_stabilize",
        str,
        Stabilize.OFF.value,
        "off | on: tools leave by name, their keys in order, for clients that shuffle them. Set it before a session.",
    ),
    Option(
        "headroom_log",
        str,
        "",
        "A file that gets a line of JSON for each request, in OpenTelemetry's names, without any text. Empty: none.",
    ),
    Option(
        "headroom_metrics",
        str,
        Metrics.OFF.value,
        "off | on: the page has /metrics, figures for Prometheus.",
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user can choose."""

    mode: Mode
    store: str
    hosts: tuple[Host, ...]
    """Further hosts, beside the table's."""
    exclude: tuple[str, ...]
    levels: Mapping[str, Level]
    """How hard texts are pressed, by tool, program or kind; of others it is learnt."""
    subscription: Subscription
    deadline: float
    """Seconds."""
    ttl: Ttl
    stabilize: Stabilize
    metrics: Metrics
    log: Path | None
    holdout: float = 0.0
    """Share of conversations."""

    def excludes(self, name: str) -> bool:
        """Say whether the user wants results of this tool, or texts of this kind, left alone."""
        return any(
            _is_of_server(name, one) if one.startswith(_SERVER) else fnmatchcase(name, one) for one in self.exclude
        )


def _is_of_server(tool: str, server: str) -> bool:
    """Say whether a tool is one of an MCP server's, as clients name them: mcp__server__tool, server__tool and alike."""
    name = re.escape(server.removeprefix(_SERVER))
    return re.match(rf"(?:mcp_{{1,2}})?{name}(?:__|[_.:/])(?!$)", tool, re.IGNORECASE) is not None


def home() -> Path:
    """Return the folder of our own: ``$HEADROOM_HOME``, else ``~/.headroom``."""
    return Path(os.environ.get("HEADROOM_HOME") or "~/.headroom").expanduser()


def key_file(store: str) -> KeyFile:
    """Return the file with the keys of a store. Where there is no store yet, what is not sealed will not be ours."""
    is_new = "://" not in store and not Path(store).expanduser().exists()
    return KeyFile(home() / "store.key", sealed_only=is_new)


def are_heaps_chosen() -> bool:
    """Say whether the C library was told how many heaps threads may have."""
    return "MALLOC_ARENA_MAX" in os.environ or "arena_max" in os.environ.get("GLIBC_TUNABLES", "")


def has_own_keys() -> bool:
    """Say whether the keys are in our file, not in the environment."""
    return not os.environ.get("HEADROOM_KEY", "").strip()


def keys(store: str) -> Callable[[], Keys]:
    """Return the keys of a store: those in ``$HEADROOM_KEY``, which workers on one server share, else our file's.

    Raises ``OptionsError`` if the variable holds none.
    """
    if has_own_keys():
        if store.startswith("redis"):
            logger.warning(
                "headroom: what is kept on the server is sealed with a key of this machine: workers on others need the "
                "same one, as HEADROOM_KEY (`headroom-mitm key new` prints one), or they take it for lost"
            )
        return key_file(store)
    given = os.environ["HEADROOM_KEY"]
    try:
        parsed = Keys.parse(given)
    except ValueError as error:
        raise exceptions.OptionsError(f"HEADROOM_KEY: {error}; `headroom-mitm key new` prints one") from None
    return lambda: parsed


def clock() -> Callable[[], float]:
    """Return the clock: the system's, or for tests and benches a file that ``$HEADROOM_CLOCK_FILE`` names.

    It holds seconds as text. As long as it holds none, the system's time counts.
    """
    name = os.environ.get("HEADROOM_CLOCK_FILE")
    if not name:
        return time.time
    path = Path(name)

    def told() -> float:
        try:
            return float(path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return time.time()

    return told


def declare(loader: Loader) -> None:
    """Tell mitmproxy our options."""
    for option in OPTIONS:
        loader.add_option(option.name, option.type, option.default, option.help)


def read(options: optmanager.OptManager) -> Settings:
    """Return the settings; raise ``OptionsError`` that names the right values where one is wrong."""
    return Settings(
        mode=_choice(Mode, "headroom_mode", options.headroom_mode),
        store=options.headroom_store or str(home() / "store.sqlite"),
        hosts=_hosts(options.headroom_hosts),
        exclude=tuple(options.headroom_exclude),
        levels=_levels(options.headroom_levels),
        subscription=_choice(Subscription, "headroom_subscription", options.headroom_subscription),
        deadline=_seconds("headroom_deadline", options.headroom_deadline),
        ttl=_choice(Ttl, "headroom_ttl", options.headroom_ttl),
        stabilize=_choice(Stabilize, "headroom_stabilize", options.headroom_stabilize),
        log=_path("headroom_log", options.headroom_log),
        metrics=_choice(Metrics, "headroom_metrics", options.headroom_metrics),
        holdout=_share("headroom_holdout", options.headroom_holdout),
    )


def _choice(kind: type[Choice], name: str, text: str) -> Choice:
    try:
        return kind(text)
    except ValueError:
        raise exceptions.OptionsError(f"{name}: {text!r} is none of {', '.join(kind)}") from None


def _hosts(texts: Sequence[str]) -> tuple[Host, ...]:
    try:
        return parse_hosts(texts)
    except ValueError as error:
        raise exceptions.OptionsError(f"headroom_hosts: {error}") from None


def _levels(texts: Sequence[str]) -> dict[str, Level]:
    found: dict[str, Level] = {}
    for text in texts:
        name, separator, level = text.rpartition("=")
        if not (separator and name) or level.upper() not in Level.__members__:
            names = ", ".join(level.name.lower() for level in Level)
            raise exceptions.OptionsError(f"headroom_levels: {text!r} is no name=level; levels: {names}")
        found[name] = Level[level.upper()]
    return found


def _path(name: str, text: str) -> Path | None:
    try:
        return Path(text).expanduser() if text else None
    except RuntimeError:
        raise exceptions.OptionsError(f"{name}: {text!r} begins with the name of nobody here") from None


def _share(name: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 0.5:
        raise exceptions.OptionsError(f"{name}: {text!r} is no share from 0 to 0.5, such as 0.1")
    return share


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 60:
        raise exceptions.OptionsError(
            f"{name}: {text!r} is no number of seconds above 0 and up to 60, such as 2 or 0.5"
        )
    return seconds
