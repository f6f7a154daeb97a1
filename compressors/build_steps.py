"""Steps of installers and builders: downloads, unpacking, packages compiled. Those that went well can be counted."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from headroom_mitm.compressors.base import Content, in_one_piece
from headroom_mitm.compressors.log_alarms import is_alarm

_SAMPLE_LINES = 120
_LEAST_SHARE = 0.5
_FEWEST, _FEWEST_IN_A_ROW = 10, 4
_WORDS = 3  # of a line that say what kind of a step it is
_WHAT = (
    r"Collecting|Downloading|Downloaded|Using cached|Requirement already satisfied"
    r"|Obtaining"  # pip
    r"|Installing build dependencies|Installing backend dependencies|Getting requirements to build \w+"
    r"|Preparing (?:editable )?metadata|Checking if build backend|Building (?:wheel|editable) for|Created wheel for"
    r"|Stored in directory|Attempting uninstall|Found existing installation|Uninstalling|Successfully uninstalled"
    r"|Compiling|Checking|Updating|Adding|Fresh|Locking|Unpacking"  # cargo
    r"|go: (?:downloading|finding|extracting)"
    r"|Get:\d+|Hit:\d+|Selecting previously unselected package|Preparing to unpack|Setting up"  # apt
    r"|Processing triggers for"
    r"|[0-9a-f]{12}: [A-Z][\w ]+|#\d+ (?:sha256:|extracting|transferring|resolve|CACHED|DONE)"  # docker
    r"|Progress \(\d+\)|Download https?|> Task|npm http (?:fetch GET [23]\d\d|cache)"  # maven, gradle, npm
    r"|\[(?: *\d+%|(?P<n>\d+)/(?!(?P=n)\])\d+)\] (?:Building|Linking|Generating|Scanning|Automatic|[A-Z]{2,}\b)"
    r"(?: (?:C|CXX|CUDA|ASM|Fortran|RC|static|shared|executable|object|library|module)\b)*"  # make, ninja
    r"|g?make(?:\[\d+\])?: (?:Entering|Leaving)|(?:CC|CXX|AR|LD|AS|GEN|LINK|HOSTCC)(?=  )"
    r"|━+|\| +\|"
)
_STEP = re.compile(rf"\s*(?:\[INFO\] )?(?P<what>{_WHAT})(?=[\s:(.]|$)")
_STEPS = re.compile(
    rf"\n(?=[^\S\n]*+(?=[A-DFGHILOPRSUa-f#>gnm\[━|]|[0-9a-f]{{12}}:)(?:\[INFO\] )?(?:{_WHAT})(?=[\s:(.]|\Z))"
)
"""The same at the beginning of lines. What a step begins with is looked at before what it may be."""
_FETCHED = re.compile(r"Get:\d+ \S+ \S+ ")
_NUMBERS = re.compile(r"^[0-9a-f]{12}(?=: )|(?<=\[) *\d+|\d+")


def is_steps(content: Content) -> bool:
    """Say whether most lines are steps."""
    lines = list(filter(None, content.head[:_SAMPLE_LINES]))
    if len(lines) < _FEWEST:
        return False
    found = len(_STEPS.findall(in_one_piece(lines)))
    return found >= _FEWEST and found >= _LEAST_SHARE * len(lines)


def says_versions_only_there(lines: Sequence[str]) -> bool:
    """Say whether steps are what names versions: apt, unlike pip, does not say at its end what it has installed."""
    return sum(_FETCHED.match(line) is not None for line in lines) >= _FEWEST


def without_steps(lines: Sequence[str]) -> tuple[list[str], int]:
    """Return the lines with steps in a row counted by kind; those that speak of trouble stay."""
    out: list[str] = []
    gone = 0
    number = 1
    for kinds, group in groupby(lines, key=lambda line: _kind(line) is not None):
        run = list(group)
        if kinds and len(run) >= _FEWEST_IN_A_ROW:
            counts = Counter(_kind(line) for line in run)
            said = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
            out.append(f"[lines {number}-{number + len(run) - 1} left out: {said}]")
            gone += len(run)
        else:
            out += run
        number += len(run)
    return out, gone


def _kind(line: str) -> str | None:
    """Return what a step does; None for lines that are none, and for those that did not go well."""
    match = _STEP.match(line)
    return None if match is None or is_alarm(line) else _NUMBERS.sub("…", match["what"])
