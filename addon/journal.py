"""One line of JSON for each request, for log collectors: OpenTelemetry's names for generative AI, and our figures.

Names: gen_ai.* of the semantic conventions 1.41, which count cached tokens as input tokens, too. No text of anybody's.
"""

import json
import logging
import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

_PROVIDERS = {"google": "gcp.gemini", "azure": "azure.ai.openai", "x-ai": "x_ai", "mistral": "mistral_ai"}
"""Names that the conventions give to providers, where they differ from ours."""
_OURS = ("client", "arm", "texts_before", "texts_after", "legs", "paid", "without", "saved", "caching")


class Journal:
    """Writes to one file, of which only the user can read. What cannot be written is said once, and left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._has_failed = False

    def note(self, figures: Mapping[str, Any], at: float) -> None:
        """Write the line of a request that is over. Quick, and never raises."""
        line = json.dumps(line_of(figures, at), separators=(",", ":")) + "\n"
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, line.encode())
            finally:
                os.close(file)
        except OSError as error:
            if not self._has_failed:
                logger.warning("headroom: %s cannot be written: %s", self._path, error)
            self._has_failed = True
        else:
            self._has_failed = False


def line_of(figures: Mapping[str, Any], at: float) -> dict[str, Any]:
    """Return the line of a request; ``at``: seconds since the epoch. What is not known is not in it."""
    usage = figures["usage"] or {}
    cached, written = usage.get("read"), usage.get("write_5m", 0) + usage.get("write_1h", 0) if usage else None
    said = {
        "timestamp": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _PROVIDERS.get(figures["provider"], figures["provider"]),
        "gen_ai.request.model": figures["model"],
        "gen_ai.conversation.id": figures["conversation"],
        "gen_ai.usage.input_tokens": usage["fresh"] + usage["read"] + (written or 0) if usage else None,
        "gen_ai.usage.output_tokens": usage.get("output"),
        "gen_ai.usage.cache_read.input_tokens": cached,
        "gen_ai.usage.cache_creation.input_tokens": written,
        **{f"headroom.{name}": figures[name] for name in _OURS},
        "headroom.retrieved": len(figures["retrieved"]),
    }
    return {name: value for name, value in said.items() if not (value is None or _is_no_json(value))}


def _is_no_json(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
