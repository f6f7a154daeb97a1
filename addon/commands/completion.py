"""``headroom-mitm completion``: what a shell needs to complete our command lines."""

import argparse
from collections.abc import Callable, Mapping

from headroom_mitm.commands.base import Command

Words = Mapping[str, tuple[str, ...]]
"""What may follow each command; below the empty name, the commands."""


def words_of(parser: argparse.ArgumentParser) -> dict[str, tuple[str, ...]]:
    """Return what a parser takes."""
    found = {"": _options(parser)}
    for action in parser._actions:  # noqa: SLF001  # argparse has no other way to ask
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            found[""] = (*action.choices, *found[""])
            found |= {name: _options(part) for name, part in action.choices.items()}
    return found


def _options(parser: argparse.ArgumentParser) -> tuple[str, ...]:
    words: list[str] = []
    for action in parser._actions:  # noqa: SLF001
        words += [name for name in action.option_strings if name.startswith("--")]
        if action.choices and not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            words += [str(choice) for choice in action.choices]
    return tuple(words)


def _bash(words: Words) -> str:
    cases = "\n".join(f"    {name}) words='{' '.join(options)}' ;;" for name, options in words.items() if name)
    return f"""_headroom_mitm() {{
  local words='{" ".join(words[""])}' current=${{COMP_WORDS[COMP_CWORD]}}
  if [ "$COMP_CWORD" -gt 1 ]; then
    case ${{COMP_WORDS[1]}} in
{cases}
    *) words= ;;
    esac
  fi
  COMPREPLY=()
  local word
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _headroom_mitm headroom-mitm
"""


def _zsh(words: Words) -> str:
    cases = "\n".join(f"    {name}) offers=({' '.join(options)}) ;;" for name, options in words.items() if name)
    return f"""#compdef headroom-mitm
_headroom_mitm() {{
  local -a offers=({" ".join(words[""])})
  if (( CURRENT > 2 )); then
    case ${{words[2]}} in
{cases}
    *) offers=() ;;
    esac
    _files
  fi
  compadd -a offers
}}
if [ "$funcstack[1]" = _headroom_mitm ]; then _headroom_mitm "$@"; else compdef _headroom_mitm headroom-mitm; fi
"""


def _fish(words: Words) -> str:
    lines = [f"complete -c headroom-mitm -n __fish_use_subcommand -f -a '{' '.join(words[''])}'"]
    lines += [
        f"complete -c headroom-mitm -n '__fish_seen_subcommand_from {name}' -a '{' '.join(options)}'"
        for name, options in words.items()
        if name
    ]
    return "\n".join(lines) + "\n"


SHELLS: dict[str, Callable[[Words], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}


def completion(parser: Callable[[], argparse.ArgumentParser]) -> Command:
    """Return the command; it completes what a parser, asked when it runs, takes."""

    def declare(part: argparse.ArgumentParser) -> None:
        part.add_argument("shell", choices=SHELLS)

    def run(asked: argparse.Namespace) -> int:
        print(SHELLS[asked.shell](words_of(parser())), end="")
        return 0

    return Command(
        "completion",
        "print what bash, zsh or fish needs to complete these commands",
        run,
        declare,
        description='For bash: eval "$(headroom-mitm completion bash)" in ~/.bashrc; for zsh the same with zsh in '
        "~/.zshrc, after compinit; for fish: headroom-mitm completion fish > ~/.config/fish/completions/"
        "headroom-mitm.fish",
    )
