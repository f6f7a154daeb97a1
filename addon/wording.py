"""The words that a model reads from us: the declaration of the tool, and the marker behind a text that is not whole."""

TOOL_NAME = "headroom_retrieve"
TOOL_DESCRIPTION = "Returns text that a note in a tool result says is left out. Give the note's id, and lines, search or path to get just a part."
TOOL_SCHEMA = (
    b'{"type":"object","properties":{"id":{"type":"string"},'
    b'"lines":{"type":"string","description":"such as 120-180"},'
    b'"search":{"type":"string"},'
    b'"path":{"type":"string","description":"JSON path such as items[0].name"}},'
    b'"required":["id"]}'
)


def marker(left_out: str, text_id: str) -> str:
    """Return the line that says what is not shown and how to get it. It begins a line of its own."""
    return f"[Left out here, not missing: {left_out}. To read it: {TOOL_NAME}, id={text_id}]"
