"""All that a conversation has put into the store is known by the ID under which the ledger has it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sample_compressors import LARGE, Shorten, rows
from sample_conversations import ANTHROPIC, Json, asked, body, result, rewritten, texts

from headroom_mitm import settings
from headroom_mitm.cli import main
from headroom_mitm.errors import MissingOriginal
from headroom_mitm.ledger_entry import Asked
from headroom_mitm.pipeline import Outcome, Policy
from headroom_mitm.router import Router
from headroom_mitm.segments import Digest, digest, digest_of_text
from headroom_mitm.service import Service
from headroom_mitm.store import open_store
from headroom_mitm.wire.retelling import Round

ME = Policy(account=digest(b"my key"))
SHARED, OWN = rows(LARGE), rows(LARGE, "own ")
ROUND = Round(
    (b'{"type":"text","text":"Let me see."}', b'{"type":"tool_use","id":"t","name":"x","input":{}}'), (1,), (b"{}",)
)


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HEADROOM_HOME", str(tmp_path))
    return str(tmp_path / "store.sqlite")


def run(url: str, talk: Callable[[Service], Awaitable[None]]) -> None:
    async def inside() -> None:
        service = Service(url, Router((Shorten(),)), keys=settings.keys(url))
        try:
            await talk(service)
        finally:
            service.close()

    asyncio.run(inside())


async def send(service: Service, messages: list[Json]) -> Outcome:
    outcome = await rewritten(service, ANTHROPIC, body(messages), ME, 60)
    assert outcome is not None
    return outcome


def name_of(outcome: Outcome) -> Digest:
    """Return the ID, as the ledger makes it."""
    key = Asked(0.0, "", "", "", "", "", ME.account, outcome.prompt).key
    assert key is not None
    return key


def test_it_goes_and_others_stay(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With its hidden rounds. A text that two conversations have read stays for the other one."""
    names: list[Digest] = []

    async def talk(service: Service) -> None:
        for question, calls in (("Mine?", {"a": SHARED, "b": OWN}), ("Yours?", {"c": SHARED})):
            messages = asked(question)
            await send(service, messages)
            for call, text in calls.items():
                messages += result(call, text)
                sent = await send(service, messages)
            names.append(name_of(sent))
            service.retold.keep("anthropic_messages", sent.prompt, (ROUND,))

    run(url, talk)
    assert main(["purge", "--conversation", names[0].hex()[:12]]) == 0
    assert "Removed" in capsys.readouterr().out
    store = open_store(url, keys=settings.keys(url))
    assert list(store.holdings.conversations("")) == [names[1]]
    assert store.original(digest_of_text(SHARED)) == SHARED
    with pytest.raises(MissingOriginal):
        store.original(digest_of_text(OWN))
    store.close()
    held = Path(url).read_bytes()
    assert names[0] not in held
    assert digest_of_text(OWN) not in held


def test_the_other_conversation_goes_on_as_it_was(url: str) -> None:
    sent: list[Outcome] = []

    async def talk(service: Service) -> None:
        for question in ("Mine?", "Yours?"):
            await send(service, asked(question))
            sent.append(await send(service, asked(question) + result(question, SHARED)))

    async def go_on(service: Service) -> None:
        again = await send(service, asked("Yours?") + result("Yours?", SHARED) + result("d", OWN))
        assert texts(again.body)["Yours?"] == texts(sent[1].body)["Yours?"] != SHARED

    run(url, talk)
    assert main(["purge", "--conversation", name_of(sent[0]).hex()]) == 0
    run(url, go_on)


@pytest.mark.parametrize("wanted", ["123456789a", "000000"])
def test_a_name_that_nobody_has(url: str, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(url, lambda service: send(service, asked()))  # type: ignore[arg-type,return-value]
    assert main(["purge", "--conversation", wanted]) == 1
    assert "no conversation" in capsys.readouterr().err


@pytest.mark.parametrize("wanted", ["12345", "not hexadecimal", "*", "0" * 33])
def test_what_is_no_name_is_refused(url: str, wanted: str) -> None:
    with pytest.raises(SystemExit):
        main(["purge", "--conversation", wanted])
