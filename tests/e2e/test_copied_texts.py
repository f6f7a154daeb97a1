"""What the model copies of a shortened result into a call is the original before the client runs it."""

import pytest
from answers import Answer, Call, Say, answer
from client import Connect
from conversations import history, measurements, request, results_of
from provider import Provider, Received
from proxy import Start
from test_mixed_turns import blocks_of

LOG = measurements(1500)
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


def copying(received: Received) -> Answer:
    shown = results_of(received.json)["toolu_0"]
    assert "Left out here" in shown
    return answer(Say("I keep it."), Call("toolu_1", "Bash", {"command": f"cat > log <<'END'\n{shown}\nEND\n"}))


def last_line(received: Received) -> Answer:
    shown = results_of(received.json)["toolu_0"]
    return answer(Call("toolu_1", "Bash", {"command": shown.splitlines()[-1]}))


@STREAM
def test_a_copied_result_is_written_whole(provider: Provider, start: Start, connect: Connect, *, stream: bool) -> None:
    client = connect(start())
    client.post("/v1/messages", request(history()))
    provider.script(copying, answer(Say("Done.")))
    reply = client.post("/v1/messages", request(history(LOG), stream=stream))
    said, call = blocks_of(reply) if stream else reply.json["content"]  # type: ignore[misc]
    assert said["text"] == "I keep it."
    assert call["input"] == {"command": f"cat > log <<'END'\n{LOG}\nEND\n"}
    assert b"headroom" not in reply.body
    own = {"role": "assistant", "content": [said, call]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}]}
    assert client.post("/v1/messages", request([*history(LOG), own, result])).status == 200
    assert provider.refused == []


@STREAM
def test_a_note_alone_stays_as_it_is_and_is_logged(
    provider: Provider, start: Start, connect: Connect, *, stream: bool
) -> None:
    """What exactly it would stand for is not known."""
    proxy = start()
    client = connect(proxy)
    client.post("/v1/messages", request(history()))
    provider.script(last_line)
    reply = client.post("/v1/messages", request(history(LOG), stream=stream))
    (call,) = blocks_of(reply) if stream else reply.json["content"]  # type: ignore[misc]
    assert call["input"]["command"].startswith("[Left out here, not missing")
    proxy.stop()
    assert "a note of ours stands in the arguments" in proxy.log
