"""The program ``headroom-mitm``: finds the subcommand and runs it."""

import argparse
import sys
from collections.abc import Sequence

from mitmproxy import exceptions

from headroom_mitm import __version__
from headroom_mitm.commands.audit import AUDIT
from headroom_mitm.commands.authority import CA
from headroom_mitm.commands.base import Command
from headroom_mitm.commands.completion import completion
from headroom_mitm.commands.doctor import DOCTOR
from headroom_mitm.commands.env import ENV
from headroom_mitm.commands.key import KEY
from headroom_mitm.commands.learn import LEARN
from headroom_mitm.commands.proxy import RUN_PROXY, RUN_WEB
from headroom_mitm.commands.purge import PURGE
from headroom_mitm.commands.run import RUN
from headroom_mitm.commands.script import TELL_SCRIPT
from headroom_mitm.commands.stats import STATS
from headroom_mitm.commands.top import TOP
from headroom_mitm.commands.uninstall import UNINSTALL
from headroom_mitm.errors import StoreUnavailable

COMMANDS: tuple[Command, ...] = (
    RUN_PROXY,
    RUN_WEB,
    RUN,
    CA,
    ENV,
    DOCTOR,
    AUDIT,
    TOP,
    STATS,
    LEARN,
    KEY,
    PURGE,
    TELL_SCRIPT,
    completion(lambda: parser()),  # noqa: PLW0108  # it stands below
    UNINSTALL,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status: 1 for what cannot be done, 2 for a command line that says nothing."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if command := _passing_on(arguments):
            return command.run(argparse.Namespace(further=arguments[1:]))
        asked = parser().parse_args(arguments)
        return int(asked.command.run(asked))
    except (OSError, ValueError, StoreUnavailable, exceptions.OptionsError) as error:
        print(f"headroom-mitm: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """Return what reads a command line and tells of all commands."""
    whole = argparse.ArgumentParser(
        prog="headroom-mitm",
        description="Makes LLM traffic cheaper on its way through mitmproxy. Clients need two variables: see 'env'.",
        epilog="Everything of ours is kept in ~/.headroom, or in the folder that HEADROOM_HOME names.",
    )
    whole.add_argument("--version", action="version", version=f"headroom-mitm {__version__}")
    commands = whole.add_subparsers(metavar="command", required=True)
    for command in COMMANDS:
        usage = f"headroom-mitm {command.name} [arguments of {command.passes_on}]" if command.passes_on else None
        part = commands.add_parser(
            command.name, help=command.help, usage=usage, description=command.description or command.help
        )
        command.declare(part)
        part.set_defaults(command=command)
    return whole


def _passing_on(arguments: Sequence[str]) -> Command | None:
    """Return the command if its arguments are not ours to read: argparse would mistake them. ``--help`` is ours."""
    named = next((command for command in COMMANDS if arguments[:1] == [command.name]), None)
    return named if named and named.passes_on and not {"-h", "--help"} & set(arguments[1:]) else None


if __name__ == "__main__":
    sys.exit(main())
