"""One line a request, in names that log collectors know; what is not known is left out, and a full disk is no fault."""

import json
import logging
import stat
from pathlib import Path
from typing import Any

import pytest

from headroom_mitm.journal import Journal, line_of

FIGURES: dict[str, Any] = {
    "format": "gemini_generate",
    "provider": "google",
    "model": "gemini-3-pro",
    "client": "gemini-cli",
    "arm": "changed",
    "conversation": "ab" * 16,
    "prompt_before": 900,
    "prompt_after": 700,
    "texts_before": 500,
    "texts_after": 300,
    "cache": 0.5,
    "usage": {"fresh": 100, "read": 400, "write_5m": 50, "write_1h": 150, "output": 30},
    "legs": 2,
    "retrieved": ["0a1b2c3d"],
    "paid": 0.01,
    "without": 0.02,
    "saved": 0.01,
    "caching": 0.0,
    "sources": {},
    "compressors": {},
}


def test_tokens_are_counted_as_the_conventions_count_them() -> None:
    """Input tokens are all of them, those of the cache among them."""
    line = line_of(FIGURES, 0.0)
    assert line["gen_ai.usage.input_tokens"] == 700
    assert line["gen_ai.usage.cache_read.input_tokens"] == 400
    assert line["gen_ai.usage.cache_creation.input_tokens"] == 200
    assert line["gen_ai.usage.output_tokens"] == 30
    assert line["gen_ai.provider.name"] == "gcp.gemini"
    assert (line["timestamp"], line["headroom.retrieved"]) == ("1970-01-01T00:00:00.000+00:00", 1)


def test_what_is_not_known_is_left_out() -> None:
    unknown = {"usage": None, "paid": None, "without": None, "saved": None, "caching": None, "provider": None}
    line = line_of({**FIGURES, **unknown, "conversation": None}, 0.0)
    assert not any(name.startswith(("gen_ai.usage", "gen_ai.provider", "gen_ai.conversation")) for name in line)
    assert "headroom.paid" not in line
    assert line["headroom.texts_before"] == 500


def test_lines_are_added_to_a_file_of_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for at in (1.0, 2.0):
        Journal(path).note(FIGURES, at)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["timestamp"][-9:-6] for line in lines] == ["000", "000"]
    assert len(lines) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(tmp_path / "nowhere" / "log.jsonl")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            journal.note(FIGURES, 0.0)
    assert caplog.text.count("cannot be written") == 1


@pytest.mark.parametrize("figure", [float("inf"), float("nan")])
def test_a_figure_that_json_does_not_know_is_left_out(figure: float) -> None:
    assert "headroom.paid" not in line_of({**FIGURES, "paid": figure}, 0.0)
