"""What a call of our tool brings: a page of an original that belongs to the conversation, or why there is none."""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from headroom_mitm.errors import MissingOriginal, StoreUnavailable
from headroom_mitm.roundtrip.pages import Page, Query, page
from headroom_mitm.segments import Digest, Rendering
from headroom_mitm.wire.reply import Answered, HiddenCall

logger = logging.getLogger(__name__)

LONGEST_SHOWN = 80
"""Characters of a wrong id that are repeated to the model."""
_ID = re.compile(r"[0-9a-f]{8}")


class Served(NamedTuple):
    """An answer, and the id of the text that it is from; empty where there was none to serve."""

    answered: Answered
    text_id: str = ""


def serve(call: HiddenCall, originals: Mapping[str, Rendering], read: Callable[[Digest], str]) -> Served:
    """Answer a call; ``originals`` are the texts of its conversation, by id. May block, as ``read`` does."""
    arguments = _arguments(call.arguments)
    wanted = str(arguments.get("id", ""))
    match = _ID.search(wanted)
    rendering = originals.get(match[0]) if match else None
    if rendering is None:
        return _gone(call, wanted)
    query = Query(*(str(arguments.get(name) or "") for name in ("lines", "search", "path")))
    try:
        found = page(read(rendering.original), query)
    except MissingOriginal:
        return _gone(call, rendering.id)
    except StoreUnavailable as error:
        logger.warning("store unavailable, the model could not read %s: %s", rendering.id, error)
        text = "The text cannot be read at the moment. Run the command again if you need its output."
        return _served(call, Page(text, is_error=True))
    return _served(call, found, rendering.id)


def _served(call: HiddenCall, shown: Page, text_id: str = "") -> Served:
    return Served(Answered(call, shown.text, shown.is_error), text_id)


def _gone(call: HiddenCall, text_id: str) -> Served:
    text = (
        f"There is no text with id {text_id[:LONGEST_SHOWN]!r} in this conversation, and there will be none: "
        "do not ask for it again. Run the command or read the file again if you need its content."
    )
    return _served(call, Page(text, is_error=True))


def _arguments(raw: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(raw or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
