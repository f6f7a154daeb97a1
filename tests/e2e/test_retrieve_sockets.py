"""OpenAI's Responses over a WebSocket, through a real mitmdump: cheaper, and the client meets nothing of ours."""

import asyncio
import json
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp
import pytest
from answers import Answer, Call, Json, Say, Think, answer
from conversations import measurements
from provider import Provider, Received
from proxy import Mitmdump, Start

OURS = "headroom_retrieve"
TEXT_ID = re.compile(rf"{OURS}, id=([0-9a-f]{{8}})")
# Beyond ASCII on every line, so that no cut of a frame can fall between two lines by luck.
LOG = measurements(1500).replace("worker", "\u0105\u4eba\U0001f600worker")
LINES = LOG.split("\n")
PROMPTS = "wss://api.openai.com/v1/responses"
SHELL: Json = {"type": "function", "name": "shell", "strict": False, "parameters": {"type": "object", "properties": {}}}
DECLARED: Json = {
    "type": "additional_tools",
    "role": "developer",
    "tools": [{"type": "namespace", "name": "functions", "description": "", "tools": [SHELL]}],
}
QUESTION: Json = {"role": "user", "content": "How many rows failed?"}
PATIENCE = 30
T = TypeVar("T")


class Socket:
    """A client's socket: it takes an answer for one, or fails."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.previous: Json = {}
        self.shown: list[str] = []

    async def ask(self, *items: Json, **members: object) -> Json:
        """Send new items; return the answer."""
        frame = {"type": "response.create", "model": "gpt-6", "store": False, "input": list(items)}
        await self.socket.send_str(json.dumps({**frame, **self.previous, **members}, ensure_ascii=False))
        return await self.answer()

    async def answer(self) -> Json:
        """Take frames until an answer has ended; they must be numbered, and of one id."""
        events: list[Json] = []
        while not events or events[-1]["type"] not in ("response.completed", "response.failed", "error"):
            self.shown.append(await self.socket.receive_str(timeout=PATIENCE))
            events.append(json.loads(self.shown[-1]))
        if events[-1]["type"] == "response.completed":
            assert [event["sequence_number"] for event in events] == list(range(len(events)))
            assert [event["type"] for event in events].count("response.created") == 1
            assert len({event["response"]["id"] for event in events if "response" in event}) == 1
            done = [event for event in events if event["type"] == "response.output_item.done"]
            assert [event["output_index"] for event in done] == list(range(len(done)))
            assert [event["item"] for event in done] == events[-1]["response"]["output"]
            self.previous = {"previous_response_id": events[-1]["response"]["id"]}
        return events[-1]


def result(text: str, call_id: str = "call_0") -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def through(proxy: Mitmdump, work: Callable[[Socket], Awaitable[T]], url: str = PROMPTS, **headers: str) -> T:
    """Do some work with a socket through the proxy."""

    async def inside() -> T:
        context = ssl.create_default_context(cafile=str(proxy.ca))
        sent = {"authorization": "Bearer sk-test", **headers}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, proxy=proxy.url, ssl=context, headers=sent, max_msg_size=0) as socket,
        ):
            return await work(Socket(socket))

    return asyncio.run(inside())


def asking(*more: Call, call_id: str = "call_r", **arguments: str) -> Callable[[Received], Answer]:
    """Think, speak, then ask for the text whose id stands in the frame, as a model would."""

    def step(received: Received) -> Answer:
        found = TEXT_ID.search(received.raw.decode())
        assert found, "nothing was left out"
        return answer(Think("Hm."), Say("I look. "), Call(call_id, OURS, {"id": found[1], **arguments}), *more)

    return step


def said(event: Json) -> str:
    messages = [item for item in event["response"]["output"] if item["type"] == "message"]
    return "".join(part["text"] for item in messages for part in item["content"])


def outputs(received: Received) -> dict[str, str]:
    return {item["call_id"]: item["output"] for item in received.json["input"] if "output" in item}


async def begin(socket: Socket) -> None:
    """As Codex: an empty warm-up, then the tools and the question."""
    await socket.ask(generate=False)
    await socket.ask(DECLARED, QUESTION)


ASKED = answer(Call("call_0", "shell"))


def test_the_answer_goes_on_and_shows_no_trace(provider: Provider, start: Start) -> None:
    async def work(socket: Socket) -> tuple[Json, Json, str]:
        await begin(socket)
        found = await socket.ask(result(LOG)), await socket.ask({"role": "user", "content": "Sure?"})
        return *found, "".join(socket.shown)

    provider.script(ASKED, asking(lines="701-703"), answer(Think("Ah."), Say("The card.")), answer(Say("Yes.")))
    first, second, shown = through(start(), work)
    assert (said(first), said(second)) == ("I look. The card.", "Yes.")
    assert provider.refused == []
    frames = provider.received
    assert [frame.json.get("generate") for frame in frames] == [False, None, None, None, None]
    assert [tool["name"] for tool in frames[1].json["input"][0]["tools"]] == ["functions", OURS]
    assert "\n".join(LINES[700:703]) in outputs(frames[3])["call_r"]
    assert LINES[700] not in outputs(frames[2])["call_0"]
    assert "headroom" not in shown
    assert "call_r" not in shown


def test_long_texts_beyond_ascii_stay_whole(provider: Provider, start: Start) -> None:
    """mitmproxy cuts a frame that was changed into pieces, and a character in two where one falls on a cut."""
    question = {"role": "user", "content": "\u0105\u4eba\U0001f600" * 3000}

    async def work(socket: Socket) -> Json:
        await socket.ask(DECLARED, question)
        return await socket.ask(result(LOG))

    provider.script(ASKED, asking(lines="1-50"), answer(Say(question["content"])))
    assert said(through(start(), work)) == f"I look. {question['content']}"
    assert provider.received[0].json["input"][1] == question
    assert "\n".join(LINES[:50]) in outputs(provider.received[2])["call_r"]


def test_tools_at_the_top_are_declared_with_every_frame(provider: Provider, start: Start) -> None:
    """The provider does not keep those."""

    async def work(socket: Socket) -> Json:
        await socket.ask(QUESTION, tools=[SHELL])
        return await socket.ask(result(LOG), tools=[SHELL])

    provider.script(ASKED, asking(), answer(Say("The card.")))
    assert said(through(start(), work)) == "I look. The card."
    assert [[tool["name"] for tool in frame.json["tools"]] for frame in provider.received] == [["shell", OURS]] * 3
    assert provider.refused == []


def test_after_a_break_all_is_sent_again_in_the_same_bytes(provider: Provider, start: Start) -> None:
    """The client sends originals; what has left once leaves so again, and the tool is declared where it was."""

    async def before(socket: Socket) -> None:
        await begin(socket)
        await socket.ask(result(LOG))

    async def after(socket: Socket) -> Json:
        call: Json = {"type": "function_call", "call_id": "call_0", "name": "shell", "arguments": "{}"}
        return await socket.ask(DECLARED, QUESTION, call, result(LOG), {"role": "user", "content": "Go on."})

    proxy = start()
    provider.script(ASKED, answer(Say("Hm.")), asking(), answer(Say("Now I see.")))
    through(proxy, before)
    assert said(through(proxy, after)) == "I look. Now I see."
    _, opened, told, again, *_ = provider.received
    assert outputs(again)["call_0"] == outputs(told)["call_0"]
    assert again.json["input"][:2] == opened.json["input"]


def test_a_turn_with_a_call_of_the_clients_too(provider: Provider, start: Start) -> None:
    """The client gets its own call alone, and the provider what both have brought."""

    async def work(socket: Socket) -> tuple[Json, Json]:
        await begin(socket)
        return await socket.ask(result(LOG)), await socket.ask(result("three", "call_1"))

    provider.script(ASKED, asking(Call("call_1", "shell"), lines="701-703"), answer(Say("Done.")))
    both, done = through(start(), work)
    calls = [item for item in both["response"]["output"] if item["type"] == "function_call"]
    assert [item["name"] for item in calls] == ["shell"]
    assert said(done) == "Done."
    assert provider.refused == []
    assert "\n".join(LINES[700:703]) in outputs(provider.received[3])["call_r"]


def test_conversations_that_share_a_socket(provider: Provider, start: Start) -> None:
    async def work(socket: Socket) -> list[str]:
        texts = []
        for stream in ("a", "b"):
            socket.previous = {}
            await socket.ask(DECLARED, {"role": "user", "content": f"I am {stream}."}, stream_id=stream)
            texts.append(said(await socket.ask(result(LOG), stream_id=stream)))
        return texts

    provider.script(ASKED, asking(), answer(Say("One.")), ASKED, asking(), answer(Say("Two.")))
    assert through(start(), work) == ["I look. One.", "I look. Two."]
    assert [frame.json["stream_id"] for frame in provider.received] == ["a", "a", "a", "b", "b", "b"]
    assert provider.refused == []


def test_an_error_in_a_later_leg_is_seen_as_one(provider: Provider, start: Start) -> None:
    async def work(socket: Socket) -> tuple[Json, Json]:
        await begin(socket)
        failed = await socket.ask(result(LOG))
        return failed, await socket.ask(QUESTION)

    provider.script(ASKED, asking(), answer(status=503), answer(Say("Again.")))
    failed, again = through(start(), work)
    assert (failed["type"], failed["status"]) == ("error", 503)
    assert again["type"] == "error", "the provider waits for the call's output, and the client is told so"


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        (PROMPTS, ['{"type":"session.update"}', '{"type": "response.steer", "input": "response.create"}']),
        ("wss://api.openai.com/v1/realtime", ['{"type":"response.create","input":[]}', "no JSON at all \u4eba"]),
        (PROMPTS, ["no JSON at all", "", "[" * 5000, '{"type":"response.cancel","response.create":1}']),
    ],
    ids=["other types", "another socket", "no requests"],
)
def test_other_frames_pass_as_they_come(provider: Provider, start: Start, url: str, sent: list[str]) -> None:
    async def work(socket: Socket) -> list[str]:
        back = []
        for text in sent:
            await socket.socket.send_str(text)
            back.append(await socket.socket.receive_str(timeout=PATIENCE))
        await socket.socket.send_bytes(b"\x00\xff" * 5000)
        assert await socket.socket.receive_bytes(timeout=PATIENCE) == b"\x00\xff" * 5000
        return back

    provider.script()
    sent = [text for text in sent if "response.create" not in text or "realtime" in url]
    assert through(start(), work, url) == sent


@pytest.mark.parametrize(("choice", "is_changed"), [("audit", False), ("compress", True)])
def test_a_subscription_is_left_alone_unless_the_user_says_so(
    provider: Provider, start: Start, choice: str, *, is_changed: bool
) -> None:
    async def work(socket: Socket) -> None:
        await begin(socket)
        await socket.ask(result(LOG))

    provider.script(ASKED, answer(Say("Done.")))
    through(start(headroom_subscription=choice), work, "wss://chatgpt.com/backend-api/codex/responses")
    assert (outputs(provider.received[2])["call_0"] != LOG) is is_changed
    assert any(OURS.encode() in frame.raw for frame in provider.received) is is_changed


def test_a_copied_result_is_written_whole(provider: Provider, start: Start) -> None:
    """In every frame that a client may take the arguments from."""

    def copying(received: Received) -> Answer:
        return answer(Say("I keep it."), Call("call_1", "shell", {"text": outputs(received)["call_0"]}))

    async def work(socket: Socket) -> list[Json]:
        await begin(socket)
        socket.shown.clear()
        await socket.ask(result(LOG))
        return list(map(json.loads, socket.shown))

    provider.script(ASKED, copying)
    events = through(start(), work)
    (item,) = (
        event["item"] for event in events if event["type"] == "response.output_item.done" and event["output_index"]
    )
    last = events[-1]["response"]["output"][1]
    assert [json.loads(call["arguments"])["text"] == LOG for call in (item, last)] == [True, True]


def test_after_a_break_what_was_hidden_is_told_again(provider: Provider, start: Start) -> None:
    """The provider has kept nothing, and the client sends all that it was shown."""

    async def first(socket: Socket) -> Json:
        await begin(socket)
        return await socket.ask(result(LOG))

    async def second(socket: Socket) -> Json:
        call = {"type": "function_call", "call_id": "call_0", "name": "shell", "arguments": "{}"}
        items = shown["response"]["output"]
        return await socket.ask(DECLARED, QUESTION, call, result(LOG), *items, result("Sunday", "call_1"))

    both = answer(Think("Both."), Call("call_r2", OURS, {"id": "00000000"}), Call("call_1", "shell"))
    provider.script(ASKED, asking(), both, answer(Say("Done.")))
    proxy = start()
    shown = through(proxy, first)
    provider.received.clear()
    assert said(through(proxy, second)) == "Done."
    assert provider.refused == []
    told = [item.get("call_id") for item in provider.received[-1].json["input"] if item.get("type") != "reasoning"]
    assert [name for name in told if name] == [
        "call_0",
        "call_0",
        "call_r",
        "call_r",
        "call_r2",
        "call_1",
        "call_r2",
        "call_1",
    ]
