"""An answer passes as it came, whatever is heard of it; what a flow is told says what is known, and no more."""

import asyncio
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow
from sample_conversations import ANTHROPIC, asked, body

from headroom_mitm.ledger_figures import AUDIT, CHANGED, HOLDOUT
from headroom_mitm.metering import MOST_OPEN, Metering, comment
from headroom_mitm.pipeline import Outcome, Policy
from headroom_mitm.service import Service

EVENTS = b'data: {"type": "message_start", "message": {"usage": {"input_tokens": 7}}}\n\ndata: {}\n\n'
FIGURES = {
    "format": "anthropic_messages",
    "provider": "anthropic",
    "model": "claude-sonnet-4-5",
    "arm": CHANGED,
    "prompt_before": 41_200,
    "prompt_after": 12_900,
    "texts_before": 900,
    "texts_after": 800,
    "cache": 0.96,
    "saved": 0.0311,
    "retrieved": ["a", "b"],
}
COMMENTS = {
    "all": ({}, "anthropic claude-sonnet-4-5 · 41.2k -> 12.9k tok · cache 96 % · $0.031 saved · 2 retrieved"),
    "lost": (
        {"saved": -0.0049, "retrieved": []},
        "anthropic claude-sonnet-4-5 · 41.2k -> 12.9k tok · cache 96 % · -$0.005 saved",
    ),
    "no price": (
        {"provider": None, "saved": None, "retrieved": []},
        "anthropic_messages claude-sonnet-4-5 · 41.2k -> 12.9k tok · cache 96 %",
    ),
    "no usage": (
        {"prompt_before": None, "prompt_after": None, "cache": None, "saved": None, "retrieved": []},
        "anthropic claude-sonnet-4-5 · 900 -> 800 tok of results",
    ),
    "audit": (
        {"arm": AUDIT, "retrieved": []},
        "anthropic claude-sonnet-4-5 · 41.2k -> 12.9k tok · cache 96 % · audit, nothing changed",
    ),
    "holdout": (
        {"arm": HOLDOUT, "retrieved": []},
        "anthropic claude-sonnet-4-5 · 41.2k -> 12.9k tok · cache 96 % · held out",
    ),
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(str(tmp_path / "store.db"))
    yield service
    service.close()


@pytest.fixture
def metering(service: Service) -> Metering:
    return Metering(lambda _: service)


def begun(metering: Metering, encoding: str = "") -> http.HTTPFlow:
    """Return the flow of a prompt that has left, and whose answer begins."""
    flow = tflow.tflow(resp=True)
    assert flow.response is not None
    flow.response.headers["content-encoding"] = encoding
    prompt = ANTHROPIC.read(body(asked()))
    metering.begin(flow, "anthropic_messages", Policy(), Outcome(prompt.body, prompt))
    return flow


@pytest.mark.parametrize(
    ("encoding", "data"),
    [("", EVENTS), ("gzip", gzip.compress(EVENTS)), ("gzip", b"damaged")],
    ids=["plain", "compressed", "damaged"],
)
def test_pieces_pass_as_they_came(metering: Metering, encoding: str, data: bytes) -> None:
    """Also where they cannot be read. An empty one would end the body, so none is passed on."""
    passing = metering.passing(begun(metering, encoding))
    assert callable(passing)
    pieces = [data[at : at + 5] for at in range(0, len(data), 5)]
    assert [passing(piece) for piece in pieces] == [[piece] for piece in pieces]
    assert passing(b"") == []


def test_what_cannot_be_heard_is_let_through(metering: Metering) -> None:
    assert metering.passing(begun(metering, "unheard-of")) is True
    assert metering.passing(tflow.tflow(resp=True)) is True


def test_without_a_service_nothing_is_followed() -> None:
    metering = Metering(lambda _: None)
    flow = begun(metering)
    assert metering.passing(flow) is True
    metering.over(flow)


@pytest.mark.parametrize(("begins", "counted"), [(True, 1), (False, 0)], ids=["begun", "never begun"])
def test_an_answer_ends_once(tmp_path: Path, *, begins: bool, counted: int) -> None:
    """Whatever the proxy says of its end, and however often."""
    store = str(tmp_path / "store.db")

    async def ends() -> None:
        service = Service(store)
        metering = Metering(lambda _: service)
        flow = begun(metering)
        if not begins:
            flow.response = None
        metering.over(flow)
        metering.over(flow)
        metering.over_in_socket(flow, "")
        metering.forget(flow)
        service.close()

    asyncio.run(ends())
    service = Service(store)
    assert service.ledger.report().totals.requests == counted
    service.close()


def test_what_never_ends_is_bounded(metering: Metering) -> None:
    prompt = ANTHROPIC.read(body(asked()))
    flow = tflow.tflow(resp=True)
    for number in range(MOST_OPEN + 5):
        metering.begin(flow, "openai_responses", Policy(), Outcome(prompt.body, prompt), str(number))
    assert len(metering._open) == MOST_OPEN
    metering.forget(flow)
    assert not metering._open


@pytest.mark.parametrize(("change", "line"), COMMENTS.values(), ids=COMMENTS)
def test_a_comment_says_what_is_known(change: dict[str, Any], line: str) -> None:
    assert comment(FIGURES | change) == line
