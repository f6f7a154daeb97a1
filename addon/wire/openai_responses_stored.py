"""Answers of OpenAI's Responses that the provider keeps, as a client reads them later: one by its id, or its input.

Source: platform.openai.com/docs, "Get a model response", "List input items".
"""

from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import document, raw_object
from headroom_mitm.wire import openai_responses_turn as turn
from headroom_mitm.wire.openai_responses_turn import Item
from headroom_mitm.wire.splice import splice

_LISTS = ("output", "data")
"""Where the items stand in an answer, and in a page of its input."""


def without_calls(data: bytes, tool: str) -> bytes:
    """Return an answer, or a page of its input, without the calls of a tool, what they brought, and its declaration.

    All else keeps its bytes, cursors too: the provider knows them. Raises ``UnreadableBody``.
    """
    top = document.members(data, document.whole(data))
    edits = turn.without_tool(data, top.get("tools"), tool)
    for name in _LISTS:
        edits += _without_items(data, top.get(name), tool)
    return splice(data, edits)


def _without_items(data: bytes, place: Span | None, tool: str) -> list[Edit]:
    if place is None or not document.is_list(data, place):
        return []
    items = [Item(data[slice(*span)]) for span in document.items(data, place)]
    hidden = {item.call_id for item in items if item.is_call_of(tool)}
    kept = [item.raw for item in items if not item.is_call_of(tool) and not _brings(item, hidden)]
    return [Edit(place, raw_object.listed(kept))] if hidden else []


def _brings(item: Item, calls: set[str]) -> bool:
    return item.kind == "function_call_output" and item.call_id in calls
