"""What the shared store adds to the contract: idle times that the server keeps, and a server that may go away."""

import datetime
import ipaddress
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from decision_samples import key, lossy
from hand_clock import HandClock
from redis_server import RedisServer

from headroom_mitm.errors import MissingOriginal, StoreUnavailable
from headroom_mitm.segments import digest_of_text
from headroom_mitm.store import Limits, Store
from headroom_mitm.store.redis_server import BACK_OFF_SECONDS

OpenStore = Callable[..., Store]
HOUR, DAY = 3600, 86_400
HEAD = digest_of_text("the beginning of a conversation")
NAMES = {
    f"headroom:1:rendering:{key('call 1').hex()}",
    f"headroom:1:original:{digest_of_text('a long text').hex()}",
    f"headroom:1:offer:{HEAD.hex()}",
    f"headroom:1:rounds:{HEAD.hex()}",
}


@pytest.fixture
def server(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A look at what the server holds, without the store. It holds nothing yet."""
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        client.flushdb()
        yield client


def idle_times(server: redis.Redis) -> dict[str, int]:
    return {str(name): int(server.ttl(name)) for name in server.keys()}  # noqa: SIM118  # not a dict


def test_every_key_has_our_prefix_and_an_idle_time(
    redis_server: RedisServer, server: redis.Redis, opened: OpenStore
) -> None:
    """Other programs may use the same database; the server forgets even what we never ask for again."""
    store = opened(redis_server.url, limits=Limits(idle_seconds=10 * DAY))
    store.freeze([lossy("call 1")])
    store.offer(HEAD, True)
    store.keep_rounds(HEAD, b"packed")
    times = idle_times(server)
    assert set(times) == NAMES
    assert all(10 * DAY + HOUR - 60 < seconds <= 10 * DAY + HOUR for seconds in times.values())


@pytest.mark.parametrize(
    ("use", "prolonged"),
    [
        (lambda store: store.recall([key("call 1")]), {"rendering", "original"}),
        (lambda store: store.freeze([lossy("call 1")]), {"rendering", "original"}),
        (lambda store: store.original(digest_of_text("a long text")), {"original"}),
        (lambda store: store.offered(HEAD), {"offer"}),
        (lambda store: store.offer(HEAD, False), {"offer"}),
        (lambda store: store.rounds([HEAD]), {"rounds"}),
        (lambda store: store.keep_rounds(HEAD, b"other"), {"rounds"}),
    ],
    ids=["recall", "freeze", "original", "offered", "offer", "rounds", "keep_rounds"],
)
def test_use_prolongs(
    redis_server: RedisServer,
    server: redis.Redis,
    opened: OpenStore,
    use: Callable[[Store], object],
    prolonged: set[str],
) -> None:
    """Also for a process that has just been started, and knows of no earlier use."""
    store = opened(redis_server.url)
    store.freeze([lossy("call 1")])
    store.offer(HEAD, True)
    store.keep_rounds(HEAD, b"packed")
    for name in NAMES:
        server.expire(name, 60)
    use(opened(redis_server.url))
    assert {name.split(":")[2] for name, seconds in idle_times(server).items() if seconds > 60} == prolonged


def test_a_use_is_written_down_once_an_hour(
    redis_server: RedisServer, server: redis.Redis, opened: OpenStore, clock: HandClock
) -> None:
    store = opened(redis_server.url, clock=clock)
    store.freeze([lossy("call 1")])

    def expirations_of_a_use() -> int:
        server.config_resetstat()
        store.recall([key("call 1")])
        return int(server.info("commandstats").get("cmdstat_expire", {"calls": 0})["calls"])

    assert expirations_of_a_use() == 2
    clock.now += HOUR
    assert expirations_of_a_use() == 0
    clock.now += 1
    assert expirations_of_a_use() == 2


def test_nothing_takes_more_than_two_round_trips(
    redis_server: RedisServer, server: redis.Redis, opened: OpenStore
) -> None:
    """Counted as reads from the socket: what is sent in one piece, and is small, the server reads in one go."""
    names = [f"call {number}" for number in range(5)]
    store = opened(redis_server.url)
    store.offered(HEAD)  # the connection is made

    def trips(use: Callable[[], object]) -> int:
        before = int(server.info("stats")["total_reads_processed"])
        use()
        return int(server.info("stats")["total_reads_processed"]) - before - 1  # the second question itself

    assert trips(lambda: store.freeze([lossy(name) for name in names])) == 1
    assert trips(lambda: store.recall([key(name) for name in names])) == 2
    assert trips(lambda: store.recall([key(name) for name in names])) == 1
    assert trips(lambda: store.offer(HEAD, True)) == 1
    assert trips(lambda: store.original(digest_of_text("a long text"))) == 1
    assert trips(lambda: store.keep_rounds(HEAD, b"packed")) == 1
    assert trips(lambda: store.rounds([HEAD] * 5)) == 2


def test_a_server_that_is_down_at_the_start_is_used_once_it_is_up(
    own_redis: RedisServer, opened: OpenStore, clock: HandClock
) -> None:
    store = opened(own_redis.url, clock=clock)
    with pytest.raises(StoreUnavailable, match=f"Redis at 127.0.0.1:{own_redis.port}"):
        store.recall([key("call 1")])
    own_redis.start()
    clock.now += BACK_OFF_SECONDS
    assert store.freeze([lossy("call 1")]) == {key("call 1"): lossy("call 1").rendering}


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.recall([key("call 1")]),
        lambda store: store.freeze([lossy("call 1")]),
        lambda store: store.original(digest_of_text("a long text")),
        lambda store: store.offered(HEAD),
        lambda store: store.offer(HEAD, True),
        lambda store: store.rounds([HEAD]),
        lambda store: store.keep_rounds(HEAD, b"packed"),
    ],
    ids=["recall", "freeze", "original", "offered", "offer", "rounds", "keep_rounds"],
)
def test_a_server_that_goes_away_and_comes_back(
    own_redis: RedisServer, opened: OpenStore, clock: HandClock, use: Callable[[Store], object]
) -> None:
    """In between, every call says that the store is unavailable; connections of the time before do no harm."""
    own_redis.start()
    store = opened(own_redis.url, clock=clock)
    store.freeze([lossy("call 1")])
    own_redis.stop()
    with pytest.raises(StoreUnavailable):
        use(store)
    own_redis.start()
    with pytest.raises(StoreUnavailable, match="did not answer a moment ago"):
        use(store)
    clock.now += BACK_OFF_SECONDS
    store.freeze([lossy("call 1")])
    use(store)


def test_a_clock_that_is_set_back_does_not_keep_the_server_away(
    own_redis: RedisServer, opened: OpenStore, clock: HandClock
) -> None:
    store = opened(own_redis.url, clock=clock)
    with pytest.raises(StoreUnavailable):
        store.offered(HEAD)
    own_redis.start()
    clock.now -= DAY
    assert store.offered(HEAD) is None


def test_a_silent_server_costs_its_time_out_once(opened: OpenStore, clock: HandClock) -> None:
    """Something listens and never answers: ten uses, one connection."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = opened(f"redis://127.0.0.1:{silent.getsockname()[1]}", clock=clock)
        for _ in range(10):
            with pytest.raises(StoreUnavailable):
                store.recall([key("call 1")])
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_one_caller_tries_whether_the_server_is_back(opened: OpenStore, clock: HandClock) -> None:
    """While it waits for an answer, the others do not."""
    with socket.create_server(("127.0.0.1", 0)) as hesitant, ThreadPoolExecutor(1) as thread:
        store = opened(f"redis://127.0.0.1:{hesitant.getsockname()[1]}", clock=clock)
        failing = thread.submit(store.offered, HEAD)
        hesitant.accept()[0].close()
        assert isinstance(failing.exception(), StoreUnavailable)
        clock.now += BACK_OFF_SECONDS
        trying = thread.submit(store.offered, HEAD)
        connection = hesitant.accept()[0]
        with pytest.raises(StoreUnavailable, match="did not answer a moment ago"):
            store.offered(HEAD)
        connection.close()
        assert isinstance(trying.exception(), StoreUnavailable)


def test_what_does_not_fit_is_refused_as_a_whole(own_redis: RedisServer, opened: OpenStore) -> None:
    own_redis.start()
    store = opened(own_redis.url)
    decisions = [lossy(f"call {number}", text=f"{number}" * 100_000) for number in range(10)]
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + 500_000)
        with pytest.raises(StoreUnavailable, match="maxmemory"):
            store.freeze(decisions)
        assert store.recall([decision.rendering.key for decision in decisions]) == {}
        client.config_set("maxmemory", 0)
    assert len(store.freeze(decisions)) == 10


def test_a_full_server_refuses_to_decide_and_can_still_be_read(own_redis: RedisServer, opened: OpenStore) -> None:
    """It answers, so there is no back-off: what is known goes on being known."""
    own_redis.start()
    store = opened(own_redis.url)
    store.freeze([lossy("call 1")])
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("maxmemory", 1)
    with pytest.raises(StoreUnavailable, match="maxmemory"):
        store.freeze([lossy("call 2")])
    assert store.recall([key("call 1"), key("call 2")]) == {key("call 1"): lossy("call 1").rendering}
    assert store.original(digest_of_text("a long text")) == "a long text"


def test_a_replica_that_may_not_write_can_still_be_read(own_redis: RedisServer, opened: OpenStore) -> None:
    """To prolong what is used is a write, and fails; what is known is told all the same."""
    own_redis.start()
    store = opened(own_redis.url)
    store.freeze([lossy("call 1")])
    store.offer(HEAD, True)
    with socket.create_server(("127.0.0.1", 0)) as primary, redis.Redis.from_url(own_redis.url) as client:
        client.replicaof("127.0.0.1", str(primary.getsockname()[1]))
        assert store.recall([key("call 1")]) == {key("call 1"): lossy("call 1").rendering}
        assert store.original(digest_of_text("a long text")) == "a long text"
        assert store.offered(HEAD) is True
        with pytest.raises(StoreUnavailable, match="read only replica"):
            store.freeze([lossy("call 2")])


def test_a_wrong_password_is_told_and_not_repeated(own_redis: RedisServer, opened: OpenStore) -> None:
    own_redis.start("--requirepass", "right")
    address = f"127.0.0.1:{own_redis.port}"
    with pytest.raises(StoreUnavailable, match=address) as refusal:
        opened(f"redis://:wrong@{address}").offered(HEAD)
    assert "wrong@" not in str(refusal.value)
    assert opened(f"redis://:right@{address}").offered(HEAD) is None


def test_a_value_that_is_not_ours_is_not_taken_for_a_decision(
    redis_server: RedisServer, server: redis.Redis, opened: OpenStore
) -> None:
    server.set(f"headroom:1:rendering:{key('call 1').hex()}", "hello")
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        opened(redis_server.url).recall([key("call 1")])


def test_an_original_that_the_server_evicted_is_missing(
    redis_server: RedisServer, server: redis.Redis, opened: OpenStore
) -> None:
    """And kept again with the next decision that leaves something of it out."""
    store = opened(redis_server.url)
    store.freeze([lossy("call 1")])
    server.delete(f"headroom:1:original:{digest_of_text('a long text').hex()}")
    with pytest.raises(MissingOriginal):
        store.original(digest_of_text("a long text"))
    store.freeze([lossy("call 2")])
    assert store.original(digest_of_text("a long text")) == "a long text"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "redis of a test")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, secret.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(secret, hashes.SHA256())
    )
    path = tmp_path / "redis.pem"
    unprotected = serialization.NoEncryption()
    pem = secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unprotected)
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + pem)
    return path


def test_rediss_speaks_tls_and_checks_the_certificate(
    own_redis: RedisServer, opened: OpenStore, certificate: Path
) -> None:
    tls = ["--tls-port", str(own_redis.port), "--tls-cert-file", str(certificate), "--tls-key-file", str(certificate)]
    own_redis.start("--port", "0", *tls, "--tls-auth-clients", "no")
    url = f"rediss://127.0.0.1:{own_redis.port}/0"
    with pytest.raises(StoreUnavailable, match="certificate"):
        opened(url).freeze([lossy("call 1")])
    store = opened(f"{url}?ssl_ca_certs={certificate}")
    assert store.freeze([lossy("call 1")]) == {key("call 1"): lossy("call 1").rendering}
