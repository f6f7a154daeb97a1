"""Only LLM hosts are decrypted: all else shows its own certificate."""

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from client import certificate_through
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from proxy import Start


@dataclass(frozen=True)
class Bank:
    """A TLS server of somebody else's, with a certificate it made itself."""

    port: int
    certificate: bytes


def own_certificate(folder: Path) -> tuple[Path, bytes]:
    """Make a certificate for localhost; return a file with it and its key, and the certificate as DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "bank.pem").write_bytes(pem)
    return folder / "bank.pem", certificate.public_bytes(serialization.Encoding.DER)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    pem, certificate = own_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):  # closed at the end of the test
                while True:
                    accepted, _ = listening.accept()
                    with suppress(OSError), context.wrap_socket(accepted, server_side=True) as secured:
                        secured.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield Bank(listening.getsockname()[1], certificate)


def test_another_host_shows_its_own_certificate(start: Start, bank: Bank) -> None:
    assert certificate_through(start(), bank.port) == bank.certificate


def test_plain_mitmdump_would_show_its_own(start: Start, bank: Bank) -> None:
    """The test above can fail."""
    assert certificate_through(start(addon=False, ssl_insecure="true"), bank.port) != bank.certificate


def test_what_the_user_chose_to_decrypt_is_decrypted(start: Start, bank: Bank) -> None:
    proxy = start(allow_hosts="^localhost:", ssl_insecure="true")
    assert certificate_through(proxy, bank.port) != bank.certificate
