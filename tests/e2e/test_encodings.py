"""Clients may compress their requests; what reaches the provider is the same."""

import gzip
from collections.abc import Callable

import brotli
import pytest
import zstandard
from client import Connect
from conversations import history, request, results_of, rows
from provider import Provider
from proxy import Start

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "identity": lambda body: body,
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_large_result_is_shortened_whatever_the_coding(
    provider: Provider, start: Start, connect: Connect, coding: str
) -> None:
    body = request(history(rows(300)))
    connect(start()).post("/v1/messages", CODINGS[coding](body), {"content-encoding": coding})
    received = provider.received[0]
    assert provider.refused == []
    assert len(results_of(received.json)["toolu_0"]) < len(rows(300)) * 0.8


@pytest.mark.parametrize("coding", CODINGS)
def test_what_is_not_changed_keeps_its_coding(provider: Provider, start: Start, connect: Connect, coding: str) -> None:
    sent = CODINGS[coding](request(history("short")))
    connect(start(headroom_mode="lossless")).post("/v1/messages", sent, {"content-encoding": coding})
    received = provider.received[0]
    assert received.raw == sent
    assert received.header("content-encoding") == coding
