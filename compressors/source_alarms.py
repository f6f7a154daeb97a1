"""Where code that is left out goes wrong on purpose: lines that raise, throw, panic, exit or return an error."""

import re
from collections.abc import Sequence

_LONGEST = 200  # characters of a line that is shown; of a longer one the number is
_COMMENTS = ("#", "//", "*", "/*", "--", "<!--", '"', "'")
_ENDS_OPEN = ("(", "{", "[", "=")
_GOES_WRONG = re.compile(
    # what stands in front: the beginning, a block that opens on the line, an alternative, an arrow
    r"(?:^|[;{():>]|\belse\b|\bor\b|\bthen\b|\|\||&&|\?\?|=)\s*"
    r"(?:raise\b(?! *[=.:])|throw\b(?! *[=.:])|rethrow\b|panic!?\(|unreachable!\(|todo!\(|unimplemented!\(|bail!\("
    r"|die\(|die |fatalError\(|preconditionFailure\(|abort\(|(?:process|sys|os|System)\.[eE]xit\(|exit\(?[ (][1-9]"
    r"|log\.(?:Fatal|Panic)\w*\()"
    r"|\breturn\b.*(?:\bErr\(|\berrors\.New\(|\bErrorf\(|\berr\b|\b[A-Z]\w*(?:Error|Exception)\b|\bEINVAL\b|-E[A-Z]{3,}\b)"
    r"|\breject\(|\bnew \w*(?:Error|Exception)\(|\?\? *throw\b"
)


def named(lines: Sequence[str], gap: range) -> str:
    """Return the lines in a gap that go wrong, each text once behind its numbers, from 1; empty if there are none.

    The line below one that ends with an open bracket goes with it: there the message stands.
    """
    places: dict[str, list[int]] = {}
    below = False
    for at in gap:
        text = lines[at].strip()
        if not (below or goes_wrong(text)):
            continue
        below = not below and text.endswith(_ENDS_OPEN)
        places.setdefault(text if len(text) <= _LONGEST else "", []).append(at + 1)
    return " | ".join(f"{', '.join(map(str, numbers))} {text}".rstrip() for text, numbers in places.items())


def goes_wrong(text: str) -> bool:
    """Say whether a line of code raises something or gives an error back; ``text``: without spaces around it."""
    return not text.startswith(_COMMENTS) and _GOES_WRONG.search(text[:_LONGEST]) is not None
