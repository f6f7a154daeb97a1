"""What holds unless the user says otherwise: listen on this machine, decrypt and sign for LLM hosts only."""

import ipaddress
import logging
from datetime import UTC, datetime
from pathlib import Path

from mitmproxy import optmanager
from mitmproxy.proxy.mode_specs import ProxyMode

from headroom_mitm.certificates import KEY_FILE, ensure_authority, is_constrained, uncovered_hosts
from headroom_mitm.hosts import HOSTS, Host, addresses, allow_hosts_patterns, domains
from headroom_mitm.settings import Settings, home

logger = logging.getLogger(__name__)


def keep_to_loopback(options: optmanager.OptManager) -> None:
    """Listen on this machine only, unless the user names an address: who reaches the port can use it."""
    if not options.listen_host:
        options.listen_host = "127.0.0.1"


def tell_of_open_doors(options: optmanager.OptManager) -> None:
    """Warn where others than this machine's users can use the proxy and are not asked who they are."""
    hosts = {ProxyMode.parse(mode).listen_host(options.listen_host) for mode in options.mode}
    open_at = sorted(host or "all addresses" for host in hosts if not _is_own(host))
    if open_at and not ("proxyauth" in options and options.proxyauth):
        logger.warning(
            "headroom: whoever reaches %s can use this proxy, and all who do count as one user: "
            "set proxyauth=NAME:PASSWORD or proxyauth=@FILE, or listen on 127.0.0.1",
            " and ".join(open_at),
        )


def _is_own(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def use_own_authority(options: optmanager.OptManager, chosen: Settings) -> None:
    """Sign with our limited authority, unless the user has a confdir, or clients that trust mitmproxy's."""
    has_own_confdir = options.has_changed("confdir")
    if not has_own_confdir and not (Path(options.confdir).expanduser() / KEY_FILE).exists():
        try:
            hosts = (*HOSTS, *chosen.hosts)
            authority = ensure_authority(home(), [*domains(hosts), *addresses(hosts)], datetime.now(UTC))
        except (OSError, ValueError) as error:
            logger.warning("headroom: mitmproxy's own authority signs, ours cannot be used: %s", error)
            return
        options.confdir = str(authority.folder)
        logger.info("headroom: clients trust %s", authority.certificate)
    if is_constrained(Path(options.confdir).expanduser()):
        options.upstream_cert = False  # its other names may lie outside of what our authority may sign


def limit_hosts(options: optmanager.OptManager, chosen: Settings, before: Settings | None = None) -> None:
    """Decrypt LLM hosts only, unless the user says which; ``before`` are the settings this was last called with."""
    confdir = Path(options.confdir).expanduser()
    ours = allow_hosts_patterns(_signed(confdir, before)) if before else []
    if not options.ignore_hosts and list(options.allow_hosts) == ours:
        options.allow_hosts = allow_hosts_patterns(_signed(confdir, chosen))


def _signed(confdir: Path, chosen: Settings) -> list[Host]:
    """Return the hosts that the authority may sign for: a leaf for another would be refused, so it is tunnelled."""
    hosts = (*HOSTS, *chosen.hosts)
    refused = set(uncovered_hosts(confdir, [*domains(hosts), *addresses(hosts)]))
    for name in sorted(refused):
        logger.warning(
            "headroom: %s is tunnelled, the authority is older than your list: headroom-mitm ca --renew", name
        )
    return [host for host in hosts if host.pattern.removeprefix("*.") not in refused]
