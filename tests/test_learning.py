"""What the learner sees: outcomes are counted once, where they belong, and all workers choose by all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_conversations import ANTHROPIC, FailingStore, Hour

from headroom_mitm.compressors import Level
from headroom_mitm.families import family
from headroom_mitm.learning import LIVED, REFRESHED, Learner, known_names, read
from headroom_mitm.outcomes import MISSED_WITHIN
from headroom_mitm.segments import Call, Digest, Key, Prompt, Rendering
from headroom_mitm.store import Store, open_store
from headroom_mitm.store.base import TallyStore

KIND = "log_lines"
GROUP = "learn|group|Bash:kubectl logs|log_lines|large"
TURN = Digest(b"original".ljust(16))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(str(tmp_path / "store.db"))
    yield store
    store.close()


def conversation(*commands: str, name: str = "task") -> Prompt:
    """Return a request with a result for each command, each in a turn of its own."""
    messages = [f'{{"role":"user","content":"{name}"}}']
    for number, command in enumerate(commands):
        use = f'{{"type":"tool_use","id":"t{number}","name":"Bash","input":{{"command":"{command}"}}}}'
        result = f'{{"type":"tool_result","tool_use_id":"t{number}","content":"{name} {number} {"x" * 600}"}}'
        messages += [f'{{"role":"assistant","content":[{use}]}}', f'{{"role":"user","content":[{result}]}}']
    # As long as a session is when it matters: asking has all of it read again.
    body = f'{{"model":"claude-sonnet-4-5","system":"{"s" * 200_000}","tools":[],"messages":[{",".join(messages)}]}}'
    return ANTHROPIC.read(body.encode())


def shortened(prompt: Prompt, place: int = 0, level: Level = Level.LIGHT) -> dict[Key, Rendering]:
    """Return the decision that one result of a request was shortened."""
    key = prompt.segments[place].key
    return {key: Rendering(key, "short", TURN, f"{KIND}/3", level, False, 10_000, 3_000)}


def whole(prompt: Prompt) -> dict[Key, Rendering]:
    """Return the decision that the first result of a request has a lossless form."""
    key = prompt.segments[0].key
    return {key: Rendering(key, "form", TURN, f"{KIND}/3", Level.LOSSLESS, True, 10_000, 6_000)}


class CountingTallies:
    """Counts how often sums are read."""

    def __init__(self, tallies: TallyStore) -> None:
        self.reads = 0
        self._tallies = tallies
        self.add, self.names, self.forget = tallies.add, tallies.names, tallies.forget

    def read(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        self.reads += 1
        return self._tallies.read(names)


def turns(count: int, *more: str, name: str = "task") -> Prompt:
    return conversation("kubectl logs a", *(f"echo {number}" for number in range(count)), *more, name=name)


def outcomes(store: Store) -> tuple[float, float, float]:
    """Return outcomes, misses and tokens brought of the group; the kind has shown the same."""
    found, _ = read(store.tallies, GROUP)
    of_kind, _ = read(store.tallies, f"learn|kind|{KIND}")
    assert found == of_kind
    shown = found.get(Level.LIGHT)
    return (shown.outcomes, shown.misses, shown.asked) if shown else (0.0, 0.0, 0.0)


def learner(store: Store, clock: Hour | None = None) -> Learner:
    return Learner(store.tallies, clock or Hour())


def test_a_text_that_has_lived_is_a_success_once(store: Store) -> None:
    one = learner(store)
    for count in range(LIVED + 2):
        prompt = turns(count)
        one.lived(prompt, shortened(prompt))
        assert outcomes(store)[0] == (count >= LIVED)
    assert outcomes(store) == (1.0, 0.0, 0.0)


def test_after_a_restart_old_texts_are_not_counted_again(store: Store) -> None:
    """A conversation that went on for long has had its outcomes."""
    prompt = turns(LIVED + 5)
    learner(store).lived(prompt, shortened(prompt))
    assert outcomes(store) == (0.0, 0.0, 0.0)


def test_after_a_restart_a_retrieval_of_an_old_text_is_no_outcome_of_its_own(store: Store) -> None:
    """It has had one; what was asked for counts all the same."""
    before, prompt = turns(LIVED), turns(LIVED + 5)
    learner(store).lived(before, shortened(before))
    [rendering] = shortened(prompt).values()
    learner(store).asked(prompt, {"id": rendering}, "id", 900)
    assert outcomes(store) == (1.0, 0.0, 900.0)


def test_a_retrieval_is_a_miss_and_no_success_later(store: Store) -> None:
    one = learner(store)
    prompt = turns(1)
    [rendering] = shortened(prompt).values()
    one.asked(prompt, {"id": rendering}, "id", 900)
    one.asked(prompt, {"id": rendering}, "id", 100)
    later = turns(LIVED)
    one.lived(later, shortened(later))
    assert outcomes(store) == (1.0, 1.0, 1_000.0)


@pytest.mark.parametrize(("between", "missed"), [(0, True), (MISSED_WITHIN - 1, True), (MISSED_WITHIN, False)])
def test_the_same_command_again_soon_is_a_miss(store: Store, between: int, missed: bool) -> None:
    """The model went round us; much later it has other reasons."""
    prompt = turns(between, "kubectl logs a")
    learner(store).lived(prompt, shortened(prompt))
    assert outcomes(store)[:2] == ((1.0, 1.0) if missed else (0.0, 0.0))


@pytest.mark.parametrize("prompt", [turns(LIVED), turns(0, "kubectl logs a")], ids=["lived", "again"])
def test_what_was_shortened_late_is_no_outcome_of_what_came_before(store: Store, prompt: Prompt) -> None:
    """A past that is looked at again has lived already, whole; commands were repeated before anything was missing."""
    first, *rest = prompt.segments
    looked_at = replace(prompt, segments=(replace(first, epoch=b"epoch"), *rest))
    learner(store).lived(looked_at, shortened(looked_at))
    assert outcomes(store) == (0.0, 0.0, 0.0)


def test_whole_texts_are_counted_for_comparison(store: Store) -> None:
    """What they leave, and what fails right behind them; that they come again is nobody's fault."""
    one = learner(store)
    prompt = turns(0, "kubectl logs a", *["echo"] * LIVED)
    one.lived(prompt, whole(prompt))
    seen = read(store.tallies, GROUP)[0][Level.LOSSLESS]
    assert (seen.outcomes, seen.misses, seen.before, seen.after) == (1.0, 0.0, 10_000.0, 6_000.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"text": None, "compressor": "deadline"},
        {"base": Key(b"base")},
        {"before": 600},
        {"compressor": "parts/1"},
    ],
    ids=["raw", "reference", "short", "parts"],
)
def test_what_had_no_level_is_not_counted(store: Store, changes: dict[str, Any]) -> None:
    prompt = turns(LIVED)
    known = {key: replace(rendering, **changes) for key, rendering in whole(prompt).items()}
    learner(store).lived(prompt, known)
    assert store.tallies.names("learn|") == []


def test_errors_right_behind_are_counted_of_both(store: Store) -> None:
    one = learner(store)
    for name, known in (("one", shortened), ("two", whole)):
        prompt = turns(LIVED, name=name)
        first, second, *rest = prompt.segments
        failed = replace(prompt, segments=(first, replace(second, is_error=True), *rest))
        one.lived(failed, known(failed))
    assert {level: seen.errors for level, seen in read(store.tallies, GROUP)[0].items()} == {
        Level.LIGHT: 1.0,
        Level.LOSSLESS: 1.0,
    }


def test_the_store_is_asked_twice_for_a_level_and_then_remembered(store: Store) -> None:
    counting = CountingTallies(store.tallies)
    one = Learner(counting, Hour())
    retrieved(learner(store), 40)
    assert level(one, 1) is Level.LOSSLESS
    assert counting.reads == 2
    level(one, 2)
    assert counting.reads == 2


def test_another_command_is_no_miss(store: Store) -> None:
    prompt = turns(0, "kubectl logs b")
    learner(store).lived(prompt, shortened(prompt))
    assert outcomes(store) == (0.0, 0.0, 0.0)


def level(one: Learner, number: int, **pins: Level) -> Level:
    """Return the level that a new text of the group gets, in a conversation of its own."""
    prompt = turns(0, name=f"task {number}")
    return one.level(prompt, prompt.segments[0], KIND, 10_000, pins=pins)


def retrieved(one: Learner, count: int) -> None:
    for number in range(count):
        prompt = turns(0, name=f"asked {number}")
        [rendering] = shortened(prompt).values()
        one.asked(prompt, {"id": rendering}, "id", 3_000)


def lossless_share(one: Learner) -> float:
    return sum(level(one, number) is Level.LOSSLESS for number in range(60)) / 60


def test_retrievals_make_the_next_ones_less_compressed_for_every_worker(store: Store) -> None:
    clock = Hour()
    one, other = learner(store, clock), learner(store, clock)
    assert lossless_share(one) < 0.2
    assert lossless_share(other) < 0.2
    retrieved(one, 15)
    assert lossless_share(one) > 0.8
    clock.now += REFRESHED
    assert lossless_share(other) > 0.8
    assert lossless_share(learner(store, clock)) > 0.8


def test_what_nobody_asks_for_is_compressed_more(store: Store) -> None:
    """Level by level: each earns the next."""
    one = learner(store)
    means = []
    for hardness in (Level.LIGHT, Level.MEDIUM, Level.HARD):
        means.append(sum(level(one, number) for number in range(60)) / 60)
        for count in range(20):
            prompt = turns(LIVED, name=f"quiet {hardness} {count}")
            one.lived(prompt, shortened(prompt, level=hardness))
    assert means == sorted(means)
    assert means[0] < 1.2
    assert means[-1] > 1.8


def test_a_conversation_that_loses_by_asking_goes_on_lossless(store: Store) -> None:
    """Whatever others have shown."""
    one = learner(store)
    for count in range(20):
        quiet = turns(LIVED, name=f"quiet {count}")
        one.lived(quiet, shortened(quiet))
    prompt = turns(3)
    [rendering] = shortened(prompt).values()
    one.asked(prompt, {"id": replace(rendering, after=9_500)}, "id", 4_000)
    assert one.level(prompt, prompt.segments[1], KIND, 10_000) is Level.LOSSLESS
    assert level(one, 1) is not Level.LOSSLESS


@pytest.mark.parametrize("name", [KIND, "Bash", "Bash:kubectl logs"])
def test_pins_hold_by_kind_tool_and_program(store: Store, name: str) -> None:
    one = learner(store)
    retrieved(one, 15)
    assert {level(one, number, **{name: Level.HARD}) for number in range(20)} == {Level.HARD}


def test_a_store_that_is_away_changes_nothing(store: Store) -> None:
    away = FailingStore(store)
    one = Learner(away.tallies, Hour())
    known = [level(one, number) for number in range(20)]
    away.down = True
    prompt = turns(LIVED)
    one.lived(prompt, shortened(prompt))
    assert [level(one, number) for number in range(20)] == known


def test_old_blocks_go(store: Store) -> None:
    """The state of a group stays small, however long it is used."""
    one = learner(store)
    retrieved(one, 130)
    assert len(store.tallies.names(f"{GROUP}|")) <= 6
    assert known_names(store.tallies.names("learn|")) == [GROUP, f"learn|kind|{KIND}"]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (Call("1", "Read", "/home/me/secret.py"), "Read"),
        (Call("1", "Bash", "git log -p -- secret"), "Bash:git log"),
        (Call("1", "Bash", "cd /secret && pytest -x secret"), "Bash:pytest"),
        (Call("1", "Bash", "TOKEN=secret npx tsc --noEmit"), "Bash:tsc"),
        (Call("1", "Bash", "./secret.sh now"), "Bash"),
        (Call("1", "run_bash_command", "kubectl get pods -n secret"), "run_bash_command:kubectl get"),
        (Call("1", "mcp__github__list_issues", "secret"), "mcp__github__list_issues"),
    ],
)
def test_no_text_of_users_is_in_a_name(call: Call, name: str) -> None:
    assert family(call) == name
