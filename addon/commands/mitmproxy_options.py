"""mitmproxy's arguments: what we add to the user's, and what will come of them."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mitmproxy import optmanager
from mitmproxy.options import Options

from headroom_mitm.settings import OPTIONS

SCRIPT = Path(__file__).resolve().parent.parent / "script.py"

# Options of mitmproxy that are ours to choose until the user, or config.yaml, says otherwise.
DEFAULTS = {
    "listen_host": "127.0.0.1",
    "listen_port": "8787",
    "upstream_cert": "false",  # names copied from upstream's certificate may lie outside of what our authority may sign
}
ANYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  # compared with, not bound to


def arguments_for(further: Sequence[str], folder: Path) -> list[str]:
    """Return mitmproxy's arguments: ours first, then the user's, unchanged. What the user sets, we do not set.

    ``--set`` is the weakest way to say it: config.yaml and flags such as ``--listen-port`` win over it.
    """
    chosen = {setting.partition("=")[0] for setting in flags_of(further).settings}
    ours = {"confdir": str(folder), **DEFAULTS}
    settings = [part for name, value in ours.items() if name not in chosen for part in ("--set", f"{name}={value}")]
    return ["-s", str(SCRIPT), *settings, *further]


def effective(arguments: Sequence[str]) -> Options:
    """Return what mitmproxy will make of these arguments and its config.yaml, as far as it matters here."""
    flags = flags_of(arguments)
    options = Options()
    for option in OPTIONS:
        options.add_option(option.name, option.type, option.default, option.help)
    options.set(*flags.settings, defer=True)
    confdir = Path(options.confdir).expanduser()
    optmanager.load_paths(options, confdir / "config.yaml", confdir / "config.yml")
    given = {name: getattr(flags, name) for name in ("listen_host", "listen_port", "mode")}
    options.update(**{name: value for name, value in given.items() if value is not None})
    return options


def flags_of(arguments: Sequence[str]) -> argparse.Namespace:
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


def proxy_url(options: Options) -> str:
    """Return the address that clients on this machine use."""
    host = "127.0.0.1" if options.listen_host in ANYWHERE else options.listen_host
    return f"http://{f'[{host}]' if ':' in host else host}:{options.listen_port or 8080}"
