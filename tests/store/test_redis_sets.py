"""Stores of several servers: what was decided outlives the loss of one, and nothing false is told meanwhile."""

from collections.abc import Callable

import pytest
import redis
from decision_samples import key, lossy
from redis_server import RedisServer
from redis_sets import Cluster, Replicated, until

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.store import Store
from headroom_mitm.store.redis_server import BACK_OFF_SECONDS

OpenStore = Callable[..., Store]
DECISIONS = [lossy(f"call {number}", original=f"text {number}") for number in range(30)]
KEYS = [decision.rendering.key for decision in DECISIONS]
KNOWN = {decision.rendering.key: decision.rendering for decision in DECISIONS}


class Leaping:
    """A clock on which every look is as late as a store needs that waits before it asks a silent server again."""

    now = 1.7e9

    def __call__(self) -> float:
        self.now += BACK_OFF_SECONDS + 1
        return self.now


def recalled_or_refused(store: Store) -> bool:
    """Say whether the store answers; what it answers must be all that was decided."""
    try:
        known = store.recall(KEYS)
    except StoreUnavailable:
        return False
    assert known == KNOWN
    return True


def test_a_replica_takes_over_from_a_dead_primary(own_sentinels: Replicated, opened: OpenStore) -> None:
    store = opened(own_sentinels.url, clock=Leaping())
    store.freeze(DECISIONS)
    first = own_sentinels.primary
    wait_for_replicas(own_sentinels.servers[1:])
    first.kill()
    until(lambda: recalled_or_refused(store))
    assert own_sentinels.primary is not first
    later = lossy("later")
    until(lambda: frozen_or_refused(store, later))
    assert store.original(KNOWN[KEYS[3]].original) == "text 3"
    assert store.staging.certainty.returns, "what was told last is looked for again"


def test_a_cluster_outlives_a_dead_node(own_cluster: Cluster, opened: OpenStore) -> None:
    store = opened(own_cluster.url, clock=Leaping())
    store.freeze(DECISIONS)
    wait_for_replicas([server for server in own_cluster.servers if server not in own_cluster.primaries])
    assert not store.staging.certainty.returns
    own_cluster.primaries[0].kill()
    until(lambda: recalled_or_refused(store))
    until(lambda: frozen_or_refused(store, lossy("later")))
    assert store.staging.certainty.returns, "what was told last is looked for again"
    assert [store.original(KNOWN[each].original) for each in KEYS] == [f"text {number}" for number in range(30)]


def test_a_cluster_spreads_decisions_over_its_nodes(cluster: Cluster, opened: OpenStore) -> None:
    """And every key there has an idle time."""
    cluster.flush()
    opened(cluster.url).freeze(DECISIONS)
    kept = [names_and_times(server.port) for server in cluster.primaries]
    assert all(kept)
    assert sum(map(len, kept)) == 2 * len(DECISIONS)
    assert min(time for times in kept for time in times.values()) > 0


def test_only_known_nodes_that_are_dead_are_no_store(opened: OpenStore, cluster: Cluster) -> None:
    """One that lives is enough to find the others."""
    dead = "redis+cluster://127.0.0.1:9"
    with pytest.raises(StoreUnavailable, match="Cluster at 127"):
        opened(dead).recall(KEYS)
    cluster.flush()
    assert opened(f"{dead},{cluster.url.rpartition('/')[2]}").freeze(DECISIONS) == KNOWN


def frozen_or_refused(store: Store, decision: object) -> bool:
    try:
        return bool(store.freeze([decision]) == {key("later"): lossy("later").rendering})  # type: ignore[list-item]
    except StoreUnavailable:
        return False


def names_and_times(port: int) -> dict[bytes, int]:
    with redis.Redis(port=port) as client:
        return {name: client.ttl(name) for name in client.keys()}  # noqa: SIM118  # not a dict


def wait_for_replicas(servers: list[RedisServer]) -> None:
    """Return when replicas have all that their primary has: what it had not told them yet dies with it."""
    until(lambda: all(_has_all(server.port) for server in servers))


def _has_all(port: int) -> bool:
    with redis.Redis(port=port, decode_responses=True) as client:
        seen = client.info("replication")
        with redis.Redis(port=int(seen["master_port"]), decode_responses=True) as primary:
            return bool(primary.info("replication")["master_repl_offset"] <= seen["slave_repl_offset"])
