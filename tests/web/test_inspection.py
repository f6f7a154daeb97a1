"""What a person sees of a request: each text, what was decided of it, and how it differs from what came."""

import itertools

import pytest
from sample_conversations import ANTHROPIC, asked, body, result

from headroom_mitm.compressors import Level
from headroom_mitm.pipeline import Outcome
from headroom_mitm.segments import Digest, Prompt, Rendering
from headroom_mitm.web.inspection import LONGEST_DIFF, Inspected, Inspections, by_id, original, texts, told

LONG = "\n".join(f"row {number}" for number in range(50))


def prompt(*results: str) -> Prompt:
    turns = [asked() + result(f"c{number}", text) for number, text in enumerate(results)]
    return ANTHROPIC.read(body(list(itertools.chain.from_iterable(turns))))


def outcome(given: Prompt, *forms: str | None, level: Level = Level.LIGHT) -> Outcome:
    """Return an outcome in which texts have these forms, in their order; None for those that stay raw."""
    known = {}
    for segment, form in zip(given.segments, forms, strict=False):
        name = "too long" if form is None else "log_lines/3"
        whole = form is None or level is Level.LOSSLESS
        known[segment.key] = Rendering(
            segment.key, form, Digest(b"o" * 16), name, level, whole, 200, 200 if form is None else 80
        )
    return Outcome(given.body, given, True, {}, known, 400, 280)


def test_every_text_is_told_with_its_call_and_its_decision() -> None:
    found = "\n".join(told(outcome(prompt(LONG, "b" * 500, "short"), "row 1", None)))
    assert "tool results 401 -> 281 tokens, 30 % less" in found
    assert "3 texts, 1 of them in another form" in found
    assert "  1  log_lines/3 light, id " in found
    assert "  2  as it came (too long), 200 tokens" in found
    assert "  3  as it came, 5 characters" in found


def test_what_was_left_out_stands_against_the_original() -> None:
    lines = list(told(outcome(prompt("kept\nleft\nkept too"), "kept\nkept too")))
    assert "-left" in lines
    assert "-kept" not in lines
    assert "+kept" not in lines


def test_a_long_text_is_not_set_against_another_in_whole() -> None:
    long = "\n".join(f"row {number}" for number in range(LONGEST_DIFF + 7))
    lines = list(told(outcome(prompt(long), "none of it")))
    assert "- [7 further lines: headroom.original shows them]" in lines
    assert not any(line.startswith("+ [") for line in lines)


def test_lossless_forms_have_no_id_to_ask_by() -> None:
    found = "\n".join(told(outcome(prompt(LONG), "row", level=Level.LOSSLESS)))
    assert "log_lines/3 lossless, 200 -> 80 tokens" in found
    assert "id " not in found


def test_a_text_is_found_by_number_and_by_id() -> None:
    given = outcome(prompt("one", LONG), None, "row")
    second = texts(given)[1]
    assert second.rendering is not None
    assert by_id(given, "2") == by_id(given, second.rendering.id) == second
    assert by_id(given, "3") is None
    assert original(given, second) == LONG


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_oldest_are_forgotten_first(count: int) -> None:
    given = outcome(prompt("text"))
    held = Inspections()
    for number in range(count):
        held.note(Inspected(str(number), 0.0, given), most_bytes=2 * len(given.prompt.body))
    names = [str(number) for number in reversed(range(count))][:2]
    assert [one.name for one in held.newest()] == names
    assert [held.of(str(number)) is not None for number in range(count)] == [str(one) in names for one in range(count)]


def test_a_request_is_held_however_long_it_is() -> None:
    held = Inspections()
    held.note(Inspected("flow", 0.0, outcome(prompt("text"))), most_bytes=1)
    assert held.of("flow") is not None


def test_a_flow_is_counted_once() -> None:
    given = outcome(prompt("text"))
    held = Inspections()
    for name in ("other", *["flow"] * 5):
        held.note(Inspected(name, 0.0, given), most_bytes=2 * len(given.prompt.body))
    assert [one.name for one in held.newest()] == ["flow", "other"]
