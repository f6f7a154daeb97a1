"""``headroom-mitm ca``: show or renew the certificate authority."""

import argparse
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

from mitmproxy.options import Options

from headroom_mitm.certificates import Authority, ensure_authority, renew
from headroom_mitm.commands.base import Command
from headroom_mitm.commands.mitmproxy_options import arguments_for, effective
from headroom_mitm.hosts import HOSTS, domains, parse_hosts
from headroom_mitm.settings import home


def authority_for(options: Options) -> Authority:
    """Return the authority, made if there is none; say which hosts it cannot sign for."""
    wanted = names_for(options)
    authority = ensure_authority(Path(options.confdir).expanduser(), wanted, datetime.now(UTC))
    if missing := authority.uncovered(wanted):
        print(
            f"headroom-mitm: the authority in {authority.folder} is older than your list of hosts and cannot sign for "
            f"{', '.join(missing)}. To have a new one, which clients must trust again: headroom-mitm ca --renew",
            file=sys.stderr,
        )
    return authority


def names_for(options: Options) -> list[str]:
    """Return what the authority is for: the table, and what the user adds, addresses as well."""
    return [*domains(HOSTS), *dict.fromkeys(row.pattern for row in parse_hosts(options.headroom_hosts))]


def _declare(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--show", action="store_true", help="files, fingerprint, end, hosts it may sign for (the default)"
    )
    what.add_argument("--path", action="store_true", help="only the path of the certificate that clients trust")
    what.add_argument(
        "--renew", action="store_true", help="make a new one; clients must trust it; the old one is kept as .old"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="headroom_hosts=HOST",
        help="further hosts to sign for, as for 'proxy'",
    )


def _run(asked: argparse.Namespace) -> int:
    further = [part for setting in asked.settings for part in ("--set", setting)]
    options = effective(arguments_for(further, home()))
    if asked.renew:
        authority = renew(Path(options.confdir).expanduser(), names_for(options), datetime.now(UTC))
    else:
        authority = authority_for(options)
    print(authority.certificate if asked.path else _described(authority))
    return 0


def _described(authority: Authority) -> str:
    limits = authority.permitted
    rows = {
        "certificate": str(authority.certificate),
        "bundle": f"{authority.bundle} (the system's roots and ours)",
        "name": authority.subject,
        "sha256": authority.fingerprint,
        "valid until": f"{authority.not_after:%Y-%m-%d}",
        "signs for": "every host" if limits is None else _folded(f"{', '.join(limits)}; and what is below these names"),
    }
    return "\n".join(f"{label:13}{value}" for label, value in rows.items())


def _folded(text: str) -> str:
    """Return lines that stand in the second column."""
    indent = " " * 13
    return textwrap.fill(text, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False).lstrip()


CA = Command("ca", "show or renew the certificate authority, which is made if there is none", _run, _declare)
