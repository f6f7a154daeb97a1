"""The program ``headroom-mitm``: mitmdump or mitmweb with our authority and our addon, and what clients need."""

import argparse
import os
import shlex
import sys
import textwrap
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mitmproxy import exceptions, optmanager
from mitmproxy.options import Options
from mitmproxy.tools import main as tools
from rich.console import Console

from headroom_mitm import __version__, learnt
from headroom_mitm.certificates import Authority, ensure_authority, renew
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.hosts import HOSTS, domains, parse_hosts
from headroom_mitm.settings import OPTIONS, home
from headroom_mitm.store import open_store

PROGRAMS: dict[str, Callable[[Sequence[str]], object]] = {"proxy": tools.mitmdump, "web": tools.mitmweb}
SCRIPT = Path(__file__).with_name("script.py")

# Options of mitmproxy that are ours to choose until the user, or config.yaml, says otherwise.
DEFAULTS = {
    "listen_host": "127.0.0.1",
    "listen_port": "8787",
    "upstream_cert": "false",  # names copied from upstream's certificate may lie outside of what our authority may sign
}
ANYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  # compared with, not bound to

# What a client reads: the proxy, and whom to trust. "certificate" adds ours to its roots, "bundle" replaces them.
PROXY, CERTIFICATE, BUNDLE = "proxy", "certificate", "bundle"
CLIENTS: dict[str, tuple[str, dict[str, str]]] = {
    "claude": ("Claude Code", {"HTTPS_PROXY": PROXY, "NODE_EXTRA_CA_CERTS": CERTIFICATE}),
    "codex": ("Codex", {"HTTPS_PROXY": PROXY, "CODEX_CA_CERTIFICATE": BUNDLE}),
    "gemini": ("Gemini CLI", {"HTTPS_PROXY": PROXY, "NODE_EXTRA_CA_CERTS": CERTIFICATE}),
    "opencode": (
        "opencode",
        {"HTTPS_PROXY": PROXY, "NODE_EXTRA_CA_CERTS": CERTIFICATE, "NO_PROXY": "localhost,127.0.0.1"},
    ),
    "aider": ("Aider", {"HTTPS_PROXY": PROXY, "SSL_CERT_FILE": BUNDLE, "REQUESTS_CA_BUNDLE": BUNDLE}),
    "python": ("Python SDKs", {"HTTPS_PROXY": PROXY, "SSL_CERT_FILE": BUNDLE, "REQUESTS_CA_BUNDLE": BUNDLE}),
    "curl": ("curl", {"HTTPS_PROXY": PROXY, "CURL_CA_BUNDLE": BUNDLE}),
}


def _in_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _in_powershell(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


SHELLS: dict[str, Callable[[str, str], str]] = {
    "sh": lambda name, value: f"export {name}={shlex.quote(value)}",
    "fish": lambda name, value: f"set -gx {name} {_in_fish(value)}",
    "powershell": lambda name, value: f"$env:{name} = {_in_powershell(value)}",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status: 1 for what cannot be done, 2 for a command line that says nothing."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # argparse would mistake mitmproxy's arguments for ours.
        if arguments and arguments[0] in PROGRAMS and not {"-h", "--help"} & set(arguments[1:]):
            return _run(PROGRAMS[arguments[0]], arguments_for(arguments[1:], home()))
        asked = _parser().parse_args(arguments)
        return int(asked.command(asked))
    except (OSError, ValueError, StoreUnavailable, exceptions.OptionsError) as error:
        print(f"headroom-mitm: {error}", file=sys.stderr)
        return 1


def arguments_for(further: Sequence[str], folder: Path) -> list[str]:
    """Return mitmproxy's arguments: ours first, then the user's, unchanged. What the user sets, we do not set.

    ``--set`` is the weakest way to say it: config.yaml and flags such as ``--listen-port`` win over it.
    """
    chosen = {setting.partition("=")[0] for setting in _flags(further).settings}
    ours = {"confdir": str(folder), **DEFAULTS}
    settings = [part for name, value in ours.items() if name not in chosen for part in ("--set", f"{name}={value}")]
    return ["-s", str(SCRIPT), *settings, *further]


def effective(arguments: Sequence[str]) -> Options:
    """Return what mitmproxy will make of these arguments and its config.yaml, as far as it matters here."""
    flags = _flags(arguments)
    options = Options()
    for option in OPTIONS:
        options.add_option(option.name, option.type, option.default, option.help)
    options.set(*flags.settings, defer=True)
    confdir = Path(options.confdir).expanduser()
    optmanager.load_paths(options, confdir / "config.yaml", confdir / "config.yml")
    given = {name: getattr(flags, name) for name in ("listen_host", "listen_port", "mode")}
    options.update(**{name: value for name, value in given.items() if value is not None})
    return options


def lines_for(client: str, shell: str, proxy: str, authority: Authority) -> list[str]:
    """Return the lines that send one client through the proxy and make it trust the authority."""
    values = {PROXY: proxy, CERTIFICATE: str(authority.certificate), BUNDLE: str(authority.bundle)}
    _, variables = CLIENTS[client]
    return [SHELLS[shell](name, values.get(value, value)) for name, value in variables.items()]


def proxy_url(options: Options) -> str:
    """Return the address that clients on this machine use."""
    host = "127.0.0.1" if options.listen_host in ANYWHERE else options.listen_host
    return f"http://{f'[{host}]' if ':' in host else host}:{options.listen_port or 8080}"


def _run(program: Callable[[Sequence[str]], object], arguments: list[str]) -> int:
    flags = _flags(arguments)
    if not flags.asks_only:
        options = effective(arguments)
        authority = _authority(options)
        if options.mode == ["regular"] and not flags.quiet:
            _print_clients(_shell(), proxy_url(options), authority)
    program(arguments)
    return 0


def _authority(options: Options) -> Authority:
    """Return the authority, made if there is none; say which hosts it cannot sign for."""
    wanted = _names(options)
    authority = ensure_authority(Path(options.confdir).expanduser(), wanted, datetime.now(UTC))
    if missing := authority.uncovered(wanted):
        print(
            f"headroom-mitm: the authority in {authority.folder} is older than your list of hosts and cannot sign for "
            f"{', '.join(missing)}. To have a new one, which clients must trust again: headroom-mitm ca --renew",
            file=sys.stderr,
        )
    return authority


def _names(options: Options) -> list[str]:
    """Return what the authority is for: the table, and what the user adds, addresses as well."""
    return [*domains(HOSTS), *dict.fromkeys(row.pattern for row in parse_hosts(options.headroom_hosts))]


def _print_clients(shell: str, proxy: str, authority: Authority) -> None:
    for client, (title, _) in CLIENTS.items():
        print(f"# {title}", *lines_for(client, shell, proxy, authority), "", sep="\n")
    sys.stdout.flush()  # before mitmproxy writes


def _ca(asked: argparse.Namespace) -> int:
    further = [part for setting in asked.settings for part in ("--set", setting)]
    options = effective(arguments_for(further, home()))
    if asked.renew:
        authority = renew(Path(options.confdir).expanduser(), _names(options), datetime.now(UTC))
    else:
        authority = _authority(options)
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


def _env(asked: argparse.Namespace) -> int:
    port = ["--listen-port", str(asked.port)] if asked.port else []
    options = effective(arguments_for(port, home()))
    authority = _authority(options)
    if asked.client:
        print(*lines_for(asked.client, asked.shell, proxy_url(options), authority), sep="\n")
    else:
        _print_clients(asked.shell, proxy_url(options), authority)
    return 0


def _learn(asked: argparse.Namespace) -> int:
    store = open_store(asked.store or str(home() / "store.sqlite"))
    try:
        if asked.action == "show":
            learnt.show(store.tallies, Console(width=None if sys.stdout.isatty() else 120))
        elif asked.action == "reset":
            print(f"Forgot {learnt.reset(store.tallies)} groups and kinds.")
        elif asked.action == "export":
            learnt.export(store.tallies, sys.stdout)
        else:
            print(f"Took over {learnt.take_over(store.tallies, sys.stdin)} groups and kinds.")
    finally:
        store.close()
    return 0


def _shell() -> str:
    if os.name == "nt":
        return "powershell"
    return "fish" if Path(os.environ.get("SHELL", "")).name == "fish" else "sh"


def _flags(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the few of mitmproxy's flags that matter here, and none of the others."""
    parser = argparse.ArgumentParser(prog="headroom-mitm", add_help=False, allow_abbrev=False)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--listen-host")
    parser.add_argument("--listen-port", "-p", type=int)
    parser.add_argument("--mode", "-m", action="append")
    parser.add_argument("--quiet", "-q", action="store_true")
    for name in ("--version", "--options", "--commands"):
        parser.add_argument(name, action="store_true", dest="asks_only")
    return parser.parse_known_args(arguments)[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="headroom-mitm",
        description="Makes LLM traffic cheaper on its way through mitmproxy. Clients need two variables: see 'env'.",
        epilog="Everything of ours is kept in ~/.headroom, or in the folder that HEADROOM_HOME names.",
    )
    parser.add_argument("--version", action="version", version=f"headroom-mitm {__version__}")
    commands = parser.add_subparsers(metavar="command", required=True)
    for name, program in (("proxy", "mitmdump"), ("web", "mitmweb")):
        commands.add_parser(
            name,
            help=f"run {program} with this addon",
            usage=f"headroom-mitm {name} [arguments of {program}]",
            description=f"Runs {program} with this addon and our certificate authority on 127.0.0.1:8787, and first "
            f"prints the lines that clients need. Arguments are those of {program} and win over ours: see its --help.",
        )
    authority = commands.add_parser(
        "ca", help="show or renew the certificate authority, which is made if there is none"
    )
    what = authority.add_mutually_exclusive_group()
    what.add_argument(
        "--show", action="store_true", help="files, fingerprint, end, hosts it may sign for (the default)"
    )
    what.add_argument("--path", action="store_true", help="only the path of the certificate that clients trust")
    what.add_argument(
        "--renew", action="store_true", help="make a new one; clients must trust it; the old one is kept as .old"
    )
    authority.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="headroom_hosts=HOST",
        help="further hosts to sign for, as for 'proxy'",
    )
    authority.set_defaults(command=_ca)
    env = commands.add_parser("env", help="print the lines that send a client through the proxy")
    env.add_argument("--client", choices=CLIENTS, help="only for this one (default: all)")
    env.add_argument("--shell", choices=SHELLS, default=_shell(), help="whose syntax (default: %(default)s)")
    env.add_argument("--port", type=int, help="the proxy's, if not 8787")
    env.set_defaults(command=_env)
    learn = commands.add_parser("learn", help="show, forget or move what is learnt of how hard to press")
    learn.add_argument(
        "action", choices=("show", "reset", "export", "import"), help="export writes JSON, import reads it instead"
    )
    learn.add_argument("--store", help="as headroom_store (default: store.sqlite in the folder of our own)")
    learn.set_defaults(command=_learn)
    return parser


if __name__ == "__main__":
    sys.exit(main())
