"""A real mitmdump, started as a user starts it, with a home of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

HERE = Path(__file__).resolve().parent
ADDON = HERE.parent.parent / "headroom_addon.py"
REDIRECT = HERE / "redirect.py"
PROGRAMS = Path(sys.executable).parent
LISTENING = re.compile(r"proxy.* listening at .*:(\d+)")
LAST_WORD = {"mitmdump": "listening at", "mitmweb": "Web server listening at"}
START_SECONDS = 60  # a safety net only: it is told by its own log line when it listens


class Process(Protocol):
    """What is used of a ``subprocess.Popen``."""

    pid: Any
    stdout: IO[str] | None

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...
    def send_signal(self, number: int, /) -> None: ...


Launch = Callable[[Sequence[object], Mapping[str, str]], Process]


def launched(command: Sequence[Any], environment: Mapping[str, str]) -> Process:
    """Start a program from its file."""
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@dataclass(slots=True)
class Mitmdump:
    """``start`` and ``stop`` may be called again and again: home, port and CA stay."""

    home: Path
    confdir: Path
    stand_in_port: int
    scripts: Sequence[Path] = (ADDON,)
    options: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    program: str = "mitmdump"
    """Or ``mitmweb``."""
    lines: list[str] = field(default_factory=list)
    launch: Launch = launched
    _process: "Process | None" = None
    _listening: threading.Event = field(default_factory=threading.Event)
    _reader: threading.Thread | None = None

    def start(self) -> "Mitmdump":
        """Start it, and return when it listens."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._listening.clear()
        scripts = [part for script in (*self.scripts, REDIRECT) for part in ("-s", str(script))]
        settings = {"confdir": self.confdir, "connection_strategy": "lazy", "stand_in_port": self.stand_in_port}
        options = [
            part for name, value in {**settings, **self.options}.items() for part in ("--set", f"{name}={value}")
        ]
        self._process = self.launch(
            [PROGRAMS / self.program, "--listen-host", "127.0.0.1", "-p", str(self.port), *scripts, *options],
            {
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "LANG": "C.UTF-8",
                "PYTHONUNBUFFERED": "1",
                **self.environment,
            },
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        if not self._listening.wait(START_SECONDS) or self._process.poll() is not None:
            self.stop()
            raise RuntimeError("mitmdump did not start:\n" + self.log)
        return self

    def _read(self, process: "Process") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))
            if found := LISTENING.search(line):
                self.port = int(found[1])
            if LAST_WORD[self.program] in line:
                self._listening.set()
        self._listening.set()

    def stop(self) -> None:
        """End it, and return when it is gone."""
        if self._process is None:
            return
        self._process.terminate()
        self._process.wait()
        if self._reader is not None:
            self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None

    def send_drain(self) -> None:
        """Ask it to leave."""
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR1)

    def kill(self) -> None:
        """End it with no chance to say goodbye."""
        assert self._process is not None
        self._process.kill()
        self.stop()

    def exit_status(self) -> int:
        """Wait until it ends by itself."""
        assert self._process is not None
        status = self._process.wait(START_SECONDS)
        self.stop()
        return status

    @property
    def log(self) -> str:
        """All it has printed, over all its lives."""
        return "\n".join(self.lines)

    @property
    def url(self) -> str:
        """For ``HTTPS_PROXY``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ca(self) -> Path:
        """The certificate that its clients must trust."""
        return self.confdir / "mitmproxy-ca-cert.pem"

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process is not None
        return self._process.pid

    @property
    def resident_kib(self) -> int:
        """Memory of the process, as Linux counts it."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0])

    @property
    def cpu_milliseconds(self) -> float:
        """What the process has computed so far; Linux counts it in hundredths of a second."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


Start = Callable[..., Mitmdump]
"""The fixture: ``start(addon=True, **options)``."""


@contextmanager
def running(mitmdump: Mitmdump, *, show_log: bool = True) -> Iterator[Mitmdump]:
    """Start it, and stop it at the end of the block; its log goes to standard output, which pytest shows on failure."""
    try:
        yield mitmdump.start()
    finally:
        mitmdump.stop()
        if show_log:
            print(mitmdump.log)  # noqa: T201  # for a test that failed
