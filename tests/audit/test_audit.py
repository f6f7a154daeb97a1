"""From files to figures: what an audit adds up, and how it is told."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from recorded import USAGE, claude_lines, codex_lines, har, request, written

from headroom_mitm.audit.adding import Adding
from headroom_mitm.audit.findings import Findings
from headroom_mitm.audit.measuring import Auditor
from headroom_mitm.audit.page import page
from headroom_mitm.audit.reading import Reader
from headroom_mitm.audit.wording import count, money, share, times
from headroom_mitm.cli import main

Audit = Callable[..., Findings]


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    def run(*files: Path) -> Findings:
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        reader, adding, auditor = Reader(), Adding(), Auditor(folder)
        for file in files:
            for recording in reader.read(file):
                measured = auditor.measured(recording)
                assert measured is not None
                adding.add(measured)
        auditor.close()
        return adding.findings(len(files), reader.failed)

    return run


def recorded_har(file: Path, turns: int, usage: bool, gap: int = 30, **more: object) -> Path:
    times = [f"2026-11-01T{10 + at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}Z" for at in range(0, gap * turns, gap)]
    entries = [(at, request(turn, **more), USAGE[turn] if usage else None) for turn, at in enumerate(times)]
    file.write_text(json.dumps(har(entries)))
    return file


def test_money_is_what_was_reported_at_the_prices_of_the_table(audit: Audit, tmp_path: Path) -> None:
    found = audit(written(tmp_path / "s.jsonl", claude_lines()))
    fresh, read, write, output = 9, 25_000, 16_200, 180
    assert (found.sums.fresh, found.sums.read, found.sums.write_5m, found.sums.output) == (fresh, read, write, output)
    expected = (fresh * 3 + read * 0.3 + write * 3.75 + output * 15) / 1_000_000
    assert found.sums.paid == pytest.approx(expected)
    assert found.per_month == pytest.approx(30 * expected)  # of a day, since it was less than one
    assert found.simulated == 0


def test_what_is_saved_is_less_than_what_was_spent_and_more_than_nothing(audit: Audit, tmp_path: Path) -> None:
    found = audit(written(tmp_path / "s.jsonl", claude_lines()), written(tmp_path / "r.jsonl", codex_lines()))
    assert [one.name for one in found.measures] == ["lossless forms", "leaving out", "cache markers"]
    assert 0 < found.measures[0].dollars < found.saved < found.sums.paid
    assert found.measures[0].tokens > 0
    assert found.saved == pytest.approx(sum(day.saved for day in found.by_day))


def test_tokens_are_told_by_tool_and_kind_and_add_up(audit: Audit, tmp_path: Path) -> None:
    found = audit(written(tmp_path / "s.jsonl", claude_lines()))
    assert [row.name for row in found.tools] == ["Bash:cat"]
    assert sum(row.tokens for row in found.kinds) == sum(row.tokens for row in found.tools)
    assert found.tools[0].times == 2
    assert found.repeats.times == 1
    assert found.repeats.tokens * 3 == pytest.approx(found.tools[0].tokens, rel=0.01)  # sent once, of three in all
    assert found.conversations == 1


def test_where_nothing_was_reported_the_cache_follows_the_providers_rules(audit: Audit, tmp_path: Path) -> None:
    """Nobody has set markers, so nothing was cached; markers of ours would have had all but the first read."""
    found = audit(recorded_har(tmp_path / "x.har", 3, usage=False))
    assert (found.simulated, found.sums.read) == (3, 0)
    markers = found.measures[2]
    assert markers.dollars > 0.05 * found.sums.paid
    assert found.saved < found.sums.paid


def test_a_client_that_has_its_prompts_cached_needs_no_markers_of_ours(audit: Audit, tmp_path: Path) -> None:
    assert audit(recorded_har(tmp_path / "x.har", 3, usage=True)).measures[2].dollars == 0


def test_a_client_that_sets_markers_gets_none_of_ours(audit: Audit, tmp_path: Path) -> None:
    """Whatever its provider makes of them."""
    marked = {"system": [{"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}}]}
    uncached = {"input_tokens": 20_000, "output_tokens": 9}
    entries = [(f"2026-11-01T10:00:0{turn}.000Z", request(turn, **marked), uncached) for turn in (1, 2, 3)]
    file = tmp_path / "x.har"
    file.write_text(json.dumps(har(entries)))
    assert audit(file).measures[2].dollars == 0


def test_a_pause_that_is_longer_than_the_cache_lives_is_a_miss(audit: Audit, tmp_path: Path) -> None:
    lines = claude_lines()
    late = next(line for line in lines if line.get("message", {}).get("id") == "m2")
    for line in lines[lines.index(late) :]:
        line["timestamp"] = line["timestamp"].replace("T10:", "T12:")
        usage = line["message"].get("usage")
        if usage and line["message"]["id"] == "m2":
            line["message"]["usage"] = usage | {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 16_000}
    found = audit(written(tmp_path / "s.jsonl", lines))
    miss = next(miss for miss in found.misses if miss.reason == "pause")
    assert miss.requests == 1
    assert miss.dollars == pytest.approx(miss.tokens * (3.75 - 0.3) / 1_000_000)
    assert 8_000 < miss.tokens < 10_000


def test_prices_that_are_not_known_are_in_no_figure(audit: Audit, tmp_path: Path) -> None:
    found = audit(recorded_har(tmp_path / "x.har", 2, usage=True, model="claude-unknown-9"))
    assert (dict(found.unpriced), found.per_month, found.saved) == ({"claude-unknown-9": 2}, 0.0, 0.0)


def test_the_program_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "s.jsonl", claude_lines())
    assert main(["audit", "--json", str(file)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["requests"], told["sums"]["read"], told["tools"][0]["name"]) == (3, 25_000, "Bash:cat")


def test_the_program_prints_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.har").write_text('{"log": 1}')
    written(tmp_path / "s.jsonl", claude_lines())
    assert main(["audit", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    for said in ("2 files, 3 requests, 1 conversation", "lossless forms", "Bash:cat", "█", "Not read: ", "bad.har"):
        assert said in out


def test_without_requests_it_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "s.jsonl", [])
    file.write_text("{}\n")
    assert main(["audit", str(file)]) == 1
    assert "No requests" in capsys.readouterr().out


def test_without_paths_the_clients_own_logs_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["audit"]) == 1
    assert "name files" in capsys.readouterr().err
    written(tmp_path / ".claude" / "projects" / "p" / "s.jsonl", claude_lines())
    assert main(["audit"]) == 0


class Outside(HTMLParser):
    """Finds what a page would fetch, and tags that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "srcset")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    lines = claude_lines()
    for line in lines:
        for block in line.get("message", {}).get("content", []) if line.get("type") == "assistant" else []:
            if block.get("name"):
                block["name"], block["input"] = "<b>Read</b>", {"file_path": "/a/<script>alert(1)</script>.py"}
    written(tmp_path / "s.jsonl", lines)
    target = tmp_path / "report.html"
    assert main(["audit", "--html", str(target), str(tmp_path / "s.jsonl")]) == 0
    text = target.read_text()
    parser = Outside()
    parser.feed(text)
    assert (parser.fetched, parser.open, "url(" in text, "@import" in text) == ([], [], False, False)
    assert "<script" not in text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_a_page_about_nothing_says_so() -> None:
    assert "No requests" in page(Adding().findings(0, []))


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (count(950), "950"),
        (count(41_230), "41.2k"),
        (count(3_400_000), "3.4M"),
        (count(-2_000), "-2.0k"),
        (money(0), "$0.00"),
        (money(0.0123), "$0.0123"),
        (money(-1.5), "-$1.50"),
        (money(-0.00001), "$0.0000"),
        (money(12_345.6), "$12,346"),
        (share(1, 4), "25.0 %"),
        (share(1, 0), "-"),
        (times(1, "file"), "1 file"),
        (times(1_200, "file"), "1,200 files"),
    ],
)
def test_figures_are_written_for_people(said: str, text: str) -> None:
    assert said == text
