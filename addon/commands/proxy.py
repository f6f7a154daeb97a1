"""``headroom-mitm proxy`` and ``web``: mitmdump or mitmweb with our authority and our addon."""

import argparse
from collections.abc import Callable, Sequence

from mitmproxy.tools import main as tools

from headroom_mitm.commands.authority import authority_for
from headroom_mitm.commands.base import Command
from headroom_mitm.commands.clients import lines_for_all, shell_here
from headroom_mitm.commands.mitmproxy_options import arguments_for, effective, flags_of, proxy_url
from headroom_mitm.settings import home


def _running(program: Callable[[Sequence[str]], object]) -> Callable[[argparse.Namespace], int]:
    def run(asked: argparse.Namespace) -> int:
        arguments = arguments_for(asked.further, home())
        flags = flags_of(arguments)
        if not flags.asks_only:
            options = effective(arguments)
            authority = authority_for(options)
            if options.mode == ["regular"] and not flags.quiet:
                # flushed before mitmproxy writes
                print(*lines_for_all(shell_here(), proxy_url(options), authority), sep="\n", flush=True)
        program(arguments)
        return 0

    return run


def _command(name: str, title: str, program: Callable[[Sequence[str]], object]) -> Command:
    return Command(
        name,
        f"run {title} with this addon",
        _running(program),
        description=f"Runs {title} with this addon and our certificate authority on 127.0.0.1:8787, and first "
        f"prints the lines that clients need. Arguments are those of {title} and win over ours: see its --help.",
        passes_on=title,
    )


RUN_PROXY = _command("proxy", "mitmdump", tools.mitmdump)
RUN_WEB = _command("web", "mitmweb", tools.mitmweb)
