"""What becomes of a log: lossless rows, what may be left out at which level, and what is no log."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_lines_decoder import decode

from headroom_mitm import tokens
from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.json_records import JsonRecords
from headroom_mitm.compressors.log_frames import settled
from headroom_mitm.compressors.log_lines import LogLines
from headroom_mitm.compressors.log_merging import _Pattern
from headroom_mitm.compressors.log_templates import _groups

LOG = LogLines()
LOSSY = (Level.LIGHT, Level.MEDIUM, Level.HARD)
MODULES = ("io", "net", "db", "ui", "sql")
ALARM = "2025-01-01T00:01:52Z ERROR db.pool checkout failed after 3 attempts code=SENTINEL-9F3A-0111 pool=primary"


def build_log(alarm: str = ALARM) -> list[str]:
    dice = random.Random(4)
    lines = [
        f"2025-01-01T00:{number // 60:02d}:{number % 60:02d}Z INFO  core.{dice.choice(MODULES)} "
        f"compiled unit {number:04d} in {dice.randint(3, 99)} ms, warnings=0 errors=0"
        for number in range(1, 221)
    ]
    lines[111] = alarm
    return lines


def compressed(lines: list[str] | str, level: Level = Level.LOSSLESS) -> Compressed:
    found = LOG.compress(Content(lines if isinstance(lines, str) else "\n".join(lines)), level)
    assert found is not None
    return found


# Lossless


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_every_byte_of_the_original_can_be_rebuilt(end: str) -> None:
    text = (end.strip(" ") or "\n").join(build_log()) + end
    form = compressed(text)
    assert form.lossless
    assert decode(form.text) == text


@pytest.mark.parametrize("rate", ["{} ms/{}", "ab" * 120 + "{}{}", "/x" * 120 + "/y{}{}"], ids=["unit", "word", "path"])
def test_digits_that_are_no_values_tell_lines_apart(rate: str) -> None:
    """Behind a unit, or far inside of a long word."""
    lines = [f"{number} rows were copied to the archive at {rate.format(7, number % 3)}" for number in range(60)]
    one_by_one = [text for line in lines for text in _groups([line])]
    assert set(_groups(lines)) == set(one_by_one)
    assert len(set(one_by_one)) == 3


def test_a_repetitive_log_loses_half_of_its_tokens() -> None:
    text = "\n".join(build_log())
    assert tokens.count(compressed(text).text) < 0.5 * tokens.count(text)


def test_the_date_is_said_once_and_the_time_stays_in_the_row() -> None:
    lines = compressed(build_log()).text.split("\n")
    assert lines.count("== 2025-01-01T{}Z:") == 1
    assert any(re.fullmatch(r"\$[a-z] 00:00:01 0001 \d+ ms", line) for line in lines)


def test_in_a_busy_log_the_whole_time_is_said_once() -> None:
    lines = [f"25/06/09 20:10:{n // 50:02d} INFO disk.Cache: page {n}_7 of the index is at hand" for n in range(400)]
    form = compressed(lines)
    assert form.text.count("== 25/06/09 20:10:03:\n") == 1
    assert decode(form.text) == "\n".join(lines)


def test_a_user_without_a_digit_is_a_value_too() -> None:
    users = ["anna", "bert", "carla", "dora", "emil", "fritz", "gerda", "hans"]
    lines = [
        f"Dec 10 06:55:{n:02d} host sshd[{n + 100}]: Invalid user {users[n % 8]} from 10.0.0.{n}" for n in range(60)
    ]
    form = compressed(lines)
    assert "$a = [60 lines] {t} host sshd[{}]: Invalid user {} from {}\n" in form.text
    assert "$a 06:55:03 103 dora 10.0.0.3\n" in form.text


def test_a_number_keeps_its_unit() -> None:
    lines = [f"10:00:{n:02d} cache holds block {n} of {n / 10} KB in memory for now" for n in range(40)]
    form = compressed(lines)
    assert "12 1.2 KB" in form.text
    assert decode(form.text) == "\n".join(lines)


def test_equal_lines_in_a_row_become_one_with_a_count() -> None:
    lines = [*build_log()[:20], *["still waiting for the database to come up"] * 30, "done"]
    form = compressed(lines)
    assert "[x 30]" in form.text
    assert decode(form.text) == "\n".join(lines)


def test_what_looks_like_our_notation_is_escaped() -> None:
    odd = [
        "$a = [3 lines] x",
        "$b 1 2",
        "== 2025-01-01 {}:",
        "retry [x 3]",
        "\\begin",
        "[lines 4-9 left out: 6 x $a]",
        "$a",
    ]
    text = "\n".join(build_log() + odd)
    assert decode(compressed(text).text) == text


def test_a_text_that_uses_the_slot_mark_gets_another_one() -> None:
    lines = [f'2025-01-01 00:00:{n:02d} INFO call {n} with {{}} and "{{t}}"' for n in range(40)]
    form = compressed(lines)
    assert "<*>" in form.text.split("\n", maxsplit=1)[0]
    assert decode(form.text) == "\n".join(lines)


def test_a_rare_error_stays_as_it_was_written() -> None:
    lines = [line if n % 50 else f"2025-01-01T00:09:00Z ERROR disk {n} is full" for n, line in enumerate(build_log())]
    assert "2025-01-01T00:09:00Z ERROR disk 150 is full" in compressed(lines).text.split("\n")


def test_levels_and_codes_are_counted_in_the_legend() -> None:
    legend = compressed(build_log()).text.split("\n", maxsplit=1)[0]
    assert "219 INFO, 1 ERROR" in legend
    codes = [f"src/a{n}.ts({n},3): error TS{2307 + n % 2}: Cannot find module 'm{n}'." for n in range(60)]
    assert "TS2307: 30" in compressed(codes).text.split("\n", maxsplit=1)[0]
    both = [f"call {n * 31} ended with KeyError and TimeoutError after {'a long way ' * 30}" for n in range(40)]
    assert "KeyError: 40, TimeoutError: 40" in compressed(both).text.split("\n", maxsplit=1)[0]


@pytest.mark.parametrize(
    "line", ["[{}] call {}", 'time=10:00:00 level={} msg="call {}"', '{{"level":"{}","msg":"call {}"}}']
)
def test_levels_are_known_however_they_are_written(line: str) -> None:
    lines = [line.format("info" if n % 4 else "error", n * 1009) for n in range(80)]
    assert "60 info, 20 error" in compressed(lines).text.split("\n", maxsplit=1)[0]


def test_templates_of_one_family_tell_its_size() -> None:
    assert re.search(r"= \[\d+ of 219 alike\]", compressed(build_log()).text)


def test_a_stack_trace_stays_with_its_line() -> None:
    trace = ["java.lang.IllegalStateException: no seat", "\tat a.B.c(B.java:12)", "\tat a.D.e(D.java:99)"]
    lines = build_log()
    lines[100:100] = trace
    for level in Level:
        assert "\n".join([*trace]) in compressed(lines, level).text


def test_a_time_is_said_once_for_the_rows_that_share_it() -> None:
    lines = [f"Jan  3 10:00:{n // 3:02d} web app[17]: GET /orders/{n * 7919:06x} by user{n}" for n in range(90)]
    lines[45:45] = [f"Jan  3 10:00:15 web kernel: {n} oddities" for n in range(2)]
    form = compressed(lines)
    assert '$a 10:00:01 /orders/005ccd user3\n$a " /orders/007bbc user4\n' in form.text
    assert '; " is the time of the row above;' in form.text
    assert decode(form.text) == "\n".join(lines)


def test_a_value_that_comes_twice_in_a_row_is_said_once() -> None:
    lines = [
        f"10:00:{n - 1000:02d} {n} INFO fs: deleting blk_{n * 7919} of r{n}: /data/sub{n % 41}/blk_{n * 7919} by n{n}x"
        for n in range(1000, 1060)
    ]
    form = compressed(lines)
    assert "{t} {} INFO fs: deleting {} of {}: {}{2} by {}\n" in form.text
    assert "; {1} is the first {} again;" in form.text
    assert "\n$a 10:00:03 1003 blk_7942757 r1003 /data/sub19/ n1003x\n" in form.text
    assert decode(form.text) == "\n".join(lines)
    brief = compressed(lines, Level.LIGHT).text
    assert "… … INFO fs: deleting {} of {}: {}{1} by {}\n" in brief
    assert "\n$a blk_7942757 r1003 /data/sub19/ n1003x\n" in brief
    assert "{1}" not in compressed([*lines, "what is {1} here?"]).text.split("\n")[1]


def sessions(count: int) -> list[str]:
    """Logins of three lines each, which say the same things."""
    return [
        f"Dec 10 06:{n // 30:02d}:{n % 30 * 2 + late:02d} host sshd[{n * 3 + 100}]: {text}"
        for n in range(count)
        for late, text in (
            (0, f"Invalid user u{n}x from 10.0.{n}.7"),
            (0, f"input_userauth_request: invalid user u{n}x"),
            (1, f"Connection closed by 10.0.{n}.7"),
        )
    ]


def test_lines_that_belong_together_say_what_they_share_once() -> None:
    form = compressed(sessions(60))
    assert "\n$a$b$c = $a 1 2 3 4, $b 1 2 3, $c 5 2 4\n" in form.text
    assert "\n$a$b$c 06:00:04 106 u2x 10.0.2.7 06:00:05\n" in form.text
    assert decode(form.text) == "\n".join(sessions(60))


def test_lines_that_share_nothing_are_not_joined_unless_they_have_no_values_at_all() -> None:
    dice = random.Random(5)
    lines = [
        line
        for n in range(40)
        for line in (f"begin of the batch number {n * 7919}", f"the copy took {dice.random()} s", "end", "all is well")
    ]
    text = compressed(lines).text
    assert "$a$b" not in text
    lines = [
        "25/06/09 20:10:00 INFO disk.Cache: the page is at hand",
        "25/06/09 20:10:00 INFO disk.Cache: fetched",
    ] * 40
    lines += [f"25/06/09 20:10:00 INFO disk.Cache: page {n}_7 of the index is at hand" for n in range(40)]
    form = compressed(lines)
    assert "$a$b [x 40]" in form.text
    assert decode(form.text) == "\n".join(lines)


# Terminals


def pane() -> str:
    """A captured terminal with a progress bar, and a word in colour."""
    states = [f"Receiving objects: {n:3d}% ({n * 73}/7312), {n / 10} MiB" for n in range(1, 101)]
    states[40] += ", warning: retry after a timeout"
    more = [f"\x1b[32mok\x1b[0m step {n}" for n in range(9)]
    return "\n".join(["Cloning into 'x'...", "\r".join(states) + ", done.", *more, "x\r", "done"])


def test_states_of_a_line_are_lines_where_nothing_may_be_left_out() -> None:
    form = compressed(pane())
    assert "; a line with ␍ overwrote the line before it" in form.text
    assert re.search(r"^\$a = \[\d+ lines\] ␍Receiving objects:", form.text, re.MULTILINE)
    assert decode(form.text) == pane()


@pytest.mark.parametrize("level", LOSSY)
def test_the_last_state_stays_and_those_that_speak_of_trouble(level: Level) -> None:
    form = compressed(pane(), level)
    assert form.text.startswith("[left out: 98 overwritten states of lines and 18 codes for colours]\n")
    assert "[98 states overwritten] " in form.text
    assert " warning: retry after a timeout Receiving objects: 100% (7300/7312), 10.0 MiB, done.\n" in form.text
    assert form.left_out.startswith("98 overwritten states of lines and 18 codes for colours")


def test_a_text_with_old_line_ends_keeps_its_lines() -> None:
    words = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")
    text = "\r".join(f"{words[n % 6]} {n} is the value number {n * 31} of the table" for n in range(90))
    assert settled(text) is None
    assert decode(compressed(text).text) == text


def test_a_text_that_has_our_mark_for_states_keeps_them() -> None:
    assert compressed(pane() + "\n␍\n" + "\n".join(build_log())).text.count("\r") > 90


# No gain, no log


SHAPELESS = {
    "empty": "",
    "one line": "one line",
    "blank lines": "\n" * 50,
    "short lines": "a\nb\nc\nd\ne\nf\ng\nh\ni\n",
    "a long word": "x" * 1_000_000,
    "a long line": "1 " * 500_000,
    "numbers": "\n".join(map(str, range(200))),
}


@pytest.mark.parametrize("text", SHAPELESS.values(), ids=SHAPELESS)
def test_what_has_no_shorter_form_is_left_alone(text: str) -> None:
    assert LOG.compress(Content(text), Level.LOSSLESS) is None


SOURCE = "\n".join(f"def f{n}(x):\n    return [x, {n}]\n" for n in range(30))
JSON = "[\n" + ",\n".join(f'  {{"id": {n}, "name": "n{n}"}}' for n in range(40)) + "\n]"
HTML = "<html>\n" + "\n".join(f"<p class='a'>{n}</p>" for n in range(40))
DIFF = "diff --git a/x b/x\n@@ -1,3 +1,3 @@\n" + "\n".join(f"-old {n}\n+new {n}" for n in range(30))
TABLE = "\n".join(f"| {n} | 2025-01-01 10:00:{n:02d} | open |" for n in range(30))
CSV = "\n".join(f"2014-7-{n},81,72,{n},68" for n in range(30))
JSONL = "\n".join(f'{{"id":30,"price":{1742277 + n},"name":"n{n}"}}' for n in range(40))
LOGGER = "\n".join(f'{{"level":30,"time":{1742277277687 + n},"msg":"done"}}' for n in range(40))
HITS = "\n".join(f"src/a{n}.py:{n}:    return {n}" for n in range(30))
COMMITS = "\n".join(f"commit {n:040x}\nDate:   Mon Jan 5 17:46:28 2026\n\n    Fix {n}\n" for n in range(1, 20))


@pytest.mark.parametrize("text", [SOURCE, JSON, HTML, DIFF, TABLE, HITS, COMMITS], ids=lambda text: text[:9])
def test_other_kinds_of_text_are_not_claimed(text: str) -> None:
    assert LOG.score(Content(text)) == 0


@pytest.mark.parametrize("text", [CSV, JSONL], ids=["table", "records"])
def test_tables_and_records_are_left_to_others_if_there_are_any(text: str) -> None:
    assert 0 < LOG.score(Content(text)) < 0.1 < 0.9 < LOG.score(Content("\n".join(build_log())))


def test_records_of_a_logger_are_a_log() -> None:
    assert LOG.score(Content(LOGGER)) > JsonRecords().score(Content(LOGGER))


def test_a_file_of_source_is_not_claimed_whatever_it_looks_like() -> None:
    text = "\n".join(f"item number {n}" for n in range(50))
    assert LOG.score(Content(text)) > 0
    assert LOG.score(Content(text, "Read", "/src/list.py")) == 0


# Whatever comes

# Our notation, stamps, values with and without digits, and what is not meant to be in a text.
_NOTATION = "$a;$b = ;[x 3];[x;3];==;\\\\;{};{t};<*>;[lines 1-2 left out: 2 x $a];nothing left out"
_STAMPS = "2025-01-01 10:00:01;Jan  3 10:00:02;10:00:03;081109 203615;INFO;ERROR;failed"
_VALUES = "id=17;5 KB;KB;ms;B;user;anna;0x1f;10.0.0.1:80;a:b:3;/x/y1;1;22;:;Get:4;Get:B;lib:amd64;lib2:amd64"
_ODD = ["\r", "\rx 17", "␍", "\t", "  ", "é1", "\x00", "\x01", "\ud800"]
pieces = st.sampled_from([*_NOTATION.split(";"), *_STAMPS.split(";"), *_VALUES.split(";"), *_ODD])
_templates = st.lists(pieces | st.text(max_size=6), min_size=1, max_size=8)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Lines from a few templates, some words changed, between lines of anything."""
    templates = draw(st.lists(_templates, min_size=1, max_size=4))
    dice = random.Random(draw(st.integers(0, 2**32)))
    words = draw(st.lists(pieces | st.integers(0, 99999).map(str), min_size=1, max_size=12))
    lines = []
    for _ in range(draw(st.integers(8, 60))):
        line = list(dice.choice(templates))
        for _ in range(dice.randint(0, 2)):
            line[dice.randrange(len(line))] = dice.choice(words)
        lines.append(" ".join(line))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


@settings(max_examples=200, deadline=None)
@given(texts())
def test_any_text_comes_back_or_is_left_alone(text: str) -> None:
    any_form_is_shorter = lambda sent: int(sent == text)  # noqa: E731 - so that every form is looked at
    form = LOG.compress(Content(text, count=any_form_is_shorter), Level.LOSSLESS)
    assert form is None or decode(form.text) == text


def test_words_that_change_places_make_another_line() -> None:
    """What differs in one word is found by hashes of all the rest, which must tell one order from another."""
    for number in range(50):
        one, other = f"<{number}>", f"<<{number}>>"
        rests = [_Pattern.of(("", "from", *pair, "")).around for pair in ((one, "to", other), (other, "to", one))]
        assert set(rests[0].values()).isdisjoint(rests[1].values())
