"""The page tells where the store is, and nothing that is nobody's business."""

import dataclasses
from pathlib import Path

import pytest
from mitmproxy.test import taddons

from headroom_mitm import settings
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.service import Service
from headroom_mitm.web.inspection import Inspections
from headroom_mitm.web.tour import Tour


class Declares:
    """Has our options, as the addon has."""

    load = staticmethod(settings.declare)


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        ("/home/me/secret-project/store.sqlite", "store.sqlite"),
        ("redis://me:secret@10.0.0.1:6379/0", "redis://10.0.0.1:6379/0"),
        ("redis://10.0.0.1:6379/0", "redis://10.0.0.1:6379/0"),
    ],
)
def test_the_store_is_named_without_what_is_private(store: str, shown: str) -> None:
    with taddons.context(Declares()) as context:
        chosen = dataclasses.replace(settings.read(context.options), store=store)
    state = Tour(lambda: None, lambda: chosen, Inspections()).sources.state()
    assert (state["store"], state["mode"]) == (shown, "compress")


def test_figures_are_those_of_the_service_that_runs_now(tmp_path: Path) -> None:
    """Another store may be opened while the page is open."""
    services: list[Service] = []
    sources = Tour(lambda: services[-1] if services else None, lambda: None, Inspections()).sources
    with pytest.raises(StoreUnavailable):
        sources.report("", "")
    for name in ("one", "two"):
        services.append(Service(str(tmp_path / name)))
        assert sources.report("", "").totals.requests == 0
        assert list(sources.levels()) == list(sources.conversations(5)) == []
    services[1].tallies.add({"learn|kind|log_lines": {"outcomes": 1.0}, "learn|kind|log_lines|0": {"1.outcomes": 1.0}})
    assert len(list(sources.levels())) == 1
    for service in services:
        service.close()
