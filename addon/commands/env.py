"""``headroom-mitm env``: the lines that send a client through the proxy."""

import argparse

from headroom_mitm.commands.authority import authority_for
from headroom_mitm.commands.base import Command
from headroom_mitm.commands.clients import CLIENTS, SHELLS, lines_for, lines_for_all, shell_here
from headroom_mitm.commands.mitmproxy_options import arguments_for, effective, proxy_url
from headroom_mitm.settings import home


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--client", choices=CLIENTS, help="only for this one (default: all)")
    parser.add_argument("--shell", choices=SHELLS, default=shell_here(), help="whose syntax (default: %(default)s)")
    parser.add_argument("--port", type=int, help="the proxy's, if not 8787")


def _run(asked: argparse.Namespace) -> int:
    port = ["--listen-port", str(asked.port)] if asked.port else []
    options = effective(arguments_for(port, home()))
    authority, proxy = authority_for(options), proxy_url(options)
    if asked.client:
        print(*lines_for(asked.client, asked.shell, proxy, authority), sep="\n")
    else:
        print(*lines_for_all(asked.shell, proxy, authority), sep="\n")
    return 0


ENV = Command("env", "print the lines that send a client through the proxy", _run, _declare)
