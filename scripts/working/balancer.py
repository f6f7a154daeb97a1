"""HAProxy or Envoy before workers on loopback, by the files in docs/deploy: only addresses and ports are ours."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from ruamel.yaml import YAML

DEPLOY = Path(__file__).resolve().parent.parent.parent / "docs" / "deploy"
PLACES = (os.environ.get("PATH", ""), "/usr/sbin")
"""Debian has HAProxy where only root looks."""


class Balancer(ABC):
    """One that runs from ``start`` to ``stop``."""

    program: str

    def __init__(self, folder: Path, port: int, workers: Sequence[int]) -> None:
        self.folder, self.port = folder, port
        self._file = folder / f"{self.program}.conf"
        self._file.write_text(self.config(workers), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def config(self, workers: Sequence[int]) -> str:
        """Return what the file in docs/deploy says, for a port and workers of this machine."""

    @abstractmethod
    def commands(self, program: str) -> tuple[list[str], list[str]]:
        """Return what checks the file, and what runs by it."""

    @abstractmethod
    def states(self) -> dict[str, str]:
        """Return what has been found of each worker: UP once a check has passed; nothing if it does not say yet."""

    def start(self) -> Self:
        """Check the file, run by it, and return when all workers take requests."""
        program = shutil.which(self.program, path=os.pathsep.join(PLACES))
        if program is None:
            raise FileNotFoundError(f"{self.program} is not installed")
        check, run = self.commands(program)
        subprocess.run(check, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.all_up():
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.program} has ended")
            threading.Event().wait(0.1)
        return self

    def all_up(self) -> bool:
        """Say whether all workers take requests."""
        return set(self.states().values()) == {"UP"}

    @property
    def cpu_milliseconds(self) -> float:
        """What it has computed."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None


class HaProxy(Balancer):
    """By haproxy.cfg."""

    program = "haproxy"

    @property
    def _socket(self) -> Path:
        return self.folder / "admin.sock"

    def config(self, workers: Sequence[int]) -> str:
        text = (DEPLOY / "haproxy.cfg").read_text(encoding="ascii")
        text, bound = re.subn(r"(?m)^(\s*)bind .*$", rf"\g<1>bind 127.0.0.1:{self.port}", text)
        text, sockets = re.subn(r"(?m)^(\s*stats socket )\S+", rf"\g<1>{self._socket}", text)
        text, servers = re.subn(r"(?m)^\s*server \S+ \S+.*$\n?", "", text)
        if not (bound == sockets == 1 and servers):
            raise ValueError("haproxy.cfg is not what it was")
        lines = [f"    server w{number} 127.0.0.1:{one}" for number, one in enumerate(workers, 1)]
        return "\n".join([text.rstrip(), *lines, ""])

    def commands(self, program: str) -> tuple[list[str], list[str]]:
        return [program, "-c", "-q", "-f", str(self._file)], [program, "-f", str(self._file)]

    def states(self) -> dict[str, str]:
        rows = [line.split(",") for line in self._said("show stat").splitlines() if line.startswith("workers,")]
        # Before the first check a worker counts as up, with no result of one.
        return {row[1]: row[17] if row[36] else "not looked at" for row in rows if row[1] != "BACKEND"}

    def _said(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(self._socket))
            except OSError:
                return ""
            connection.sendall(command.encode() + b"\n")
            pieces = []
            while piece := connection.recv(65_536):
                pieces.append(piece)
        return b"".join(pieces).decode()


class Envoy(Balancer):
    """By envoy.yaml."""

    program = "envoy"

    def config(self, workers: Sequence[int]) -> str:
        found = YAML(typ="safe").load(DEPLOY / "envoy.yaml")
        self._admin = found["admin"]["address"]["socket_address"]["port_value"] = free_port()
        (listener,), (cluster,) = (found["static_resources"][name] for name in ("listeners", "clusters"))
        listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": self.port}
        addresses = ({"socket_address": {"address": "127.0.0.1", "port_value": one}} for one in workers)
        ends = [{"endpoint": {"address": address}} for address in addresses]
        cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": ends}]
        return json.dumps(found)  # which is YAML

    def commands(self, program: str) -> tuple[list[str], list[str]]:
        by_file = ["--config-yaml", self._file.read_text(encoding="utf-8")]
        return [program, "--mode", "validate", *by_file], [program, "--use-dynamic-base-id", *by_file]

    def states(self) -> dict[str, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._admin, timeout=10)
        try:
            connection.request("GET", "/clusters?format=json")
            (cluster,) = json.loads(connection.getresponse().read())["cluster_statuses"]
        except OSError:
            return {}
        finally:
            connection.close()
        hosts = {
            one["address"]["socket_address"]["port_value"]: one["health_status"] for one in cluster["host_statuses"]
        }
        return {
            str(port): "UP" if state == {"eds_health_status": "HEALTHY"} else str(state)
            for port, state in hosts.items()
        }


BALANCERS: dict[str, type[Balancer]] = {"haproxy": HaProxy, "envoy": Envoy}


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
