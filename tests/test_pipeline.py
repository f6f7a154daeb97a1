"""What is decided once leaves in the same bytes for ever, and what cannot be done leaves as it came."""

import json
from pathlib import Path
from typing import Any

import pytest
from sample_compressors import LARGE, PHRASE, SMALL, Grow, LossyOnly, Raise, RaiseOnSight, Shorten, rows
from sample_conversations import ANTHROPIC, TOOLS, FailingStore, Worker, asked, body, declared, offers, result, texts

from headroom_mitm import tokens
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.pipeline import Policy, Ticket
from headroom_mitm.segments import digest
from headroom_mitm.store import open_store
from headroom_mitm.wire.retelling import Round
from headroom_mitm.wording import TOOL_NAME

LOSSLESS = Policy(lossy=False)
AUDIT = Policy(change=False)
SMALL_TEXT, LARGE_TEXT = rows(SMALL), rows(LARGE)
SHORTENED = SMALL_TEXT.replace(PHRASE, "WELL")
ANOTHER = (Shorten(version=2, word="fine"),)
FIRST = asked() + result("c1", SMALL_TEXT)
SECOND = FIRST + result("c2", rows(SMALL, "again "))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def worker(path: Path) -> Worker:
    return Worker(path)


def began(worker: Worker) -> Worker:
    """Send the first request of the conversation, from which it gets the tool."""
    worker.send(asked())
    return worker


def test_a_new_result_is_rendered_and_nothing_else_changes(worker: Worker) -> None:
    """Take the rendering out again, and the tool, and the body is the one that came."""
    sent = began(worker).send(FIRST)
    assert texts(sent)["c1"] == SHORTENED
    back = sent.replace(json.dumps(SHORTENED).encode(), json.dumps(SMALL_TEXT).encode())
    *own, added = json.loads(back)["tools"]
    assert added["name"] == TOOL_NAME
    assert json.loads(back) | {"tools": own} == json.loads(body(FIRST))
    assert back.replace(b"," + json.dumps(added, separators=(",", ":")).encode(), b"") == body(FIRST)


@pytest.mark.parametrize(
    "messages",
    [
        asked(),
        asked() + result("c1", "short"),
        asked() + result("c1", "no phrase here " * 400),
        asked() + result("c1", ""),
    ],
    ids=["nothing", "short", "no compressor's", "empty"],
)
def test_without_an_edit_the_very_object_leaves(worker: Worker, messages: list[Any]) -> None:
    given = body(messages, tools=())
    outcome = worker.outcome(given)
    assert outcome.body is given
    assert not outcome.changed


def test_it_is_in_the_store_before_it_leaves(path: Path, worker: Worker) -> None:
    """Another process finds decision and original the moment ``complete`` has returned, without any close."""
    outcome = began(worker).outcome(body(asked() + result("c1", LARGE_TEXT)))
    (rendering,) = outcome.originals.values()
    other = open_store(str(path))
    assert other.recall([rendering.key]) == {rendering.key: rendering}
    assert other.recall([rendering.key])[rendering.key].about == rendering.about
    assert other.original(rendering.original) == LARGE_TEXT
    other.close()


@pytest.mark.parametrize("messages", [SECOND, FIRST, [*FIRST[:2], *FIRST[2:]]], ids=["next turn", "retry", "rebuilt"])
@pytest.mark.parametrize("again", ["same", "restarted", "second"])
def test_it_is_replayed_byte_for_byte(path: Path, worker: Worker, messages: list[Any], again: str) -> None:
    """In the same process, after a restart and by another worker, even if the compressor has changed meanwhile."""
    first = texts(began(worker).send(FIRST))["c1"]
    if again == "restarted":
        worker.store.close()
    other = worker if again == "same" else Worker(path, ANOTHER)
    assert texts(other.send(messages))["c1"] == first == SHORTENED


def test_the_past_of_a_turn_is_the_past_of_the_next(worker: Worker) -> None:
    """The bytes in front of the last message's end come again: they are what the provider's cache knows."""
    began(worker)
    history, before = asked(), b""
    for turn in range(6):
        history = history + result(f"c{turn}", rows(SMALL + 100 * turn))
        sent = worker.send(history)
        plain = sent.replace(b', "cache_control": {"type": "ephemeral"}', b"").removesuffix(b"}]}")
        assert plain.startswith(before)
        before = plain[: plain.rindex(b"}")]


def test_a_marker_for_the_cache_changes_nothing(worker: Worker) -> None:
    """Clients move it with every turn: it is no part of a decision, and the current one leaves."""
    began(worker)
    worker.send(FIRST)
    marked = json.loads(json.dumps(SECOND))
    for message in marked:
        message["content"][-1]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    assert texts(worker.send(marked))["c1"] == SHORTENED
    assert worker.send(SECOND).count(b"cache_control") == 1
    assert offers(worker.send(marked))


def test_forks_and_interleaved_conversations_agree(path: Path, worker: Worker) -> None:
    """A fork has the decisions of what it shares and makes its own; another conversation's calls are others."""
    began(worker)
    shared = texts(worker.send(FIRST))["c1"]
    changed = Worker(path, ANOTHER)
    left = changed.send(FIRST + result("left", LARGE_TEXT))
    right = worker.send(FIRST + result("right", LARGE_TEXT))
    other = changed.send(asked("Something else") + result("d1", SMALL_TEXT))
    assert texts(left)["c1"] == texts(right)["c1"] == shared
    assert texts(left)["left"] != texts(right)["right"]
    assert texts(other)["d1"] == SMALL_TEXT.replace(PHRASE, "fine")
    assert texts(worker.send(FIRST + result("left", LARGE_TEXT)))["left"] == texts(left)["left"]


def test_equal_texts_of_two_calls_are_decided_apart(path: Path, worker: Worker) -> None:
    worker.send(FIRST)
    sent = texts(Worker(path, ANOTHER).send(FIRST + result("c2", SMALL_TEXT)))
    assert sent == {"c1": SHORTENED, "c2": SMALL_TEXT.replace(PHRASE, "fine")}


def test_a_changed_text_of_a_call_is_another_text(worker: Worker) -> None:
    """A client that edits its history gets no rendering of what it has taken back."""
    worker.send(FIRST)
    edited = asked() + result("c1", rows(SMALL, "edited "))
    assert texts(worker.send(edited))["c1"] == rows(SMALL, "edited ").replace(PHRASE, "WELL")


def test_a_conversation_met_in_the_middle_keeps_its_past_raw(path: Path, worker: Worker) -> None:
    """For ever: also over a restart, and when it goes back to where an old result is the newest."""
    sent = texts(worker.send(SECOND))
    assert sent == {"c1": SMALL_TEXT, "c2": rows(SMALL, "again ").replace(PHRASE, "WELL")}
    assert texts(worker.send(FIRST))["c1"] == SMALL_TEXT
    assert texts(Worker(path).send(FIRST))["c1"] == SMALL_TEXT


def raw_by_deadline(worker: Worker) -> None:
    worker.send(FIRST, late=True)


def raw_by_audit(worker: Worker) -> None:
    given = body(FIRST)
    assert worker.outcome(given, AUDIT).body is given


def raw_by_exclusion(worker: Worker) -> None:
    worker.send(FIRST, Policy(excludes=lambda name: name == "Bash"))


def raw_by_excluded_kind(worker: Worker) -> None:
    worker.send(FIRST, Policy(excludes=lambda name: name == "shorten"))


def raw_by_exception(worker: Worker) -> None:
    Worker(worker.store, (Raise(), RaiseOnSight())).send(FIRST)


def raw_for_want_of_gain(worker: Worker) -> None:
    Worker(worker.store, (Grow(),)).send(FIRST)


@pytest.mark.parametrize(
    "left_raw",
    [raw_by_deadline, raw_by_audit, raw_by_exclusion, raw_by_excluded_kind, raw_by_exception, raw_for_want_of_gain],
    ids=lambda function: function.__name__,
)
def test_what_went_out_raw_stays_raw(path: Path, worker: Worker, left_raw: Any) -> None:
    """To render it later would break the cache. The next new result is rendered all the same."""
    began(worker)
    left_raw(worker)
    assert texts(worker.send(FIRST))["c1"] == SMALL_TEXT
    expected = {"c1": SMALL_TEXT, "c2": rows(SMALL, "again ").replace(PHRASE, "WELL")}
    assert texts(worker.send(SECOND)) == expected
    assert texts(Worker(path).send(SECOND)) == expected
    assert texts(Worker(path).send(FIRST))["c1"] == SMALL_TEXT


def test_what_is_excluded_now_is_replayed_if_it_was_rendered(worker: Worker) -> None:
    """A change of options is no reason to break a cache."""
    began(worker).send(FIRST)
    sent = worker.send(SECOND, Policy(excludes=lambda _: True))
    assert texts(sent) == {"c1": SHORTENED, "c2": rows(SMALL, "again ")}


def test_lossy_renderings_are_replayed_in_lossless_mode(worker: Worker) -> None:
    """And the tool stays with them."""
    began(worker)
    history = asked() + result("c1", LARGE_TEXT)
    before = texts(worker.send(history))["c1"]
    assert "Left out" in before
    sent = worker.send(history + result("c2", LARGE_TEXT), LOSSLESS)
    assert texts(sent) == {"c1": before, "c2": LARGE_TEXT.replace(PHRASE, "WELL")}
    assert offers(sent)


@pytest.mark.parametrize(
    ("policy", "more"),
    [
        (LOSSLESS, {}),
        (Policy(answerable=False), {}),
        (Policy(), {"tools": ()}),
        (Policy(), {"tools": (*TOOLS, {"name": TOOL_NAME, "input_schema": {}})}),
        (Policy(), {"tool_choice": {"type": "tool", "name": "Bash"}}),
        (Policy(), {"tool_choice": {"type": "none"}}),
    ],
    ids=["lossless", "unanswerable", "no tools", "name taken", "forced tool", "no tool allowed"],
)
def test_nothing_is_left_out_where_the_tool_is_not_offered(worker: Worker, policy: Policy, more: Any) -> None:
    assert worker.send(asked(), policy, **more) == body(asked(), **more)
    sent = worker.send(asked() + result("c1", LARGE_TEXT), policy, **more)
    assert texts(sent)["c1"] == LARGE_TEXT.replace(PHRASE, "WELL")
    assert declared(sent) == declared(body(asked(), **more))


def test_a_text_with_no_lossless_form_stays_raw_without_the_tool(path: Path) -> None:
    worker = Worker(path, (LossyOnly(),))
    worker.send(asked(), LOSSLESS)
    assert texts(worker.send(asked() + result("c1", LARGE_TEXT), LOSSLESS))["c1"] == LARGE_TEXT


def test_nothing_is_left_out_of_an_error(worker: Worker) -> None:
    began(worker)
    sent = worker.send(asked() + result("c1", LARGE_TEXT, is_error=True))
    assert texts(sent)["c1"] == LARGE_TEXT.replace(PHRASE, "WELL")


def test_the_tool_is_offered_from_the_first_request_on(path: Path, worker: Worker) -> None:
    """Last in the list, in the same bytes, over a restart, and whether or not there is anything to read."""
    first = worker.outcome(body(asked()))
    assert first.offered
    assert declared(first.body) == ["Bash", "Read", TOOL_NAME]
    tools = first.body[: first.body.index(b'"messages"')]
    for sender in (worker, Worker(path), Worker(path, ())):
        assert sender.send(FIRST).startswith(tools)
        assert sender.send(FIRST, LOSSLESS).startswith(tools)
        assert sender.send(SECOND, tool_choice={"type": "none"}).startswith(tools.removesuffix(b'"messages"')[:-2])


@pytest.mark.parametrize("policy", [LOSSLESS, Policy(answerable=False)], ids=["lossless", "unanswerable"])
def test_what_began_without_the_tool_never_gets_it(path: Path, worker: Worker, policy: Policy) -> None:
    worker.send(asked(), policy)
    for sender in (worker, Worker(path)):
        assert not offers(sender.send(asked()))
        assert not offers(sender.send(FIRST))


def test_a_conversation_met_in_the_middle_goes_without_the_tool_where_it_does_not_pay(
    path: Path, worker: Worker
) -> None:
    """That is decided once: not even a large text changes it later on."""
    later = FIRST + result("c2", LARGE_TEXT)
    for sender in (worker, Worker(path)):
        assert not offers(sender.send(FIRST))
        assert not offers(sender.send(later))


LONG_FRONT = {"system": "The ship is large, and so is what must be known of it. " * 3_000}
"""Some 30,000 tokens: to write them again costs more than one large text saves."""


def test_a_conversation_met_in_the_middle_gets_the_tool_where_it_pays(path: Path, worker: Worker) -> None:
    """A prefix that is too short for any cache costs nothing, so its past is looked at as well."""
    messages = asked() + result("c1", SMALL_TEXT) + result("c2", LARGE_TEXT)
    sent = worker.send(messages)
    assert offers(sent)
    assert texts(sent)["c1"] == SHORTENED
    assert "Left out here" in texts(sent)["c2"]
    for each in (worker, Worker(path)):
        assert each.send(messages) == sent


def test_to_write_a_long_prefix_again_must_pay(worker: Worker) -> None:
    messages = asked() + result("c1", SMALL_TEXT) + result("c2", LARGE_TEXT)
    sent = worker.send(messages, **LONG_FRONT)
    assert not offers(sent)
    assert texts(sent) == {"c1": SMALL_TEXT, "c2": LARGE_TEXT.replace(PHRASE, "WELL")}


def test_a_front_that_another_conversation_has_sent_with_the_tool_is_not_written_again(worker: Worker) -> None:
    """For the same account, the same model, and the very same front."""
    mine, others = Policy(account=digest(b"mine")), Policy(account=digest(b"another's"))
    worker.send(asked("Another question"), mine, **LONG_FRONT)
    offered = {}
    for number, (policy, front) in enumerate(((mine, {}), (mine, {"system": "x" * 90_000}), (others, {}))):
        messages = asked() + result(f"a{number}", SMALL_TEXT) + result(f"b{number}", LARGE_TEXT)
        offered[number] = offers(worker.send(messages, policy, **(LONG_FRONT | front)))
    assert offered == {0: True, 1: False, 2: False}


def test_a_late_weighing_decides_nothing(path: Path, worker: Worker) -> None:
    """What was sent before stays raw, and the next request may be weighed again."""
    messages = asked() + result("c1", SMALL_TEXT) + result("c2", LARGE_TEXT)
    assert worker.send(messages, late=True) == body(messages)
    later = messages + result("c3", rows(3 * LARGE, "again "))
    sent = worker.send(later)
    assert texts(sent)["c1"] == SMALL_TEXT
    assert offers(sent)
    assert Worker(path).send(later) == sent


def test_a_conversation_that_began_in_an_audit_never_gets_the_tool(worker: Worker) -> None:
    worker.send(asked(), AUDIT)
    worker.send(FIRST, AUDIT)
    assert not offers(worker.send(SECOND))


def test_a_retry_of_a_late_first_request_does_not_get_the_tool(worker: Worker) -> None:
    """The first try has left without it, and its prefix may be in the cache."""
    messages = [{"role": "user", "content": [*asked()[0]["content"]]}]
    assert not offers(worker.send(messages, late=True))
    assert not offers(worker.send(messages))
    assert not offers(worker.send(messages + result("c1", SMALL_TEXT)))


def test_a_conversation_whose_beginning_was_cut_off_keeps_the_tool(worker: Worker) -> None:
    """Its texts say how to get what was left out, so that must be possible."""
    began(worker)
    worker.send(asked() + result("c1", LARGE_TEXT))
    cut = asked("Summary of what was said before") + result("c1", LARGE_TEXT)
    sent = worker.outcome(body(cut + result("c2", "short")))
    assert offers(sent.body)
    assert [rendering.tokens_after for rendering in sent.originals.values()]


def test_originals_are_those_the_request_refers_to(worker: Worker) -> None:
    began(worker)
    history = asked() + result("c1", LARGE_TEXT) + result("c2", SMALL_TEXT)
    worker.send(history[:3])
    outcome = worker.outcome(body(history))
    ((name, rendering),) = outcome.originals.items()
    assert name == rendering.id
    assert f"id={name}]" in texts(outcome.body)["c1"]


def test_tokens_are_never_more_and_told_for_all_results(worker: Worker) -> None:
    began(worker)
    outcome = worker.outcome(body(asked() + result("c1", LARGE_TEXT)))
    after = texts(outcome.body)["c1"]
    assert outcome.tokens_before == tokens.count(LARGE_TEXT)
    assert outcome.tokens_after == tokens.count(after) < outcome.tokens_before


def test_an_audit_measures_what_would_be_saved(worker: Worker) -> None:
    outcome = worker.outcome(body(FIRST), AUDIT)
    assert outcome.tokens_after == tokens.count(SHORTENED) < outcome.tokens_before == tokens.count(SMALL_TEXT)


def test_an_audit_measures_it_as_often_as_the_text_is_sent(worker: Worker) -> None:
    """A text that had been shortened would be short in every later request, too."""
    first, second = (worker.outcome(body(history), AUDIT) for history in (FIRST, SECOND))
    saved = [one.tokens_before - one.tokens_after for one in (first, second)]
    assert saved[0] > 0
    assert saved[1] >= 2 * saved[0]
    assert second.body == body(SECOND)


def test_a_late_worker_changes_nothing_any_more(path: Path, worker: Worker) -> None:
    """The deadline has taken the ticket: what the compressor finishes afterwards is not kept."""
    began(worker)
    prompt, plan = worker.pipeline.plan(ANTHROPIC, body(FIRST), Policy())
    ticket = Ticket()
    assert ticket.take()
    assert not ticket.take()
    worker.pipeline.give_up(prompt, plan, "deadline")
    assert worker.pipeline.complete(ANTHROPIC, prompt, plan, Policy(), ticket) is None
    assert texts(worker.send(FIRST))["c1"] == SMALL_TEXT
    worker.pipeline.keep()
    assert texts(Worker(path).send(FIRST))["c1"] == SMALL_TEXT


def test_at_the_deadline_the_past_is_replayed(worker: Worker) -> None:
    began(worker).send(FIRST)
    sent = worker.send(SECOND, late=True)
    assert texts(sent) == {"c1": SHORTENED, "c2": rows(SMALL, "again ")}
    assert offers(sent)


@pytest.fixture
def cut(path: Path) -> FailingStore:
    return FailingStore(open_store(str(path)))


def test_a_store_that_was_never_there_lets_the_object_through(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    worker = Worker(tmp_path / "file" / "store.sqlite")
    for messages in (asked(), FIRST, SECOND):
        given = body(messages)
        assert worker.outcome(given).body is given


def test_while_the_store_is_away_the_past_is_replayed(path: Path, cut: FailingStore) -> None:
    """New texts go out raw meanwhile, and stay so: for this process at once, for all when the store is back."""
    worker = began(Worker(cut))
    worker.send(FIRST)
    cut.down = True
    sent = worker.send(SECOND)
    assert texts(sent) == {"c1": SHORTENED, "c2": rows(SMALL, "again ")}
    assert offers(sent)
    cut.down = False
    third = SECOND + result("c3", SMALL_TEXT)
    assert texts(worker.send(third)) == {**texts(sent), "c3": SHORTENED}
    assert texts(Worker(path).send(SECOND)) == texts(sent)


def test_a_store_that_fails_while_decisions_are_kept_leaves_them_raw(path: Path, cut: FailingStore) -> None:
    """It may have kept them nevertheless; here they stay raw, since raw is what left."""
    worker = began(Worker(cut))
    prompt, plan = worker.pipeline.plan(ANTHROPIC, body(FIRST), Policy())
    cut.mute = True
    done = worker.pipeline.complete(ANTHROPIC, prompt, plan, Policy(), Ticket())
    assert done is not None
    assert texts(done.body)["c1"] == SMALL_TEXT
    cut.mute = False
    assert texts(worker.send(SECOND))["c1"] == SMALL_TEXT


@pytest.mark.parametrize("long", [False, True], ids=["nothing to decide", "a long text"])
def test_a_conversation_that_begins_while_the_store_is_away_goes_without_the_tool(
    cut: FailingStore, long: bool
) -> None:
    worker = Worker(cut)
    beginning = asked()
    if long:  # some clients begin with results that they have made up
        beginning[0]["content"].insert(0, result("c0", SMALL_TEXT)[1]["content"][0])
    cut.down = True
    given = body(beginning)
    assert worker.outcome(given).body is given
    cut.down = False
    assert not offers(worker.send(beginning))
    sent = worker.send(beginning + result("c1", LARGE_TEXT))
    assert not offers(sent)
    assert texts(sent)["c1"] == LARGE_TEXT.replace(PHRASE, "WELL")


def test_a_store_that_fails_at_the_offer_leaves_the_tool_out(cut: FailingStore) -> None:
    worker = Worker(cut)
    prompt, plan = worker.pipeline.plan(ANTHROPIC, body(asked()), Policy())
    cut.down = True
    done = worker.pipeline.complete(ANTHROPIC, prompt, plan, Policy(), Ticket())
    assert done is not None
    assert done.body is prompt.body
    cut.down = False
    assert not offers(worker.send(asked()))


@pytest.mark.parametrize("text", ["", LARGE_TEXT], ids=["nothing to decide", "a long text"])
def test_a_conversation_that_has_begun_with_the_tool_keeps_it_while_the_store_is_away(
    cut: FailingStore, text: str
) -> None:
    worker = Worker(cut)
    assert offers(worker.send(asked()))
    cut.down = True
    assert offers(worker.send(asked() + result("c1", text)))


def test_the_tool_may_be_refused_by_an_earlier_decision(path: Path, worker: Worker) -> None:
    """Another worker was faster, and decided against it: nothing is left out then."""
    beginning = asked()
    beginning[0]["content"].insert(0, result("c0", LARGE_TEXT)[1]["content"][0])
    prompt, plan = worker.pipeline.plan(ANTHROPIC, body(beginning), Policy())
    Worker(path).store.offer(prompt.head, False)
    done = worker.pipeline.complete(ANTHROPIC, prompt, plan, Policy(), Ticket())
    assert done is not None
    assert texts(done.body)["c0"] == LARGE_TEXT
    assert not offers(done.body)


@pytest.mark.parametrize("given", [b"", b"{", b"[]", b'{"messages":1}', b'{"messages":[],"messages":[]}', b"\0"])
def test_a_body_that_is_not_exactly_known_is_refused(worker: Worker, given: bytes) -> None:
    with pytest.raises(UnreadableBody):
        worker.pipeline.plan(ANTHROPIC, given, Policy())


HIDDEN = b'{"type":"tool_use","id":"ours","name":"%s","input":{}}' % TOOL_NAME.encode()
BROUGHT = b'{"type":"tool_result","tool_use_id":"ours","content":%s}' % json.dumps(SMALL_TEXT).encode()


def mixed(worker: Worker) -> bytes:
    """Let the model call the client and us, and the client send what its own call brought."""
    began(worker)
    answered = worker.outcome(body(FIRST)).prompt
    own = json.dumps(SECOND[-2]["content"][0]).encode()
    worker.retold.keep(ANTHROPIC.name, answered, (Round((HIDDEN, own), (0,), (BROUGHT,)),))
    return worker.send(SECOND)


def test_what_was_hidden_is_put_back_beside_texts_that_are_changed(worker: Worker) -> None:
    """And it is not changed itself: the model has asked for it."""
    *_, said, given = json.loads(mixed(worker))["messages"]
    assert [block["id"] for block in said["content"]] == ["ours", "c2"]
    assert {block["tool_use_id"]: PHRASE in block["content"] for block in given["content"]} == {
        "ours": True,
        "c2": False,
    }


@pytest.mark.parametrize("policy", [AUDIT, Policy(answerable=False)], ids=["audit", "without the tool"])
def test_nothing_is_put_back_where_the_tool_is_not_declared(worker: Worker, policy: Policy) -> None:
    mixed(worker)
    sent = worker.send(SECOND, policy)
    assert b'"ours"' not in sent
    assert not offers(sent)


@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
def test_what_was_put_back_once_is_put_back_again(path: Path, worker: Worker, *, late: bool) -> None:
    """Whatever becomes of newer texts, and by every worker."""
    before = mixed(worker).replace(b', "cache_control": {"type": "ephemeral"}', b"").removesuffix(b"}]}]}")
    third = SECOND + result("c3", SMALL_TEXT)
    for each in (worker, Worker(path)):
        plain = each.send(third, late=late).replace(b', "cache_control": {"type": "ephemeral"}', b"")
        assert plain.startswith(before)
