"""Where the arguments of the client's calls stand in events, frames and documents of Responses."""

from collections.abc import Iterator

from headroom_mitm.segments import Span
from headroom_mitm.wire import document
from headroom_mitm.wire.arguments import Spot

Found = dict[str, Span]

_MEMBER = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
}
_PIECES = {
    "response.function_call_arguments.delta": "delta",
    "response.function_call_arguments.done": "arguments",
    "response.custom_tool_call_input.delta": "delta",
    "response.custom_tool_call_input.done": "input",
    "response.shell_call_command.added": "command",
    "response.shell_call_command.delta": "delta",
    "response.shell_call_command.done": "command",
    "response.apply_patch_call_operation_diff.delta": "delta",
    "response.apply_patch_call_operation_diff.done": "diff",
}
_NAMES = (b"function_call", b"custom_tool_call", b"shell_call", b"apply_patch_call")
_OF_PIECE = ("output_index", "command_index")


class ResponsesCalls:
    """See ``Calls``."""

    def may_matter(self, piece: bytes) -> bool:
        """See ``Calls``."""
        return any(name in piece for name in _NAMES)

    def spots(self, data: bytes) -> list[Spot]:
        """See ``Calls``."""
        top = document.members(data, document.whole(data))
        kind = document.member_string(data, top, "type")
        if kind in _PIECES:
            place = top.get(_PIECES[kind])
            numbers = tuple(data[slice(*top.get(name, (0, 0)))] for name in _OF_PIECE)
            call = numbers if kind.endswith("delta") else None
            return [Spot(place, call)] if place is not None and document.is_string(data, place) else []
        if "item" in top:
            return list(_whole(data, [top["item"]]))
        answer = document.members(data, top["response"]) if "response" in top else top
        output = answer.get("output")
        has_list = output is not None and document.is_list(data, output)
        return list(_whole(data, document.items(data, output))) if output is not None and has_list else []


class ResponsesCallsInFrames(ResponsesCalls):
    """Looks at whole arguments only: these are what clients run, and a frame must not wait for another one."""

    def spots(self, data: bytes) -> list[Spot]:
        """See ``Calls``."""
        return [spot for spot in super().spots(data) if spot.call is None]


def _whole(data: bytes, items: list[Span]) -> Iterator[Spot]:
    for place in items:
        item = document.members(data, place) if document.is_object(data, place) else {}
        arguments = item.get(_MEMBER.get(document.member_string(data, item, "type"), ""))
        if arguments is not None and (document.is_string(data, arguments) or document.is_object(data, arguments)):
            yield Spot(arguments)
