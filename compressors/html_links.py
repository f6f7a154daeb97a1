"""How links are shown: with their target where they first stand, and the less of it the harder the level."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from headroom_mitm.compressors.base import Level
from headroom_mitm.compressors.html_flow import END, MIDDLE, START

_LINK = re.compile(f"{START}([^{START}{MIDDLE}{END}]*){MIDDLE}([^{START}{MIDDLE}{END}]*){END}")
_NOTHING_ELSE = re.compile(r"[\s|·•,/»›>-]*(?:\d+\. )?[\s|·•,/»›>-]*")
_LONGEST_TARGET = 200  # characters
_DATA = re.compile(r"data:[\w.+/-]*", re.IGNORECASE)
_ELSEWHERE = ("http:", "https:")
"""How the target of a link begins that nobody could guess from its text and the page."""
_SHORTEST_RUN = 3  # lines of links that stand above
_SHORTEST_MENU = {Level.MEDIUM: 6, Level.HARD: 4}  # lines of links
_MENU_TEXT = 28  # characters: the links of a menu are not longer on average, those of a list of articles are


@dataclass(slots=True)
class Links:
    """Shows the links of a page, line by line."""

    level: Level
    shown: dict[str, set[str]] = field(default_factory=dict)
    """Target -> texts of the links to it so far."""
    repeated: int = 0
    """Links that stand above with the same text: their target is not said again."""
    bare: int = 0
    """Links whose target is not shown at all."""
    gone: int = 0
    """Links that are only counted."""
    cut: int = 0
    """Characters left out of long targets."""

    def lines(self, lines: Sequence[str]) -> list[str]:
        """Return the lines as a reader gets them."""
        found: list[str] = []
        for is_menu, run in groupby(lines, key=_is_menu):
            block = list(run)
            if is_menu and len(block) >= _SHORTEST_MENU.get(self.level, len(block) + 1):
                found.append(self._menu(block))
            elif is_menu:
                found += self._folded(block)
            else:
                found += map(self._shown, block)
        return found

    def _folded(self, block: Sequence[str]) -> Iterator[str]:
        """Yield lines of links; where some in a row stand above already, the first, the last and their number."""
        before = [self._stands_above(line) for line in block]
        for above, run in groupby(range(len(block)), key=before.__getitem__):
            numbers = list(run)
            texts = [match[1] for number in numbers for match in _LINK.finditer(block[number])]
            if above and len(numbers) >= _SHORTEST_RUN:
                self.repeated += len(texts)
                yield f"[{texts[0]}] … [{texts[-1]}] ({len(texts)} links that stand above)"
            else:
                yield from (self._shown(block[number]) for number in numbers)

    def _stands_above(self, line: str) -> bool:
        return all(match[1] in self.shown.get(match[2], ()) for match in _LINK.finditer(line))

    def _menu(self, block: Sequence[str]) -> str:
        texts = [match[1] for line in block for match in _LINK.finditer(line) if match[1]]
        links = sum(line.count(START) for line in block)
        if self.level is Level.HARD and len(texts) > 2 and sum(map(len, texts)) <= _MENU_TEXT * len(texts):
            self.gone += links
            return f"[{links} links left out: {texts[0]} · {texts[1]} … {texts[-1]}]"
        self.bare += links
        return f"[{links} links without their targets: {' · '.join(texts)}]"

    def _shown(self, line: str) -> str:
        return _LINK.sub(self._link, line) if START in line else line

    def _link(self, match: re.Match[str]) -> str:
        text, target = match.groups()
        if self.level is Level.HARD and text and not target.startswith(_ELSEWHERE):
            self.bare += 1
            return text
        texts = self.shown.setdefault(target, set())
        if text in texts or (texts and not text):
            self.repeated += 1
            return f"[{text}]" if text else ""
        texts.add(text)
        return f"<{target}>" if text == target else f"[{text}]({self._target(target)})"

    def _target(self, target: str) -> str:
        embedded = _DATA.match(target)
        if embedded is None and len(target) <= _LONGEST_TARGET:
            return target
        kept = embedded[0] if embedded else target[: _LONGEST_TARGET // 2]
        self.cut += len(target) - len(kept)
        return f"{kept}…({len(target) - len(kept):,} more characters)"


def _is_menu(line: str) -> bool:
    """Say whether a line is nothing but links."""
    return START in line and not line.startswith("#") and _NOTHING_ELSE.fullmatch(_LINK.sub("", line)) is not None
