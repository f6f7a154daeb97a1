"""The ledger's figures as Prometheus reads them. Opt-in: see the option ``headroom_metrics``."""

from collections.abc import Iterable, Iterator, Mapping

from headroom_mitm.ledger import Report, Sums

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_KINDS = ("fresh", "read", "write_5m", "write_1h", "output")


def exposition(report: Report, version: str) -> str:
    """Return the figures of all days that are kept, as text."""
    return "".join(f"{line}\n" for line in _lines(report, version))


def _lines(report: Report, version: str) -> Iterator[str]:
    yield from _metric("headroom_info", "gauge", "Version of headroom-mitm.", [({"version": version}, 1)])
    models = report.by_model.items()
    yield from _metric("headroom_requests_total", "counter", "Requests.", _by_model(models, "requests"))
    yield from _metric("headroom_legs_total", "counter", "Rounds with the provider.", _by_model(models, "legs"))
    yield from _metric("headroom_retrieved_total", "counter", "Texts models asked for.", _by_model(models, "retrieved"))
    tokens = [({"model": name, "kind": kind}, getattr(sums, kind)) for name, sums in models for kind in _KINDS]
    yield from _metric("headroom_tokens_total", "counter", "Tokens, as providers reported them.", tokens)
    results = [
        ({"tool": name, "side": side}, getattr(one, side))
        for name, one in report.by_tool.items()
        for side in ("before", "after")
    ]
    yield from _metric("headroom_result_tokens_total", "counter", "Tokens of tool results, estimated.", results)
    priced = [(name, sums) for name, sums in models if sums.priced]  # of others it is unknown, not 0
    yield from _metric("headroom_paid_dollars_total", "counter", "Dollars, measured.", _by_model(priced, "paid"))
    help_ = "Dollars the same would have cost without us, estimated."
    yield from _metric("headroom_without_dollars_total", "counter", help_, _by_model(priced, "without"))


def _by_model(models: Iterable[tuple[str, Sums]], name: str) -> list[tuple[Mapping[str, str], float]]:
    return [({"model": model}, getattr(sums, name)) for model, sums in models]


def _metric(name: str, kind: str, help_: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> Iterator[str]:
    yield f"# HELP {name} {help_}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
