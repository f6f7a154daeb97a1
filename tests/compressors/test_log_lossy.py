"""What is left out of a log at which level, and how that is said."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_lines_decoder import shown
from test_log_lines import ALARM, LOSSY, build_log, compressed, pieces

from headroom_mitm import tokens
from headroom_mitm.compressors.base import Content, Level
from headroom_mitm.compressors.log_alarms import alarms_in, is_alarm
from headroom_mitm.compressors.log_lines import LogLines

LOG = LogLines()


def agrees(shown_line: str, line: str) -> bool:
    """Tell whether a line that is shown, perhaps in part, is this line of the original."""
    return re.fullmatch(re.escape(shown_line).replace("…", ".*"), line, re.DOTALL) is not None


def requests(count: int = 60) -> list[str]:
    """Lines of which each names something that stands nowhere else."""
    return [
        f"Jan  3 10:{n // 60:02d}:{n % 60:02d} web app[17]: GET /orders/{n * 7919:06x} by user{n}" for n in range(count)
    ]


@pytest.mark.parametrize("level", LOSSY)
def test_ordinary_rows_go_and_the_alarm_stays_verbatim(level: Level) -> None:
    form = compressed(build_log(), level)
    assert not form.lossless
    assert ALARM in form.text.split("\n")
    assert tokens.count(form.text) < 0.1 * tokens.count("\n".join(build_log()))


def test_gaps_are_noted_in_place_with_exact_lines() -> None:
    form = compressed(build_log(), Level.LIGHT)
    assert form.left_out == "lines 4-110 and 114-217 of 220"
    lines = form.text.split("\n")
    assert lines[lines.index(ALARM) - 2] == "[lines 4-110 left out: 107 x $a]"
    assert lines[lines.index(ALARM) + 2] == "[lines 114-217 left out: 104 x $a]"


def test_the_definition_says_what_is_left_out() -> None:
    text = compressed(build_log(), Level.LIGHT).text
    assert "    211 of these left out below: 2025-01-01T00:00:04Z to 2025-01-01T00:03:37Z; " in text
    assert re.search(r"; core\.\w+(?: or core\.\w+){4}; 0004 to 0217; \d ms to 9\d ms\n", text)


@pytest.mark.parametrize("level", LOSSY)
def test_shown_lines_are_those_of_the_original_and_gaps_the_rest(level: Level) -> None:
    lines = build_log()
    form = compressed(lines, level)
    kept = shown(form.text)
    assert all(agrees(line, lines[number - 1]) for number, line in kept.items())
    gone = re.findall(r"^\[lines (\d+)-(\d+) left out", form.text, re.MULTILINE)
    assert len(kept) + sum(int(last) - int(first) + 1 for first, last in gone) == 220


def test_a_range_goes_by_size_and_not_by_spelling() -> None:
    lines = [f"remote: counting the objects of the pack: {n}/700 in {n + 2}.5 ms" for n in range(5, 700)]
    assert "; ".join(("8/700 to 696/700", "10.5 ms to 698.5 ms")) in compressed(lines, Level.LIGHT).text


def test_light_keeps_what_belongs_to_a_name_and_leaves_out_when_it_was() -> None:
    form = compressed(requests(), Level.LIGHT)
    assert not form.lossless
    assert form.left_out == "the times of 54 of 60 lines"
    assert "$a = [54 of these] … web app[17]: GET {} by {}\n" in form.text
    assert f"\n$a /orders/{7 * 7919:06x} user7\n" in form.text


def test_numbers_of_processes_next_to_the_time_go_with_it() -> None:
    lines = [f"2025-01-01 10:00:{n % 60:02d} {n * 37} INFO db: row r{n}x of table t{n % 29}" for n in range(80)]
    assert re.search(r"\n\$a = \[7\d of these] … … INFO db: row {} of table {}\n", compressed(lines, Level.LIGHT).text)


def test_a_row_that_names_one_thing_only_goes_down_to_the_name_of_its_template() -> None:
    lines = [
        f"2025-01-01 10:00:{n % 60:02d} INFO cache: looked up entry e{n:04x}f"
        if n % 2
        else f"2025-01-01 10:00:{n % 60:02d} INFO http: GET /o/{n * 7919:06x} by user{n}"
        for n in range(160)
    ]
    form = compressed(lines, Level.LIGHT)
    assert form.text.count("\n$b …\n") > 70
    assert "    76 of these left out below: " in form.text


def test_from_what_to_what_something_went_is_no_repetition() -> None:
    dice = random.Random(3)
    lines = [
        f"10:00:{n:02d} INFO core.Job: {text}"
        for n in range(60)
        for text in (
            f"worker {n % 4} went from {dice.choice(('NEW1', 'RUN1'))} to {dice.choice(('RUN1', 'END1'))}",
            f"worker {n % 4} has {dice.randint(3, 99)} rows",
        )
    ]
    form = compressed(lines, Level.LIGHT)
    assert len([line for line in shown(form.text).values() if re.fullmatch(r"10:00:\d\d .* from .* to .*", line)]) == 60
    assert "the times of" not in form.left_out


def test_trouble_of_which_each_line_names_another_thing_stays_at_every_level() -> None:
    lines = [
        f"Dec 10 06:{n // 60:02d}:{n % 60:02d} host sshd[{n + 100}]: Failed password for root from 10.0.{n}.7"
        for n in range(300)
    ]
    for level in Level:
        shown = compressed(lines, level).text
        assert all(f"{n + 100} 10.0.{n}.7" in shown for n in range(300))


def test_the_same_trouble_again_is_folded_at_the_hardest_level_only() -> None:
    lines = [
        f"Dec 10 06:{n // 60:02d}:{n % 60:02d} web proxy: upstream 10.0.{n % 4}.7 timed out, answered {500 + n % 2}"
        for n in range(300)
    ]
    assert compressed(lines, Level.LIGHT).lossless
    assert compressed(lines, Level.MEDIUM).lossless
    hard = compressed(lines, Level.HARD).text
    assert tokens.count(hard) < 0.1 * tokens.count("\n".join(lines))
    assert "[300 lines]" in hard
    assert "292 of these left out below: Dec 10 06:00:04 to Dec 10 06:04:55" in hard
    assert all(f"10.0.{n % 4}.7" in hard and f"06:0{0 if n < 4 else 4}:{n % 60:02d}" in hard for n in (0, 1, 2, 3, 296))


def test_trouble_told_by_its_time_alone_stays_at_every_level() -> None:
    lines = [f"2025-12-10 06:{n // 60:02d}:{n % 60:02d} WARN pool: worker lost" for n in range(120)]
    for level in Level:
        assert all(f"06:{n // 60:02d}:{n % 60:02d}" in compressed(lines, level).text for n in range(120))


def test_hard_leaves_them_out_and_says_how_many_there_were() -> None:
    form = compressed(requests(), Level.HARD)
    assert not form.lossless
    assert "different" in form.text


@pytest.mark.parametrize("value", ["9000", "2000.5"])
def test_a_value_far_from_the_others_stays(value: str) -> None:
    lines = build_log()
    lines[60] = re.sub(r"in \d+ ms", f"in {value} ms", lines[60])
    assert f" 0061 {value} ms\n" in compressed(lines, Level.LIGHT).text


def test_a_rare_value_of_a_small_set_stays() -> None:
    lines = build_log()
    lines[77] = re.sub(r"core\.\w+", "core.gpu", lines[77])
    assert "gpu" in "\n".join(compressed(lines, Level.LIGHT).text.split("== ")[1:])


@pytest.mark.parametrize(
    "alarm",
    [
        "2025-01-01T00:01:52Z WARN  core.io compiled unit 0112 in 55 ms, warnings=3 errors=0",
        "2025-01-01T00:01:52Z INFO  core.io compiled unit 0112 in 55 ms, warnings=0 errors=2",
        "2025-01-01T00:01:52Z INFO  core.io compiled unit 0112 timed out",
        "2025-01-01T00:01:52Z INFO  java.lang.OutOfMemoryError",
    ],
)
def test_a_line_that_speaks_of_trouble_is_never_left_out(alarm: str) -> None:
    text = compressed(build_log(alarm), Level.HARD).text
    assert "0112" in text.replace("lines", "") or alarm in text


@pytest.mark.parametrize(
    "line", ["errors=0 warnings=0", '"error": null, "x": 1', "Errors: 0, Warnings: 0", "error: none", "0 failures"]
)
def test_no_errors_are_no_trouble(line: str) -> None:
    assert not is_alarm(line)


@pytest.mark.parametrize("line", ["error: no such file", "error: null pointer", "failures=2", "error: 0.5 off"])
def test_an_error_that_begins_like_none_is_trouble(line: str) -> None:
    assert is_alarm(line)


def test_many_gaps_are_counted_for_the_marker() -> None:
    lines = build_log()
    for at in range(10, 220, 40):
        lines[at] = f"2025-01-01T00:00:00Z WARN  disk {at} is nearly full"
    left_out = compressed(lines, Level.LIGHT).left_out
    assert re.fullmatch(r"\d+ of 220 lines, in \d ranges from 4-\d+ to \d+-217", left_out)


@given(
    st.lists(st.sampled_from([ALARM, "errors=0", "error: no such file", "İ failed", "E0101 x", "exit code 1", "ok"]))
)
def test_trouble_is_told_of_many_lines_as_of_each(lines: list[str]) -> None:
    assert alarms_in(lines) == [*map(is_alarm, lines)]


@st.composite
def ordinary_logs(draw: st.DrawFn) -> list[str]:
    """Logs of a few templates with measurements, and now and then an odd line."""
    templates = draw(
        st.lists(st.sampled_from(["pool size {} of {}", "tick {}", "took {} ms for {} rows", "idle"]), min_size=1)
    )
    dice = random.Random(draw(st.integers(0, 2**32)))
    odd = draw(st.lists(pieces | st.just("retry failed"), min_size=1, max_size=5))
    lines = []
    for second in range(draw(st.integers(30, 120))):
        text = dice.choice(odd) if dice.random() < 0.05 else dice.choice(templates).format(dice.randint(1, 99), second)
        lines.append(f"2025-01-01 10:{second // 20:02d}:{second % 20:02d} INFO worker of the shop: {text}")
    return lines


@settings(max_examples=100, deadline=None)
@given(ordinary_logs(), st.sampled_from(LOSSY))
def test_what_is_shown_is_true_and_what_is_left_out_is_counted(lines: list[str], level: Level) -> None:
    form = LOG.compress(Content("\n".join(lines)), level)
    if form is None or form.lossless:
        return
    kept = shown(form.text)
    assert all(agrees(line, lines[number - 1]) for number, line in kept.items())
    assert {1, 2, 3, len(lines) - 1, len(lines)} <= set(kept)
    assert {number for number, line in enumerate(lines, 1) if "failed" in line} <= set(kept)
    said = re.search(r"lines in order, (\d+) of them left out", form.text)
    assert said is not None
    assert len(kept) + int(said[1]) == len(lines)


def test_trouble_that_comes_again_keeps_its_times() -> None:
    """Which message came when is asked of trouble, and its row may be gone: its time stands with what it said."""
    lines = []
    for n in range(120):
        said = f"WARN [Send{100 + n % 2}] - worker failed" if n % 3 else f"INFO [Main] - tick {n}"
        lines.append(f"2026-03-0{1 + n // 60} 10:{n % 60:02d}:07,{n:03d} - {said}")
    text = compressed(lines, Level.HARD).text
    told = text.partition(" of these left out below: ")[2]
    assert all(line[11:23] in text for line in lines if "failed" in line)
    assert "100 at 2026-03-01 10:" in told
    assert " 2026-03-02 10:" in told
