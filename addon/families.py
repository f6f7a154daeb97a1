"""What calls are counted together: the tool, and of a shell's the program. No name holds what a user wrote."""

import re

from headroom_mitm.segments import Call

_SHELLS = re.compile(r"(?:^|_|\b)(?:bash|shell|exec|execute|terminal|command|run)(?:_|\b|$)|^Bash$", re.IGNORECASE)
_PROGRAM = re.compile(
    r"\s*(?:cd\s+\S+\s*(?:&&|;)\s*)?(?:\w+=\S+\s+)*(?:sudo\s+|npx\s+|uv\s+run\s+)?([\w.-]+)(?:\s+([a-z][a-z-]*))?"
)
_WITH_WORD = frozenset(
    [
        "aws",
        "cargo",
        "docker",
        "gh",
        "git",
        "go",
        "helm",
        "kubectl",
        "npm",
        "pip",
        "pnpm",
        "terraform",
        "yarn",
    ]
)
"""Programs whose first word says what they do."""
_PROGRAMS = _WITH_WORD | frozenset(
    [
        "cat",
        "curl",
        "dmesg",
        "du",
        "eslint",
        "find",
        "gcc",
        "gradle",
        "grep",
        "gunzip",
        "head",
        "jest",
        "journalctl",
        "jq",
        "less",
        "ls",
        "make",
        "mocha",
        "mvn",
        "mypy",
        "mysql",
        "nl",
        "node",
        "playwright",
        "podman",
        "ps",
        "psql",
        "pytest",
        "python",
        "rg",
        "ruff",
        "sed",
        "sqlite3",
        "systemctl",
        "tail",
        "tree",
        "tsc",
        "vitest",
        "wget",
        "zcat",
    ]
)


def family(call: Call) -> str:
    """Return what calls are counted together: the tool, and of a shell's the program, if it is one that all know."""
    if not _SHELLS.search(call.name):
        return call.name
    match = _PROGRAM.match(call.subject)
    if match is None or match[1] not in _PROGRAMS:
        return call.name
    word = f" {match[2]}" if match[2] and match[1] in _WITH_WORD else ""
    return f"{call.name}:{match[1]}{word}"
