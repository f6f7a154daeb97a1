"""The page in a real browser: it shows the figures, to everybody, without a mouse and on a narrow screen, and live."""

import dataclasses
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sample_sources import CONVERSATION, LOG, report, sources
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.ledger import Report, Session
from headroom_mitm.web.page import Sources, make_app


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


class Served:
    """The page on a port of its own; ``sources`` may be changed while it is open."""

    def __init__(self) -> None:
        self.sources = sources()
        given = Sources(self._state, self._report, self._conversations, self._levels, self.sources.inspections)
        app = make_app(given)
        self.server: BaseWSGIServer = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def _state(self) -> Mapping[str, Any]:
        return self.sources.state()

    def _report(self, since: str, until: str) -> Report:
        return self.sources.report(since, until)

    def _conversations(self, limit: int) -> Sequence[Session]:
        return self.sources.conversations(limit)

    def _levels(self) -> Iterator[tuple[str, ...]]:
        return self.sources.levels()


@pytest.fixture
def served() -> Iterator[Served]:
    one = Served()
    thread = threading.Thread(target=one.server.serve_forever)
    thread.start()
    yield one
    one.server.shutdown()
    thread.join()
    one.server.server_close()


@pytest.fixture
def opened(browser: Browser, served: Served, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page, loaded; the test fails if it complains of anything."""
    given = {"viewport": {"width": 1200, "height": 900}, **getattr(request, "param", {})}
    context = browser.new_context(**given)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(served.url)
    page.wait_for_selector("body[data-ready]")
    yield page
    context.close()
    assert [one for one in complaints if "503" not in one] == []


def open_all(page: Page) -> None:
    """Open a conversation, a request and a text of it."""
    page.click("#sessions summary")
    page.click("#requests summary")
    page.click("#requests details details summary")
    page.wait_for_selector("#requests .difference")


def test_figures_are_shown_with_what_they_are(opened: Page) -> None:
    total = report("", "").totals
    expect(opened.locator("#tiles")).to_contain_text(f"${total.saved:.2f}")
    expect(opened.locator("#tiles")).to_contain_text(f"${total.paid:.2f}")
    expect(opened.locator("#tiles")).to_contain_text("saved, estimated")
    expect(opened.locator("#tiles")).to_contain_text(f"{total.priced} of {total.requests} requests have a price")
    expect(opened.locator("#basis")).to_contain_text("19% less a session (95 %: 8% to 31%; 90 sessions against 11)")
    expect(opened.locator("#by-model")).to_contain_text("unknown")
    expect(opened.locator("#sessions")).to_contain_text("price unknown")


def test_names_are_shown_as_text(opened: Page) -> None:
    """A tool may be called whatever its author likes."""
    open_all(opened)
    assert opened.locator("img").count() == 0
    assert opened.title() == "headroom"
    expect(opened.locator("#by-tool")).to_contain_text("<img src=x")


def test_what_was_left_out_is_shown(opened: Page) -> None:
    open_all(opened)
    expect(opened.locator("#requests .note").first).to_have_text(re.compile("^Conversation [0-9a-f]{32}$"))
    assert opened.locator("#requests .minus").count() >= 290
    opened.get_by_text("As the client sent it").click()
    assert opened.locator("#requests .difference").last.text_content() == LOG


@pytest.mark.parametrize(
    "opened",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": {"width": 400, "height": 800}}],
    indirect=True,
    ids=["light", "dark", "narrow"],
)
def test_everybody_can_use_it(opened: Page) -> None:
    """No finding of axe's beyond what it calls moderate, and nothing to scroll to beside the screen."""
    open_all(opened)
    violations = Axe().run(opened).response["violations"]
    assert [one["id"] for one in violations if one["impact"] in ("serious", "critical")] == []
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_keyboard_is_enough(opened: Page) -> None:
    for _ in range(30):
        opened.keyboard.press("Tab")
        if opened.evaluate("document.activeElement.closest('#sessions') !== null"):
            break
    opened.keyboard.press("Enter")
    expect(opened.locator(f"details[data-key='{CONVERSATION}']")).to_have_attribute("open", "")
    expect(opened.locator("#sessions table").first).to_contain_text("client changed its tools")


def test_new_figures_come_by_themselves(opened: Page, served: Served) -> None:
    """What is open stays open, and focus stays where it was."""
    open_all(opened)
    opened.locator("#sessions summary").first.focus()
    old = served.sources

    def richer(since: str, until: str) -> Any:
        found = report(since, until)
        return dataclasses.replace(found, totals=dataclasses.replace(found.totals, retrieved=4_711))

    def more(limit: int) -> list[Any]:
        return [dataclasses.replace(one, client="another client") for one in old.conversations(limit)]

    served.sources = dataclasses.replace(old, report=richer, conversations=more)
    expect(opened.locator("#tiles")).to_contain_text("4,711", timeout=20_000)
    expect(opened.locator("#sessions")).to_contain_text("another client", timeout=20_000)
    expect(opened.locator(f"details[data-key='{CONVERSATION}']")).to_have_attribute("open", "")
    assert opened.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert opened.locator("#requests .difference").count() > 0


def test_a_store_that_is_away_is_said(opened: Page, served: Served) -> None:
    before = opened.locator("#tiles").text_content()

    def away(*_: str) -> Any:
        raise StoreUnavailable("gone")

    served.sources = dataclasses.replace(served.sources, report=away)
    expect(opened.locator("#problem")).to_contain_text("gone", timeout=20_000)
    assert opened.locator("#tiles").text_content() == before


@pytest.mark.parametrize(("days", "back"), [("1", 0), ("7", 6)])
def test_a_period_is_chosen(opened: Page, days: str, back: int) -> None:
    opened.select_option("#days", days)
    first = datetime.now(UTC).date() - timedelta(days=back)
    expect(opened.locator("#basis")).to_contain_text(f"{first} to ")
