"""Options, keys, certificates and logs of clients as nobody would write them."""

import json
import random
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mutations
from mitmproxy import exceptions

from headroom_mitm import certificates, credentials, hosts, settings
from headroom_mitm.audit.measuring import Auditor
from headroom_mitm.audit.reading import Reader
from headroom_mitm.journal import Journal
from headroom_mitm.store import open_store
from headroom_mitm.store.sealing import Keys

_OPTIONS = (
    "on",
    "off",
    "audit",
    "compress",
    "x=hard",
    "=",
    "a=b=light",
    "0.5",
    "nan",
    "inf",
    "-1",
    "1e999",
    "mcp:",
    "*",
)
_HOSTS = (
    "a.b",
    "*.a.b",
    "[::1]:9",
    "a:0",
    "a:99999",
    "a=openai_chat",
    "a=x",
    "127.0.0.1:11434=gemini_generate",
    "*",
    "",
)
_URLS = (
    "redis://",
    "rediss://u:p@h:1/0",
    "redis+sentinel://a:1,b:2/s",
    "redis+cluster://a:x",
    "sqlite:///a",
    "file:///a",
)
_AGENTS = ("Bearer sk-ant-oat01", "Bearer", "", "\udcff", "Basic eDp5")

_LOGS = [path.read_bytes().splitlines() for path in sorted((Path(__file__).parent / "client_logs").iterdir())]


class _Options:
    """What ``settings.read`` looks at."""

    def __init__(self, chosen: Mapping[str, Any]) -> None:
        self.__dict__.update(chosen)


def chosen(rng: random.Random) -> None:
    """An option is understood or refused by name, whatever stands in it."""
    picked: dict[str, Any] = {}
    for option in settings.OPTIONS:
        words = [rng.choice((*_OPTIONS, *_HOSTS, mutations.text(rng, 4))) for _ in range(rng.randint(0, 3))]
        usual = option.default if rng.random() < 0.6 else words[0] if words else ""
        picked[option.name] = usual if isinstance(option.default, str) else words if rng.random() < 0.5 else []
    with suppress(exceptions.OptionsError):
        read = settings.read(_Options(picked))  # type: ignore[arg-type]
        read.excludes(mutations.text(rng, 2))
        assert 0 < read.deadline <= 60
        assert 0 <= read.holdout <= 0.5
    with suppress(ValueError):
        open_store(rng.choice((*_URLS, mutations.text(rng, 5))) + rng.choice(("", mutations.text(rng, 2)))).close()
    with suppress(ValueError):
        Keys.parse(mutations.text(rng))


def prompts(rng: random.Random) -> None:
    """Of any host and path it is known whether they are prompts; of any credential, whether it is a login's."""
    path = rng.choice(("/v1/messages", "/v1/responses?x=1", "/v1beta/models/a:generateContent", mutations.text(rng, 6)))
    host = rng.choice(("api.anthropic.com", "API.openai.com.", "evil-api.openai.com", "[::1]", mutations.text(rng, 3)))
    found = hosts.detect(host, rng.choice((443, 80, 0, 99_999)), rng.choice(("POST", "GET", "")), path, ())
    assert found is None or host.lower().rstrip(".") in {"api.anthropic.com", "api.openai.com"}
    headers = {"authorization": rng.choice((*_AGENTS, mutations.text(rng, 4))), "x-api-key": mutations.text(rng, 2)}
    credentials.is_subscription(host, headers)
    with suppress(UnicodeEncodeError):  # mitmproxy gives no such headers
        headers["x-api-key"].encode("utf-8", "surrogateescape")
        headers["authorization"].encode("utf-8", "surrogateescape")
        credentials.account(headers)


def logs(rng: random.Random) -> None:
    """A client's log is read as far as it goes; a line that is none is left out."""
    lines = rng.choice(_LOGS)
    spoilt = [mutations.mutated_json(rng, line) if rng.random() < 0.3 else line for line in lines]
    raw = b"\n".join(spoilt)
    if rng.random() < 0.4:
        raw = mutations.mutated(rng, raw, lines, mutations.TOKENS, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        path.write_bytes(raw)
        auditor = Auditor(Path(folder))
        for recording in Reader().read(path):
            auditor.measured(recording)
        auditor.close()


def authorities(rng: random.Random) -> None:
    """A key file that holds something else is said to."""
    with tempfile.TemporaryDirectory() as folder:
        name = Path(folder) / certificates.KEY_FILE
        pem = _pem()
        name.write_bytes(mutations.mutated(rng, pem, [pem], [*mutations.TOKENS, b"-----BEGIN CERTIFICATE-----\n"], 3))
        with suppress(OSError, ValueError):
            certificates.load(Path(folder)).uncovered(["api.anthropic.com", "::1", mutations.text(rng, 2) or "x"])
        certificates.is_constrained(Path(folder))
        with suppress(OSError, ValueError):
            certificates.uncovered_hosts(Path(folder), ["api.anthropic.com"])


def _pem() -> bytes:
    if not _PEM:
        _PEM.append(certificates._new_key_file(["api.anthropic.com", "127.0.0.1"], datetime(2026, 1, 2, tzinfo=UTC)))
    return _PEM[0]


_PEM: list[bytes] = []


def journal(rng: random.Random) -> None:
    """A line of the journal is one line of JSON, whatever stands in a request's figures."""
    usage = {name: rng.randint(0, 9) for name in ("fresh", "read", "write_5m", "write_1h", "output")}
    names = ("provider", "model", "conversation", "client")
    money = {name: float(rng.choice(("nan", "inf", "1"))) for name in ("paid", "without", "saved")}
    figures = {
        **{name: mutations.text(rng, 4) for name in names},
        **{name: mutations.value(rng) for name in ("arm", "texts_before", "texts_after", "legs", "caching")},
        **money,
        "retrieved": [],
        "usage": rng.choice((usage, None)),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        Journal(path).note(figures, 1_800_000_000.0)
        [line] = path.read_bytes().split(b"\n")[:-1]
        json.loads(line, parse_constant=_no_json)


def _no_json(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")
