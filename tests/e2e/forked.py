"""mitmdumps that begin as copies of one process in which all modules are loaded already.

What a mitmdump computes until it listens is mostly imports, and nearly every test of this folder starts one: 0.8 s
become 0.1. A copy runs the same program with the same arguments, environment, scripts and files, in its own process.
Those of tests/e2e/test_run.py and test_mitmweb.py are started from their files.
"""

import functools
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, Any

from mitmproxy.tools import main

_COPIES = multiprocessing.get_context("forkserver")
_COPIES.set_forkserver_preload(["mitmproxy.tools.dump", "mitmproxy.tools.web", "headroom_mitm.plugin", "loaded"])


@functools.cache
def _begun() -> None:
    """Start the process that is copied. Python 3.11 does not tell it where this folder's modules are."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parent), before)))
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


class Copy:
    """What ``subprocess.Popen`` is, as far as it is used here."""

    def __init__(self, command: Sequence[object], environment: Mapping[str, str]) -> None:
        _begun()
        reads, writes = os.pipe()
        self.stdout: IO[str] | None = os.fdopen(reads, encoding="utf-8", errors="replace")
        program, *arguments = map(str, command)
        self._process = _COPIES.Process(
            target=_run, args=(Path(program).name, arguments, dict(environment), DupFd(writes))
        )
        self._process.start()
        os.close(writes)

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired("mitmdump", timeout or 0)
        return status

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def send_signal(self, number: int) -> None:
        if self._process.is_alive():
            os.kill(self.pid, number)


def _run(program: str, arguments: list[str], environment: dict[str, str], output: Any) -> None:
    written = output.detach()
    for number in (1, 2):
        os.dup2(written, number)
    os.close(written)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [program, *arguments]
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.exit(getattr(main, program)(arguments))
