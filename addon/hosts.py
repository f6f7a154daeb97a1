"""Which requests are prompts: the table of hosts and paths, and what follows from it for interception and certificates.

A request is a prompt if host AND path say so; all else on these hosts passes untouched, and all other hosts are not
decrypted. Figures and addresses move: this table is the only place that knows them.
"""

import functools
import ipaddress
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

ANY_PORT = 0
PRESENCE_HOST = "headroom.localhost"
"""Where a proxy of ours answers itself."""
ANTHROPIC, CHAT, RESPONSES, GEMINI = "anthropic_messages", "openai_chat", "openai_responses", "gemini_generate"


@dataclass(frozen=True, slots=True)
class Host:
    """One row: requests to this host whose path matches are prompts in this format."""

    pattern: str
    """A name in lower case, or an address; ``*.`` in front stands for one more label."""
    path: re.Pattern[str]
    """Of the whole path, without the query."""
    wire: str
    port: int = 443
    """Or ``ANY_PORT``."""


def _rows(patterns: str, paths: dict[str, str], port: int = 443) -> tuple[Host, ...]:
    """Return a row for each of the patterns (parted by spaces) and each format with the paths it has there."""
    compiled = {wire: re.compile(path) for wire, path in paths.items()}
    return tuple(Host(pattern, path, wire, port) for pattern in patterns.split() for wire, path in compiled.items())


_GENERATE = r"models/[^/:]+:(?:generateContent|streamGenerateContent)"
_OPENAI = {CHAT: r"/v1/chat/completions", RESPONSES: r"/v1/responses"}
_AZURE = {
    CHAT: r"/openai/deployments/[^/]+/chat/completions|/openai/v1/chat/completions|/models/chat/completions",
    RESPONSES: r"/openai/(?:v1/)?responses",
    ANTHROPIC: r"/anthropic/v1/messages",
}
# Anthropic's models on Vertex take the Messages body; the model's name is in the path instead.
_VERTEX = {
    GEMINI: rf"/v1[a-z0-9]*/(?:projects/[^/]+/locations/[^/]+/)?publishers/google/{_GENERATE}",
    ANTHROPIC: r"/v1[a-z0-9]*/projects/[^/]+/locations/[^/]+/publishers/anthropic/models/claude[^/:]*"
    r":(?:rawPredict|streamRawPredict)",
}
_VERTEX_REGIONS = (
    "africa-south1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2 "
    "asia-southeast1 asia-southeast2 australia-southeast1 australia-southeast2 europe-central2 europe-north1 "
    "europe-southwest1 europe-west1 europe-west2 europe-west3 europe-west4 europe-west6 europe-west8 europe-west9 "
    "europe-west12 me-central1 me-central2 me-west1 northamerica-northeast1 northamerica-northeast2 "
    "southamerica-east1 southamerica-west1 us-central1 us-east1 us-east4 us-east5 us-south1 us-west1 us-west2 "
    "us-west3 us-west4"
)

HOSTS: tuple[Host, ...] = (
    *_rows("api.anthropic.com", {ANTHROPIC: r"/v1/messages"}),
    *_rows("api.openai.com", _OPENAI),
    *_rows("chatgpt.com", {RESPONSES: r"/backend-api/codex/responses"}),
    *_rows(
        "generativelanguage.googleapis.com",
        {GEMINI: rf"/v1[a-z0-9]*/{_GENERATE}", CHAT: r"/v1[a-z0-9]*/openai/chat/completions"},
    ),
    *_rows("cloudcode-pa.googleapis.com", {GEMINI: r"/v1internal:(?:generateContent|streamGenerateContent)"}),
    # Regions are spelt out: a name constraint cannot say "*-aiplatform", and all of googleapis.com would be too much.
    *_rows("aiplatform.googleapis.com aiplatform.us.rep.googleapis.com aiplatform.eu.rep.googleapis.com", _VERTEX),
    *_rows(" ".join(f"{region}-aiplatform.googleapis.com" for region in _VERTEX_REGIONS.split()), _VERTEX),
    *_rows(
        "openrouter.ai",
        {
            CHAT: r"/api/v1/chat/completions",
            RESPONSES: r"/api/v1/responses",
            ANTHROPIC: r"/api/v1/messages",
        },
    ),
    *_rows("*.openai.azure.com *.cognitiveservices.azure.com *.services.ai.azure.com", _AZURE),
    *_rows("api.groq.com", {CHAT: r"/openai/v1/chat/completions", RESPONSES: r"/openai/v1/responses"}),
    *_rows("api.mistral.ai codestral.mistral.ai", {CHAT: r"/v1/chat/completions"}),
    *_rows(
        "api.deepseek.com",
        {CHAT: r"/(?:v1/|beta/)?chat/completions", ANTHROPIC: r"/anthropic/v1/messages"},
    ),
    *_rows("api.x.ai", {**_OPENAI, ANTHROPIC: r"/v1/messages"}),
    *_rows("api.together.xyz api.together.ai", {CHAT: r"/v1/chat/completions"}),
    *_rows(
        "api.fireworks.ai",
        {
            CHAT: r"/inference/v1/chat/completions",
            RESPONSES: r"/inference/v1/responses",
            ANTHROPIC: r"/inference/v1/messages",
        },
    ),
    *_rows(
        "api.githubcopilot.com api.individual.githubcopilot.com api.business.githubcopilot.com "
        "api.enterprise.githubcopilot.com",
        {CHAT: r"/(?:v1/)?chat/completions", RESPONSES: r"/(?:v1/)?responses", ANTHROPIC: r"/v1/messages"},
    ),
    # Ollama, local and without TLS.
    *_rows("localhost 127.0.0.1", {**_OPENAI, ANTHROPIC: r"/v1/messages"}, port=11434),
    # Decrypted to be answered by ourselves; no path of it is a prompt.
    Host(PRESENCE_HOST, re.compile(r"(?!)"), ANTHROPIC),
)

_TAKE_CACHE_KEYS = ("api.openai.com",)
"""Hosts that know ``prompt_cache_key``. Azure is none: for models of others it answers 400 to it (November 2026)."""

# How the paths end on a host that only the user knows.
_ENDINGS: dict[str, re.Pattern[str]] = {
    ANTHROPIC: re.compile(r"(?:/.*)?/v1/messages"),
    CHAT: re.compile(r"(?:/.*)?/chat/completions"),
    RESPONSES: re.compile(r"(?:/.*)?/responses"),
    GEMINI: re.compile(rf"(?:/.*)?/{_GENERATE}"),
}
_MODEL = re.compile(r"/(?:models|deployments)/([^/:]+)")
_KEPT = re.compile(r"(.+?)/([^/]+)(?:/input_items)?")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?"
_OPTION = re.compile(
    rf"(?P<host>\[[0-9a-f:.]+\]|(?:\*\.)?{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>[0-9]{{1,5}}))?(?:=(?P<wire>[a-z_]+))?"
)
_FORMS = f"host, host:port, *.domain, or one of these with =format; formats: {', '.join(_ENDINGS)}"


def detect(host: str, port: int, method: str, path: str, extra: Sequence[Host] = ()) -> str | None:
    """Return the name of the format of a request, or None if it is no prompt. The query in ``path`` does not matter."""
    if method != "POST":
        return None
    host = host.rstrip(".").lower()
    bare = path.partition("?")[0]
    rows = (*_rows_of(host, port, extra), *_known_rows(host, port))
    return next((row.wire for row in rows if row.path.fullmatch(bare)), None)


def answer_named(host: str, port: int, path: str, extra: Sequence[Host] = ()) -> str:
    """Return the id of the kept answer that a path names, or whose input it names; empty where it names none."""
    match = _KEPT.fullmatch(path.partition("?")[0])
    is_kept = match is not None and detect(host, port, "POST", match[1], extra) == RESPONSES
    return match[2] if match is not None and is_kept else ""


def model_in(path: str) -> str:
    """Return the model or deployment that a path names, as at Google and Azure; empty where only the body does."""
    match = _MODEL.search(path.partition("?")[0])
    return match[1] if match else ""


def is_streamed_by(path: str) -> bool:
    """Say whether a path asks for a stream; elsewhere the body does."""
    return path.partition("?")[0].endswith((":streamGenerateContent", ":streamRawPredict"))


def takes_cache_key(host: str) -> bool:
    """Say whether a host is known to take a key by which requests of a conversation meet the same cache."""
    return host.rstrip(".").lower() in _TAKE_CACHE_KEYS


def parse_hosts(texts: Sequence[str]) -> tuple[Host, ...]:
    """Return the rows that an option's values stand for; ``ValueError`` names the right forms.

    ``host`` or ``*.domain`` takes every path that ends as a known one, on any port; ``:port`` and ``=format``
    narrow it.
    """
    return tuple(row for text in texts for row in _parsed(text))


def allow_hosts_patterns(hosts: Sequence[Host]) -> list[str]:
    """Return regular expressions for mitmproxy's ``allow_hosts``, which it searches for in ``host:port``.

    One for each port: mitmproxy copies the list, and searches for each of its entries, several times a connection.
    """
    names: dict[int, dict[str, None]] = {}
    for row in hosts:
        names.setdefault(row.port, {})[_host_regex(row.pattern).pattern] = None
    ports = {ANY_PORT: r"\d+"}
    return [rf"^{_either(found)}\.?:{ports.get(port, port)}$" for port, found in names.items()]


def domains(hosts: Sequence[Host]) -> list[str]:
    """Return the names for a certificate's permitted DNS subtrees: each allows itself and what is below it."""
    names = (row.pattern.removeprefix("*.") for row in hosts if not _is_address(row.pattern))
    return list(dict.fromkeys(names))


def addresses(hosts: Sequence[Host]) -> list[str]:
    """Return the hosts that are IP addresses: a certificate constrains them apart from names."""
    return list(dict.fromkeys(row.pattern for row in hosts if _is_address(row.pattern)))


def _either(patterns: Collection[str]) -> str:
    return f"(?:{'|'.join(patterns)})" if len(patterns) > 1 else "".join(patterns)


@functools.lru_cache(maxsize=256)
def _known_rows(host: str, port: int) -> Sequence[Host]:
    return _rows_of(host, port, HOSTS)


def _rows_of(host: str, port: int, rows: Sequence[Host]) -> Sequence[Host]:
    return [row for row in rows if row.port in (ANY_PORT, port) and _host_regex(row.pattern).fullmatch(host)]


@functools.cache
def _host_regex(pattern: str) -> re.Pattern[str]:
    rest = pattern.removeprefix("*.")
    return re.compile(re.escape(rest) if rest == pattern else rf"[a-z0-9_-]+\.{re.escape(rest)}")


def _parsed(text: str) -> Iterator[Host]:
    match = _OPTION.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"not a host: {text!r}. Right are {_FORMS}")
    port, wire = int(match["port"] or ANY_PORT), match["wire"]
    if port > 65535 or match["port"] == "0":
        raise ValueError(f"not a port: {text!r}. Right are {_FORMS}")
    if wire is not None and wire not in _ENDINGS:
        raise ValueError(f"not a format: {wire!r} in {text!r}. Right are {_FORMS}")
    for name, path in _ENDINGS.items():
        if wire in (None, name):
            yield Host(match["host"].strip("[]"), path, name, port)


def _is_address(pattern: str) -> bool:
    try:
        ipaddress.ip_address(pattern)
    except ValueError:
        return False
    return True
