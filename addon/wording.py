"""The words that a model reads from us: the declaration of the tool, and the marker behind a text that is not whole."""

TOOL_NAME = "headroom_retrieve"
# Sent with every request of a conversation, so it is kept under 100 tokens in all.
TOOL_DESCRIPTION = (
    "Returns what a note in a result says is left out. "
    "id: from the note. For a part: lines (120-180), search or path (items[0].name)."
)
TOOL_SCHEMA = (
    b'{"type":"object","properties":{"id":{"type":"string"},"lines":{"type":"string"},'
    b'"search":{"type":"string"},"path":{"type":"string"}},"required":["id"]}'
)


NOTE = "[Left out here, not missing"
"""How a marker begins."""


def marker(left_out: str, text_id: str) -> str:
    """Return the line that says what is not shown and how to get it. It begins a line of its own."""
    return f"{NOTE}: {left_out}. To read it: {TOOL_NAME}, id={text_id}]"
