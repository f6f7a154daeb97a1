"""Shells complete our command lines."""

import shutil
import subprocess

import pytest

from headroom_mitm.cli import COMMANDS, main, parser
from headroom_mitm.commands.completion import SHELLS, words_of

ASK = {
    "bash": "COMP_WORDS=({words}); COMP_CWORD={place}; _headroom_mitm; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
    "fish": "complete -C '{line}' | string split -f 1 \\t",
    "zsh": "compadd() {{ print -l -- $offers }}; _files() {{ }}; words=({words}); CURRENT={zsh}; _headroom_mitm",
}
LOAD = {"zsh": "compdef() { }\n"}


def test_all_commands_and_options_are_known() -> None:
    words = words_of(parser())
    assert {command.name for command in COMMANDS} <= set(words[""])
    assert {"--client", "claude", "--shell", "fish"} <= set(words["env"])


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
@pytest.mark.parametrize(
    ("line", "expected", "other"),
    [
        ("headroom-mitm ", {"run", "doctor", "audit"}, {"claude"}),
        ("headroom-mitm env ", {"claude", "codex"}, {"doctor"}),
        ("headroom-mitm completion ", {"bash", "zsh", "fish"}, {"doctor"}),
    ],
)
def test_a_shell_offers_what_fits(
    shell: str, line: str, expected: set[str], other: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    words = line.split()
    ask = ASK[shell].format(words=" ".join([*words, "''"]), place=len(words), zsh=len(words) + 1, line=line)
    program = f"{LOAD.get(shell, '')}{script}\n{ask}\n"
    done = subprocess.run([shell], input=program, capture_output=True, text=True, check=False)
    offered = set(done.stdout.split())
    assert expected <= offered, done.stderr
    assert not other & offered
