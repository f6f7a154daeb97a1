"""The words that a model reads from us: the declaration of the tool, and the marker behind a text that is not whole."""

TOOL_NAME = "headroom_retrieve"
# A model that must say what it looks for gets a few lines instead of a page.
# Sent with every request of a conversation, so it is kept under 100 tokens in all.
TOOL_DESCRIPTION = (
    "Returns what a note says is left out, by its id. search: text, or '' for all. lines: 120-180. path: items[0].name"
)
TOOL_SCHEMA = (
    b'{"type":"object","properties":{"id":{"type":"string"},"lines":{"type":"string"},'
    b'"search":{"type":"string"},"path":{"type":"string"}},"required":["id","search"]}'
)


NOTE = "[Left out here, not missing"
"""How a marker begins."""


def marker(left_out: str, text_id: str) -> str:
    """Return the line that says what is not shown and how to get it. It begins a line of its own."""
    return f"{NOTE}: {left_out}. To read it: {TOOL_NAME}, id={text_id}]"
