"""Server-sent events, cut out of a byte stream exactly as they came. Source: the WHATWG's HTML standard, section 9.2."""

import re

_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")
_NAME = re.compile(rb"^event:[ ]?([^\r\n]*)", re.MULTILINE)
_DATA = re.compile(rb"^data:[ ]?([^\r\n]*)", re.MULTILINE)


class Splitter:
    """Gives back whole events, however the bytes are cut; all events and the rest joined are the stream again."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the events that are complete now, each with its blank line."""
        # An end may begin in what was kept: look again at its last three bytes, and at nothing before them.
        start = max(0, len(self._rest) - 3)
        text = self._rest + data
        events: list[bytes] = []
        at = 0
        while match := _END.search(text, max(at, start)):
            events.append(text[at : match.end()])
            at = match.end()
        self._rest = text[at:]
        return events

    def rest(self) -> bytes:
        """Return what stands behind the last whole event, and forget it."""
        rest, self._rest = self._rest, b""
        return rest


def name_of(event: bytes) -> str:
    """Return the event's name, or an empty string."""
    match = _NAME.search(event)
    return match[1].decode("ascii", "replace") if match else ""


def data_of(event: bytes) -> bytes:
    """Return the event's data; several data lines are joined by line feeds."""
    return b"\n".join(_DATA.findall(event))


def written(name: str, data: bytes) -> bytes:
    """Return an event with a name and one line of data."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)
