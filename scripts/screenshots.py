"""Takes the pictures in docs/ of our page, of mitmweb and of an audit, from a real mitmweb before a stand-in provider.

    .venv/bin/python scripts/screenshots.py docs

A session of an agent is played, with results as the tests' golden files have them. ``--home`` is a folder that a proxy
has had as HEADROOM_HOME: its ledger gives the page its figures. The pictures in docs/ are made after the bench's replay
(scripts/bench), so that they show whole sessions. Needs chromium.
"""

import argparse
import contextlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests")]

from answers import Json, Say, answer
from client import Client
from conversations import request
from playwright.sync_api import Browser, Page, sync_playwright
from provider import Provider
from proxy import ADDON, Mitmdump, running
from rich.progress import track

GOLDEN = ROOT / "tests" / "golden"
FLAGS = re.compile(r"# flags:[^\n]*\n")
HEIGHT = 1_900  # of the pictures, in pixels
LEAST = 1_500  # characters of a text
COMMANDS = {
    "log_lines": "kubectl logs deploy/payments",
    "json_records": "gh issue list --json number,title,state",
    "test_report": "pytest -q",
    "search_hits": "rg -n retry src",
    "file_tree": "find . -type f",
    "table_rows": "psql -c 'select * from orders'",
    "diff_hunks": "git diff main",
    "build_output": "npm run build",
}


def main() -> None:
    """Play, look, and write PNG files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--home", type=Path, help="a folder with a store, in place of an empty one")
    options = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        parser.error("chromium is not installed")
    options.folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        home = options.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = stack.enter_context(Provider().running())
        proxy, port = started(stack, home, provider)
        play(proxy, provider)
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=program, args=["--no-sandbox"])
        shoot_page(browser, proxy, options.folder)
        shoot_audit(browser, provider, Path(stack.enter_context(tempfile.TemporaryDirectory())), options.folder)
        shoot_mitmweb(browser, proxy, port, options.folder)


def started(stack: contextlib.ExitStack, home: Path, provider: Provider) -> tuple[Mitmdump, int]:
    """Return a mitmweb that runs, and the port of its own page."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    given = {"web_port": str(port), "web_open_browser": "false", "headroom_deadline": "50"}
    proxy = Mitmdump(home, home / "confdir", provider.port, (ADDON,), given, program="mitmweb")
    return stack.enter_context(running(proxy, show_log=False)), port


def play(proxy: Mitmdump, provider: Provider) -> None:
    """Send a session, request by request, as an agent does."""
    client = Client(proxy)
    messages: list[Json] = [{"role": "user", "content": "Payments fail since this morning. Find out why."}]
    steps = [(kind, text) for kind in COMMANDS for text in inputs(kind)]
    random.Random(1).shuffle(steps)
    client.post("/v1/messages", request(messages))
    for number, (kind, text) in enumerate(track(steps, "a session", transient=True)):
        call = {"type": "tool_use", "id": f"toolu_{number}", "name": "Bash", "input": {"command": COMMANDS[kind]}}
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": text}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
        provider.script(answer(Say("Let me look further.")))
        client.post("/v1/messages", request(messages))
    client.close()


def inputs(kind: str) -> list[str]:
    """Return what tools gave, of the golden files of a kind."""
    texts = (path.read_text(encoding="utf-8") for path in sorted((GOLDEN / kind).glob("*.txt")))
    bare = (FLAGS.sub("", text.partition("\n# output\n")[0], count=1) for text in texts)
    return [text for text in bare if len(text) > LEAST]


def shoot_page(browser: Browser, proxy: Mitmdump, folder: Path) -> None:
    """Take our page: light, dark, and as wide as a telephone."""
    for name, width, scheme in (("light", 1200, "light"), ("dark", 1200, "dark"), ("narrow", 400, "light")):
        page = opened(browser, f"http://127.0.0.1:{proxy.port}/", width, scheme)
        page.wait_for_selector("body[data-ready]")
        page.locator("#sessions summary").first.click()
        page.locator("#requests summary").first.click()
        changed = page.locator("#requests details details summary", has_text="light, id")
        changed.first.click()
        page.wait_for_selector("#requests .difference")
        page.screenshot(
            path=folder / f"page-{name}.png", full_page=True, clip={"x": 0, "y": 0, "width": width, "height": HEIGHT}
        )
        page.context.close()


def shoot_audit(browser: Browser, provider: Provider, home: Path, folder: Path) -> None:
    """Take the report on the same session, recorded by a mitmdump without the addon."""
    flows, report = home / "flows", home / "report.html"
    recorder = Mitmdump(home, home / "confdir", provider.port, (), {"save_stream_file": str(flows)})
    with running(recorder, show_log=False):
        play(recorder, provider)
    command = [sys.executable, "-m", "headroom_mitm.cli", "audit", str(flows), "--html", str(report)]
    subprocess.run(
        [*command, "--host", f"api.anthropic.com:{provider.port}=anthropic_messages"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    page = opened(browser, report.as_uri(), 1200, "light")
    page.screenshot(path=folder / "audit.png", full_page=True, clip={"x": 0, "y": 0, "width": 1200, "height": HEIGHT})
    page.context.close()


def shoot_mitmweb(browser: Browser, proxy: Mitmdump, port: int, folder: Path) -> None:
    """Take mitmweb with the content view of a request."""
    token = next((line.rpartition("token=")[2] for line in proxy.lines if "token=" in line), "")
    page = opened(browser, f"http://127.0.0.1:{port}/?token={token}", 1400, "light")
    page.locator("tr", has_text="/v1/messages").last.click()
    page.get_by_text("Request", exact=True).first.click()
    page.get_by_text("tool results", exact=False).first.wait_for()
    page.screenshot(path=folder / "mitmweb.png")
    page.context.close()


def opened(browser: Browser, url: str, width: int, scheme: str) -> Page:
    """Return a page that has been loaded."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(url)
    return page


if __name__ == "__main__":
    main()
