"""The authority in real handshakes: what it may sign for is accepted, everything else is refused."""

import ipaddress
import multiprocessing
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from mitmproxy.certs import CertStore

from headroom_mitm import certificates
from headroom_mitm.certificates import Authority, ensure_authority, is_constrained, load, renew, uncovered_hosts

DOMAINS = ("api.anthropic.com", "*.openai.azure.com")
NOW = datetime.now(UTC)  # clients look at their own clock


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return ensure_authority(tmp_path_factory.mktemp("home") / "authority", DOMAINS, NOW)


def general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def leaf(authority: Authority, names: Sequence[str], folder: Path) -> Path:
    """Return a file with what mitmproxy would show a client: the key, a leaf for these names, and the chain."""
    store = CertStore.from_store(authority.folder, "mitmproxy", 2048)
    entry = store.get_cert(names[0], [general_name(name) for name in names])
    key = (authority.folder / certificates.KEY_FILE).read_text().partition("-----BEGIN CERTIFICATE")[0]
    file = folder / "leaf.pem"
    file.write_bytes(key.encode() + entry.cert.to_pem() + b"".join(cert.to_pem() for cert in entry.chain_certs))
    return file


def handshake(server_file: Path, trusted: Path, name: str) -> list[str]:
    """Shake hands over a socket pair; return the names in the leaf that the client took, raise what it raises."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(server_file)
    client = ssl.create_default_context(cafile=str(trusted))
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:  # the client has refused
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=name) as secured:
            leaf_seen = secured.getpeercert() or {}
    finally:
        ours.close()
        thread.join()
    return [str(value) for kind, value in leaf_seen.get("subjectAltName", ()) if kind == "DNS"]


@pytest.mark.parametrize("name", ["api.anthropic.com", "mine.openai.azure.com"])
@pytest.mark.parametrize("trusted", ["certificate", "bundle"])
def test_leaf_of_permitted_host_is_accepted(authority: Authority, tmp_path: Path, name: str, trusted: str) -> None:
    assert handshake(leaf(authority, [name], tmp_path), getattr(authority, trusted), name) == [name]


@pytest.mark.parametrize(
    "names",
    [["example.com"], ["10.0.0.1"], ["::1"], ["evil-api.anthropic.com"], ["api.anthropic.com", "example.com"]],
    ids=" and ".join,
)
def test_stolen_key_is_of_no_use_for_other_names(authority: Authority, tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree violation"):
        handshake(leaf(authority, names, tmp_path), authority.certificate, names[0])


def test_limits_stand_below_what_clients_trust(authority: Authority) -> None:
    """A client may ignore the constraints of a root, never those of an issuer below it; the root's key is nowhere."""
    chain = x509.load_pem_x509_certificates((authority.folder / certificates.KEY_FILE).read_bytes())
    issuer, root = chain
    key = CertStore.from_store(authority.folder, "mitmproxy", 2048).default_privatekey
    assert key.public_key() == issuer.public_key()
    assert root == x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    for certificate, below in ((issuer, 0), (root, 1)):
        assert certificate.extensions.get_extension_for_class(x509.NameConstraints).critical
        assert certificate.extensions.get_extension_for_class(x509.KeyUsage).critical
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert basic.critical
        assert (basic.value.ca, basic.value.path_length) == (True, below)


def test_openssl_finds_nothing_wrong_in_strict_mode(authority: Authority, tmp_path: Path) -> None:
    file = leaf(authority, ["api.anthropic.com"], tmp_path)
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", authority.certificate]
    done = subprocess.run([*command, "-untrusted", file, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "names", [["example.com"], ["10.0.0.1"], ["api.anthropic.com", "example.com"]], ids=" and ".join
)
def test_openssl_refuses_what_the_authority_may_not_sign(
    authority: Authority, tmp_path: Path, names: list[str]
) -> None:
    file = leaf(authority, names, tmp_path)
    command = ["openssl", "verify", "-CAfile", authority.certificate, "-untrusted", file, file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "subtree violation" in done.stderr


@pytest.mark.parametrize(
    ("permitted", "other"),
    [("127.0.0.1", "127.0.0.2"), ("127.0.0.1", "::1"), ("fd00::7", "127.0.0.1"), ("fd00::7", "::1")],
)
def test_an_address_that_is_permitted_shuts_out_all_others(tmp_path: Path, permitted: str, other: str) -> None:
    authority = ensure_authority(tmp_path, [*DOMAINS, permitted], NOW)
    handshake(leaf(authority, [permitted], tmp_path), authority.certificate, permitted)
    assert authority.uncovered([permitted, other]) == [other]
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree violation"):
        handshake(leaf(authority, [other], tmp_path), authority.certificate, other)


def test_without_domains_nothing_can_be_signed(tmp_path: Path) -> None:
    authority = ensure_authority(tmp_path, [], NOW)
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree violation"):
        handshake(leaf(authority, ["example.com"], tmp_path), authority.certificate, "example.com")


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("api.anthropic.com", True),
        ("API.Anthropic.com", True),
        ("beta.api.anthropic.com", True),
        ("anthropic.com", False),
        ("notapi.anthropic.com", False),
        ("*.openai.azure.com", True),
        (".openai.azure.com", True),
        ("openai.azure.com.example.com", False),
        ("10.0.0.1", False),
        ("[::1]", False),
    ],
)
def test_uncovered_says_what_clients_would_refuse(authority: Authority, host: str, covered: bool) -> None:
    assert authority.uncovered([host]) == ([] if covered else [host])
    assert uncovered_hosts(authority.folder, [host]) == authority.uncovered([host])


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_key_is_for_the_user_alone(authority: Authority) -> None:
    assert authority.folder.stat().st_mode & 0o777 == 0o700
    assert (authority.folder / certificates.KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_rights_of_others_are_taken_away_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ensure_authority(tmp_path, DOMAINS, NOW)
    tmp_path.chmod(0o755)
    (tmp_path / certificates.KEY_FILE).chmod(0o644)
    ensure_authority(tmp_path, DOMAINS, NOW)
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / certificates.KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [record.args[0] for record in caplog.records] == [tmp_path, tmp_path / certificates.KEY_FILE]


def test_authority_that_is_there_stays(tmp_path: Path) -> None:
    first = ensure_authority(tmp_path, DOMAINS, NOW)
    key = (tmp_path / certificates.KEY_FILE).read_bytes()
    (tmp_path / certificates.CERTIFICATE_FILE).unlink()
    assert ensure_authority(tmp_path, ["example.com"], NOW) == first
    assert (tmp_path / certificates.KEY_FILE).read_bytes() == key
    assert first.certificate.is_file()


def fingerprint_of(folder: Path, names: "multiprocessing.SimpleQueue[str]") -> None:
    names.put(ensure_authority(folder, DOMAINS, NOW).fingerprint)


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    names: multiprocessing.SimpleQueue[str] = context.SimpleQueue()
    folder = tmp_path / "authority"
    processes = [context.Process(target=fingerprint_of, args=(folder, names)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert {names.get() for _ in processes} == {load(folder).fingerprint}
    assert not list(folder.glob(".*")), "temporary files are left"


def test_the_first_of_two_writers_wins(tmp_path: Path) -> None:
    """What a race comes down to: both have seen no file, and the second may not put its own over the first's."""
    for data in (b"first", b"second"):
        certificates._write(tmp_path / "file", data, 0o600, replace=False)
    assert (tmp_path / "file").read_bytes() == b"first"


def test_renewed_authority_replaces_the_old_and_keeps_it(tmp_path: Path) -> None:
    first = ensure_authority(tmp_path, DOMAINS, NOW)
    old_key = (tmp_path / certificates.KEY_FILE).read_bytes()
    second = renew(tmp_path, [*DOMAINS, "llm.example.com"], NOW)
    assert second.fingerprint != first.fingerprint
    assert second.subject != first.subject
    assert second.uncovered(["llm.example.com"]) == []
    kept = tmp_path / f"{certificates.KEY_FILE}.old"
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (old_key, 0o600)
    assert load(tmp_path) == second
    assert load(tmp_path).bundle.read_text().startswith(second.certificate.read_text())


def roots_in(bundle: Path) -> list[str]:
    begin = "-----BEGIN CERTIFICATE-----"
    return [begin + rest for rest in bundle.read_text().split(begin)[1:]]


def test_bundle_has_the_roots_of_the_user_and_ours_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the proxy starts in a shell in which the bundle itself is what programs trust."""
    first = ensure_authority(tmp_path, DOMAINS, NOW)
    before = roots_in(first.bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(first.bundle))
    second = renew(tmp_path, DOMAINS, NOW)
    after = roots_in(second.bundle)
    assert len(before) > 50
    assert after == [second.certificate.read_text(), *before[1:]]


@pytest.mark.parametrize(("left", "warned"), [(timedelta(days=29), True), (timedelta(days=31), False)])
def test_an_end_that_is_near_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, left: timedelta, warned: bool
) -> None:
    end = ensure_authority(tmp_path, DOMAINS, NOW).not_after
    ensure_authority(tmp_path, DOMAINS, end - left)
    assert bool(caplog.records) is warned


def test_mitmproxys_own_authority_has_no_limits(tmp_path: Path) -> None:
    CertStore.create_store(tmp_path, "mitmproxy", 2048)
    before = (tmp_path / certificates.KEY_FILE).read_bytes()
    authority = ensure_authority(tmp_path, DOMAINS, NOW)
    assert authority.permitted is None
    assert authority.uncovered(["example.com"]) == uncovered_hosts(tmp_path, ["example.com"]) == []
    assert not is_constrained(tmp_path)
    assert (tmp_path / certificates.KEY_FILE).read_bytes() == before


def test_is_constrained_of_ours_and_of_an_empty_confdir(authority: Authority, tmp_path: Path) -> None:
    assert is_constrained(authority.folder)
    assert not is_constrained(tmp_path)


def test_a_key_file_that_is_something_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / certificates.KEY_FILE).write_text("my notes")
    with pytest.raises(ValueError, match="PEM"):
        ensure_authority(tmp_path, DOMAINS, NOW)
    assert (tmp_path / certificates.KEY_FILE).read_text() == "my notes"


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05"),
        (b"\x06\x03\x55\x1d\x0f", b"\x06\x03\x55\x1d\x25"),
        (b"\x06\x03\x55\x04\x03\x0c", b"\x06\x03\x55\x04\x03\x4c"),
    ],
    ids=["a version that is none", "the same extension twice", "a name of no known type"],
)
def test_a_certificate_with_a_fault_is_none(authority: Authority, tmp_path: Path, here: bytes, there: bytes) -> None:
    """``doctor`` says so, and mitmproxy, which has the last word, may go on."""
    chain = x509.load_pem_x509_certificates((authority.folder / certificates.KEY_FILE).read_bytes())
    damaged = [one.public_bytes(Encoding.DER).replace(here, there) for one in chain]
    (tmp_path / certificates.KEY_FILE).write_text("".join(map(ssl.DER_cert_to_PEM_cert, damaged)))
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path)
    assert not is_constrained(tmp_path)
    assert uncovered_hosts(tmp_path, ["api.anthropic.com"]) == []
