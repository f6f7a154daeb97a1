"""What every store promises of sums: nothing that is added at once by many is lost, and only what is named goes."""

import threading
from collections.abc import Callable
from pathlib import Path

from headroom_mitm.store import Store, open_store

OpenStore = Callable[..., Store]


def test_sums_are_shared(opened: OpenStore, url: str) -> None:
    one, other = opened(url).tallies, opened(url).tallies
    one.add({"a|b": {"x": 1.5, "y": 2}, "c": {"x": 1}})
    other.add({"a|b": {"x": -0.25}})
    assert one.read(["a|b", "c", "none"]) == {"a|b": {"x": 1.25, "y": 2.0}, "c": {"x": 1.0}}
    assert other.read([]) == {}


def test_nothing_added_at_once_is_lost(opened: OpenStore, url: str) -> None:
    stores = [opened(url).tallies for _ in range(4)]

    def add(number: int) -> None:
        for _ in range(50):
            stores[number].add({"name": {"sum": 1, f"of {number}": 1}})

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].read(["name"])["name"] == {"sum": 200.0, **{f"of {number}": 50.0 for number in range(4)}}


def test_names_are_found_by_how_they_begin(opened: OpenStore, url: str) -> None:
    """Literally: what is special in a pattern is not special here."""
    store = opened(url).tallies
    store.add({name: {"x": 1} for name in ("kind*|b", "kind*|a", "kind|a", "Kind*|a", "k[a]", "\N{SNOWMAN}")})
    assert store.names("kind*|") == ["kind*|a", "kind*|b"]
    assert store.names("k[") == ["k[a]"]
    assert store.names("\N{SNOWMAN}") == ["\N{SNOWMAN}"]


def test_only_what_is_named_is_forgotten(opened: OpenStore, url: str) -> None:
    store = opened(url).tallies
    store.add({"a": {"x": 1}, "ab": {"x": 2}})
    store.forget(["a", "none"])
    assert store.names("") == ["ab"]
    assert store.read(["a", "ab"]) == {"ab": {"x": 2.0}}


def test_more_names_than_a_statement_takes(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store.db"))
    names = [str(number) for number in range(1_000)]
    store.tallies.add({name: {"x": float(name)} for name in names})
    assert store.tallies.read(names) == {name: {"x": float(name)} for name in names}
    store.close()
