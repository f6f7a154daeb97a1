"""The authority that signs for decrypted hosts: made once, private to the user, of no use for any other host.

Two certificates, because RFC 5280 lets a client ignore the name constraints of the certificate it trusts (Java does),
but never those of one below it: the *root* is what clients trust, and its key signs once and is forgotten; the *issuer*
below it is what mitmproxy signs with. A stolen issuer key is good for the permitted hosts and for nothing else.
"""

import contextlib
import ipaddress
import logging
import os
import ssl
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# The names that mitmproxy looks for in its confdir.
KEY_FILE = "mitmproxy-ca.pem"
CERTIFICATE_FILE = "mitmproxy-ca-cert.pem"
ANDROID_FILE = "mitmproxy-ca-cert.cer"
WINDOWS_FILE = "mitmproxy-ca-cert.p12"
BUNDLE_FILE = "ca-bundle.pem"

NAME = "headroom-mitm local CA"
LIFETIME = timedelta(days=5 * 365)
CLOCK_SKEW = timedelta(days=2)  # a client in a container may be behind
EXPIRES_SOON = timedelta(days=30)
_DAMAGED = (KeyError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
"""What cryptography raises besides ``ValueError`` for a certificate that it finds fault with."""

# Where systems keep the roots they trust, for Pythons whose OpenSSL looks elsewhere.
SYSTEM_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Authority:
    """What stands in a folder, read. ``load`` makes it."""

    folder: Path
    subject: str
    """Name of the certificate that clients trust."""
    fingerprint: str
    """SHA-256 of that certificate, as OpenSSL and browsers write it: ``AB:CD:…``."""
    not_after: datetime
    permitted: tuple[str, ...] | None
    """Domains (subdomains included) and addresses it may sign for; None: no limits, as mitmproxy's own."""

    @property
    def certificate(self) -> Path:
        """What clients trust in addition to their roots."""
        return self.folder / CERTIFICATE_FILE

    @property
    def bundle(self) -> Path:
        """What clients trust instead of their roots: the system's roots and ours."""
        return self.folder / BUNDLE_FILE

    def uncovered(self, hosts: Iterable[str]) -> list[str]:
        """Return those of these host names, domains or addresses for which a leaf would be refused."""
        if self.permitted is None:
            return []
        return [host for host in hosts if not _is_within(_plain(host), self.permitted)]


def ensure_authority(folder: Path, names: Sequence[str], now: datetime) -> Authority:
    """Return the authority in ``folder``, made for these domains and addresses if there is none, its bundle refreshed.

    An authority that is there is never changed, whatever it permits: clients already trust it. Several processes may
    call this at once, and all return the same. ``now`` has a time zone. Raises ``OSError`` where the folder cannot be
    used, ``ValueError`` where its key file holds something else.
    """
    _make_private(folder)
    key_file = folder / KEY_FILE
    if not key_file.exists():
        _write(key_file, _new_key_file(names, now), 0o600, replace=False)
    if _tighten(key_file, 0o600):
        logger.warning("%s was open to others. If they may have read it: headroom-mitm ca --renew", key_file)
    authority = load(folder)
    if authority.not_after - now < EXPIRES_SOON:
        logger.warning("the authority in %s ends on %s: headroom-mitm ca --renew", folder, authority.not_after.date())
    _write_derived(folder)
    return authority


def renew(folder: Path, names: Sequence[str], now: datetime) -> Authority:
    """Replace the authority, on purpose: clients must trust the new one. The old one's files stay as ``….old``."""
    _make_private(folder)
    for name, mode in ((KEY_FILE, 0o600), (CERTIFICATE_FILE, 0o644)):
        with contextlib.suppress(FileNotFoundError):
            _write(folder / f"{name}.old", (folder / name).read_bytes(), mode)
    _write(folder / KEY_FILE, _new_key_file(names, now), 0o600)
    return ensure_authority(folder, names, now)


def load(folder: Path) -> Authority:
    """Read an authority; raise ``OSError`` or ``ValueError`` where there is none."""
    try:
        return _loaded(folder)
    except _DAMAGED as error:
        raise ValueError(f"{folder / KEY_FILE} holds a certificate that cannot be read: {error}") from error


def _loaded(folder: Path) -> Authority:
    chain = _chain(folder)
    issuer, root = chain[0], chain[-1]  # mitmproxy's own authority is both
    return Authority(
        folder=folder,
        subject=root.subject.rfc4514_string(),
        fingerprint=root.fingerprint(hashes.SHA256()).hex(":").upper(),
        not_after=min(issuer.not_valid_after_utc, root.not_valid_after_utc),
        permitted=_permitted(issuer),
    )


def is_constrained(folder: Path) -> bool:
    """Say whether mitmproxy, with this confdir, signs with limits: its option ``upstream_cert`` must then be off.

    Otherwise a leaf would repeat the upstream certificate's other names, and one name outside the limits spoils a leaf.
    """
    try:
        return load(folder).permitted is not None
    except (OSError, ValueError):
        return False  # mitmproxy makes its own, or says what is wrong


def uncovered_hosts(folder: Path, hosts: Iterable[str]) -> list[str]:
    """Return those hosts that mitmproxy, with this confdir, cannot sign for: they must be tunnelled."""
    return load(folder).uncovered(hosts) if is_constrained(folder) else []


def _new_key_file(names: Sequence[str], now: datetime) -> bytes:
    """Return an issuer's key, its certificate and the root above, in PEM and in this order, as mitmproxy reads them."""
    limits = _limits(names)
    root_key, issuer_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name, issuer_name = _name(root_key), _name(issuer_key, " issuer")
    root = _certificate(root_name, root_key.public_key(), 1, limits, now).issuer_name(root_name)
    issuer = _certificate(issuer_name, issuer_key.public_key(), 0, limits, now).issuer_name(root_name)
    issuer = issuer.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
    )
    key = issuer_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return key + b"".join(new.sign(root_key, hashes.SHA256()).public_bytes(Encoding.PEM) for new in (issuer, root))


def _name(key: ec.EllipticCurvePrivateKey, suffix: str = "") -> x509.Name:
    """Return a name that tells two authorities apart in a list, and says nothing of the user or the machine."""
    digest = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{NAME}{suffix} {digest[:4].hex()}")])


def _certificate(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, below: int, limits: x509.NameConstraints, now: datetime
) -> x509.CertificateBuilder:
    """Return an authority's certificate without its issuer; ``below`` further authorities may stand under it."""
    others = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    no = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(x509.KeyUsage(**no, key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(limits, critical=True)
        # Not for code, mail or logins.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _limits(names: Sequence[str]) -> x509.NameConstraints:
    """Return constraints on names and on addresses: a kind of name that is not mentioned would be free.

    One address permitted shuts out all others, of both families. What is excluded beats what is permitted, and Java
    cannot compare an address with the other family, so addresses are excluded only where none is permitted.
    """
    names = list(dict.fromkeys(map(_plain, names)))
    addresses = [name for name in names if _is_address(name)]
    # mitmproxy repeats an address as the common name, and OpenSSL takes that for a DNS name.
    permitted = [*map(_general_name, names), *map(x509.DNSName, addresses)]
    if not any(isinstance(name, x509.DNSName) for name in permitted):
        permitted.append(x509.DNSName("headroom.invalid"))  # without any, all would be permitted
    excluded = None if addresses else [x509.IPAddress(ipaddress.ip_network(every)) for every in ("0.0.0.0/0", "::/0")]
    return x509.NameConstraints(permitted, excluded)


def _plain(host: str) -> str:
    """Return a domain or address without what patterns and URLs put around it."""
    return host.strip().strip("[]").removeprefix("*").strip(".").lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _general_name(name: str) -> x509.GeneralName:
    if _is_address(name):
        return x509.IPAddress(ipaddress.ip_network(name))
    return x509.DNSName(name.encode("idna").decode())


def _is_within(host: str, permitted: tuple[str, ...]) -> bool:
    if _is_address(host):
        address = ipaddress.ip_address(host)
        return any("/" in network and address in ipaddress.ip_network(network) for network in permitted)
    name = host.encode("idna").decode()
    return any(name == domain or name.endswith(f".{domain}") for domain in permitted)


def _permitted(issuer: x509.Certificate) -> tuple[str, ...] | None:
    try:
        limits = issuer.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return None
    names = limits.permitted_subtrees
    return None if names is None else tuple(str(name.value) for name in names)


def _chain(folder: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((folder / KEY_FILE).read_bytes())


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _tighten(folder, 0o700):
        logger.warning("%s was open to others: now only to you", folder)


def _tighten(path: Path, mode: int) -> bool:
    """Take rights from others; say whether there was anything to take. Windows has no such modes."""
    too_open = os.name == "posix" and bool(path.stat().st_mode & 0o777 & ~mode)
    if too_open:
        path.chmod(mode)
    return too_open


def _write(path: Path, data: bytes, mode: int, *, replace: bool = True) -> None:
    """Make a file that nobody ever sees half written or with another mode. Without ``replace`` the first one stays."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 from the start
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        if replace:
            temporary.replace(path)
        else:
            _name_once(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _name_once(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return  # another process was first, and its file holds
    except OSError:  # no links on this file system: two may race here, but still nobody reads half a file
        if not path.exists():
            temporary.replace(path)


def _write_derived(folder: Path) -> None:
    """Write what follows from the key file. The bundle follows the system's roots, so it is made anew each time."""
    root = _chain(folder)[-1]
    pem = root.public_bytes(Encoding.PEM)
    _write(folder / CERTIFICATE_FILE, pem, 0o644)
    _write(folder / ANDROID_FILE, pem, 0o644)
    _write(
        folder / WINDOWS_FILE,
        pkcs12.serialize_key_and_certificates(NAME.encode(), None, root, None, NoEncryption()),
        0o644,
    )
    _write(
        folder / BUNDLE_FILE,
        b"".join([pem, *(ssl.DER_cert_to_PEM_cert(der).encode() for der in _system_roots())]),
        0o644,
    )


def _system_roots() -> list[bytes]:
    """Return what the user's programs trust now, without any authority of ours: a renewed one must not live on here."""
    context = ssl.create_default_context()
    if not context.get_ca_certs():  # a directory of roots is only searched, never listed
        file = next((path for path in SYSTEM_ROOTS if Path(path).is_file()), certifi.where())
        context.load_verify_locations(file)
    ours = NAME.encode()
    return [der for der in context.get_ca_certs(binary_form=True) if ours not in der]
