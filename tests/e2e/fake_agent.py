"""A small client for tests: does what its arguments say, in order, and prints what came of it."""

import json
import os
import signal
import ssl
import sys
import urllib.request
from types import FrameType


def ask() -> None:
    """Ask through the proxy of the environment who it is, trusting what the environment says."""
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"https": os.environ["HTTPS_PROXY"]}), urllib.request.HTTPSHandler(context=context)
    )
    with opener.open("https://headroom.localhost/", timeout=30) as answer:
        say(json.load(answer)["home"])


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201  # its way to talk


def main() -> int:
    """Do it all; return the last number among the arguments."""
    status = 0
    for word in sys.argv[1:]:
        if word == "ask":
            ask()
        elif word == "stdin":
            say(sys.stdin.readline().rstrip("\n"))
        elif word.isdigit():
            status = int(word)
        elif word == "wait":
            wait()
        else:
            say(os.environ.get(word, "-"))
    return status


def wait() -> None:
    """Wait for a signal, and end with 40 and its number."""

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(40 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    say("waiting")
    while True:
        signal.pause()


if __name__ == "__main__":
    sys.exit(main())
