"""Is there a proxy, does it decrypt, and can it sign; does the environment lead to it."""

import ssl
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from mitmproxy.options import Options

from headroom_mitm.certificates import EXPIRES_SOON, KEY_FILE, Authority, load
from headroom_mitm.commands import asking
from headroom_mitm.commands.authority import names_for
from headroom_mitm.commands.diagnosis import Finding, ok, problem, warning
from headroom_mitm.commands.mitmproxy_options import proxy_url
from headroom_mitm.commands.routes import other_servers, past_the_proxy
from headroom_mitm.hosts import parse_hosts
from headroom_mitm.settings import home

_PRIVATE = 0o077


def examine_authority(options: Options, now: datetime) -> Iterator[Finding]:
    """Look at the authority's files; make none."""
    folder = Path(options.confdir).expanduser()
    try:
        authority = load(folder)
    except (OSError, ValueError) as error:
        yield warning("authority", f"there is none that can be used: {error}", "headroom-mitm ca makes one")
        return
    left = authority.not_after - now
    until = f"{authority.not_after:%Y-%m-%d}"
    if left <= timedelta(0):
        yield problem("authority", f"it ended on {until}", "headroom-mitm ca --renew, and trust the new one")
    elif left < EXPIRES_SOON:
        yield warning("authority", f"it ends on {until}", "headroom-mitm ca --renew, and trust the new one")
    else:
        yield ok("authority", f"{authority.certificate}, until {until}")
    if missing := authority.uncovered(names_for(options)):
        said = f"it is older than the list of hosts and cannot sign for {', '.join(missing)}"
        yield warning("authority's hosts", said, "headroom-mitm ca --renew, and trust the new one")
    key = folder / KEY_FILE
    if key.stat().st_mode & _PRIVATE:
        yield problem("authority's key", f"{key} is open to others", f"chmod 600 {key}; headroom-mitm ca --renew")
    for name, file in (("certificate", authority.certificate), ("bundle", authority.bundle)):
        if not file.is_file():
            yield problem(f"authority's {name}", f"{file} is not there", "headroom-mitm ca")


def examine_proxy(options: Options) -> Iterator[Finding]:
    """Ask the proxy, through itself, who it is: no network is needed for that."""
    proxy = proxy_url(options)
    folder = Path(options.confdir).expanduser()
    certificate = load(folder).certificate if (folder / KEY_FILE).is_file() else None
    if certificate is None:
        return
    try:
        found = asking.asked(proxy, certificate)
    except ssl.SSLError as error:
        advice = "is its confdir another one? End it, and start it with headroom-mitm proxy"
        yield problem("proxy", f"{proxy} signs with another authority: {error.reason or error}", advice)
    except ConnectionRefusedError:
        yield warning("proxy", f"nothing listens at {proxy}", "headroom-mitm proxy; headroom-mitm run starts its own")
    except OSError as error:
        advice = f"end what listens there, or use another port: headroom-mitm proxy -p PORT ({error})"
        yield problem("proxy", f"{proxy} does not answer as ours", advice)
    else:
        yield ok("proxy", f"{proxy} decrypts and signs, version {found.version}, mode {found.mode}")
        if found.home != home():
            yield warning("proxy's home", f"it keeps its data in {found.home}", f"HEADROOM_HOME={found.home}")


def examine_environment(environment: Mapping[str, str], options: Options) -> Iterator[Finding]:
    """Look at variables that lead clients to the proxy, or away from it."""
    url = proxy_url(options)
    told = {name: environment[name] for name in ("HTTPS_PROXY", "https_proxy") if environment.get(name)}
    wrong = {name: value for name, value in told.items() if value.rstrip("/") != url}
    if wrong:
        said = ", ".join(f"{name}={value}" for name, value in wrong.items())
        yield warning("HTTPS_PROXY", f"{said} is another proxy than {url}", 'eval "$(headroom-mitm env)"')
    elif told:
        yield ok("HTTPS_PROXY", url)
    else:
        advice = 'eval "$(headroom-mitm env --client claude)", or headroom-mitm run -- claude'
        yield warning("HTTPS_PROXY", "it is not set in this shell", advice)
    for name in ("NO_PROXY", "no_proxy"):
        if past := past_the_proxy(environment.get(name, "")):
            yield problem(name, f"{', '.join(past)} leads LLM traffic past the proxy", f"take it out of {name}")
    for setting, reason in other_servers(environment, parse_hosts(options.headroom_hosts)):
        yield warning("base URL", f"{setting}: {reason}", "unset it where it is not meant")


def authority_of(options: Options) -> Authority | None:
    """Return the authority if there is one."""
    try:
        return load(Path(options.confdir).expanduser())
    except (OSError, ValueError):
        return None
