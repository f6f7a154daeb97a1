"""What mitmdump prints of requests holds no credentials: some clients put keys into addresses, and all into headers."""

import re
from typing import IO, Any

from mitmproxy import ctx

_COLOURS = r"(?:\x1b\[[0-9;]*m)*"
_IN_ADDRESS = re.compile(r"([?&](?:key|api[-_]?key|access_token|token)=)[^&\s\x1b\"']+", re.IGNORECASE)
_IN_HEADER = re.compile(
    rf"^(\s*{_COLOURS}(?:x-api-key|x-goog-api-key|api-key|(?:proxy-)?authorization|(?:set-)?cookie){_COLOURS}: ).+$",
    re.IGNORECASE | re.MULTILINE,
)


def redacted(text: str) -> str:
    """Return a text in which keys of addresses, and headers that hold credentials, are left out."""
    return _IN_HEADER.sub(r"\1…", _IN_ADDRESS.sub(r"\1…", text))


class Redacting:
    """A file that leaves them out of what is written. All else is as in the file below."""

    def __init__(self, file: IO[str]) -> None:
        self.file = file

    def write(self, text: str) -> int:
        """Write a text. Headers are told by the beginnings of lines: mitmproxy writes one at a time."""
        return self.file.write(redacted(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


class Printed:
    """Stands between mitmdump's printer and what it prints to; where there is none, does nothing."""

    def running(self) -> None:
        """Begin, once all that prints is there."""
        printer = ctx.master.addons.get("dumper")
        file = getattr(printer, "outfp", None)
        if file is not None and not isinstance(file, Redacting):
            printer.outfp = Redacting(file)

    def done(self) -> None:
        """End: mitmproxy loads a script again when its file changes."""
        printer = ctx.master.addons.get("dumper")
        file = getattr(printer, "outfp", None)
        if isinstance(file, Redacting):
            printer.outfp = file.file
