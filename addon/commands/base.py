"""What a subcommand is."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass


def _declare_nothing(parser: argparse.ArgumentParser) -> None:
    """Leave the parser as it is: the command has no arguments of its own."""
    del parser


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand. addon/cli.py has the list; a new one is a file here and a line there."""

    name: str
    help: str
    """One line, for the list of all commands."""
    run: Callable[[argparse.Namespace], int]
    """Do it; return the exit status. ``OSError``, ``ValueError`` and ``StoreUnavailable`` end with a message and 1."""
    declare: Callable[[argparse.ArgumentParser], None] = _declare_nothing
    description: str = ""
    """What ``--help`` says first, where one line is not enough."""
    passes_on: str = ""
    """Whose arguments these are, if not ours: then ``run`` finds all of them, unread, in ``asked.further``."""
