"""Where the arguments of the client's calls stand in chunks and documents of chat completions."""

from collections.abc import Iterator

from headroom_mitm.segments import Span
from headroom_mitm.wire import document
from headroom_mitm.wire.arguments import Spot

Found = dict[str, Span]


class ChatCalls:
    """See ``Calls``."""

    def may_matter(self, piece: bytes) -> bool:
        """See ``Calls``."""
        return b'"arguments"' in piece or b'"custom"' in piece

    def spots(self, data: bytes) -> list[Spot]:
        """See ``Calls``."""
        top = document.members(data, document.whole(data))
        return [spot for choice in _items(data, top.get("choices")) for spot in _spots(data, choice)]


def _spots(data: bytes, choice: Found) -> Iterator[Spot]:
    is_piece = "delta" in choice
    message = _object(data, choice.get("delta") or choice.get("message"))
    index = _raw(data, choice)
    for place, call in enumerate(_items(data, message.get("tool_calls"))):
        number = _raw(data, call) or b"%d" % place
        yield from _arguments(data, call.get("function") or call.get("custom"), (index, number) if is_piece else None)
    yield from _arguments(data, message.get("function_call"), (index, b"function") if is_piece else None)


def _arguments(data: bytes, holder: Span | None, call: tuple[bytes, bytes] | None) -> Iterator[Spot]:
    function = _object(data, holder)
    arguments = function.get("arguments") or function.get("input")
    if arguments is not None and document.is_string(data, arguments):
        yield Spot(arguments, call)


def _raw(data: bytes, found: Found) -> bytes:
    return data[slice(*found.get("index", (0, 0)))]


def _object(data: bytes, span: Span | None) -> Found:
    return document.members(data, span) if span is not None and document.is_object(data, span) else {}


def _items(data: bytes, span: Span | None) -> list[Found]:
    places = document.items(data, span) if span is not None and document.is_list(data, span) else []
    return [_object(data, place) for place in places]
