"""Server-sent events, cut out of a byte stream exactly as they came. Source: WHATWG's HTML standard, section 9.2."""

import re

# Two line ends. A carriage return is one only if no line feed follows, so at the end of what has come it must wait.
_END = re.compile(rb"(?>\r\n|\n|\r)(?:\r\n|\n|\r(?=[^\n]))")
_LONGEST_END = 4
_LINE_END = re.compile(rb"\r\n|\n|\r")


class Splitter:
    """Gives back whole events, however the bytes are cut; all events and the rest joined are the stream again."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the events that are complete now, each with its blank line."""
        if not self._rest and _is_one(data):
            return [data]
        # An end may begin in what was kept: look again at its last bytes, and at nothing before them.
        start = max(0, len(self._rest) - _LONGEST_END)
        text = self._rest + data
        events: list[bytes] = []
        at = 0
        while match := _END.search(text, max(at, start)):
            events.append(text[at : match.end()])
            at = match.end()
        self._rest = text[at:]
        return events

    @property
    def is_between(self) -> bool:
        """No event has begun."""
        return not self._rest

    def rest(self) -> bytes:
        """Return what stands behind the last whole event, and forget it."""
        rest, self._rest = self._rest, b""
        return rest


def _is_one(data: bytes) -> bool:
    """Say whether a piece is just one event, as nearly all pieces are: quicker than to look for ends in it."""
    if data.endswith(b"\n\n"):
        return data.find(b"\n\n") == len(data) - 2 and b"\r" not in data
    is_one = data.endswith(b"\r\n\r\n") and data.find(b"\n\r") == len(data) - 3
    return is_one and not (b"\n\n" in data or b"\r\r" in data)


def is_whole(event: bytes) -> bool:
    """Say whether a stream's rest is an event after all: one that ends in carriage returns had to wait for the end."""
    return event.endswith((b"\r\r", b"\n\r"))


def name_of(event: bytes) -> str:
    """Return the event's name, or an empty string."""
    if event.startswith(b"event: ") and event.count(b"event:") == 1:
        return _LINE_END.split(event, 1)[0][7:].decode("utf-8", "replace")
    names = _values(event, b"event")
    return names[-1].decode("utf-8", "replace") if names else ""


def data_of(event: bytes) -> bytes:
    """Return the event's data; several data lines are joined by line feeds."""
    # Nearly always one line, behind the name if there is one.
    begin = event.find(b"\n") + 1 if event.startswith(b"event:") else 0
    end = event.find(b"\n", begin)
    if event.startswith(b"data: ", begin):
        if end == len(event) - 2 and b"\r" not in event:
            return event[begin + 6 : end]
        if end == len(event) - 3 and not begin and event.find(b"\r") == end - 1 and event.endswith(b"\r\n\r\n"):
            return event[6 : end - 1]
    return b"\n".join(_values(event, b"data"))


def written(name: str, data: bytes) -> bytes:
    """Return an event with a name; each line of the data becomes one of the event."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data.replace(b"\n", b"\ndata: "))


def with_data(event: bytes, changed: bytes) -> bytes:
    """Return the event with other data; all else of it stays, unless the data stands in several lines."""
    data, name = data_of(event), name_of(event)
    for field in (b"data: ", b"data:"):
        before, found, behind = event.partition(field + data)
        kept = before + field + changed + behind
        if found and data_of(kept) == changed:  # the same may stand in a comment
            return kept
    return written(name, changed) if name else b"data: %s\n\n" % changed.replace(b"\n", b"\ndata: ")


def _values(event: bytes, field: bytes) -> list[bytes]:
    """Return the values of a field: what stands behind the first colon, without one space."""
    values: list[bytes] = []
    for line in _LINE_END.split(event):
        name, _, value = line.partition(b":")
        if name == field:
            values.append(value.removeprefix(b" "))
    return values
