"""Where the arguments of the client's calls stand in Anthropic's events and messages."""

from headroom_mitm.segments import Span
from headroom_mitm.wire import document
from headroom_mitm.wire.arguments import Spot

Found = dict[str, Span]


class AnthropicCalls:
    """See ``Calls``. A stream's blocks are known by their numbers; a message has all of them."""

    def __init__(self) -> None:
        self._calls: set[object] = set()

    def may_matter(self, piece: bytes) -> bool:
        """See ``Calls``."""
        return b"input_json_delta" in piece or b"tool_use" in piece

    def spots(self, data: bytes) -> list[Spot]:
        """See ``Calls``."""
        members = document.members(data, document.whole(data))
        if "content_block" in members:
            if _is_call(data, document.members(data, members["content_block"])):
                self._calls.add(_number(data, members))
        elif "delta" in members and document.is_object(data, members["delta"]):
            piece = document.members(data, members["delta"]).get("partial_json")
            number = _number(data, members)
            if piece is not None and number in self._calls and document.is_string(data, piece):
                return [Spot(piece, ("block", number))]
        elif "content" in members and document.is_list(data, members["content"]):
            blocks = (document.members(data, place) for place in document.items(data, members["content"]))
            return [Spot(block["input"]) for block in blocks if _is_call(data, block) and "input" in block]
        return []


def _is_call(data: bytes, block: Found) -> bool:
    return document.member_string(data, block, "type") == "tool_use"


def _number(data: bytes, members: Found) -> object:
    return data[slice(*members["index"])] if "index" in members else b""
