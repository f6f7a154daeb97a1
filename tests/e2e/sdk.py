"""Runs an agent on an official SDK, as its user would: only the proxy and its CA are set."""

import os
import subprocess
import sys
from pathlib import Path

from proxy import Mitmdump

AGENTS = Path(__file__).resolve().parent / "agents"
ROOT = AGENTS.parent.parent.parent
KEYS = {"ANTHROPIC_API_KEY": "sk-ant-api03-test", "OPENAI_API_KEY": "sk-test", "GEMINI_API_KEY": "test"}
SECONDS = 120


def sdk_python() -> str:
    """The interpreter that has the SDKs, as ``scripts/test`` sets it up."""
    return os.environ.get("SDK_PYTHON") or str(ROOT / ".venv-sdk" / "bin" / "python")


def run_agent(name: str, proxy: Mitmdump, *, stream: bool, result: Path) -> str:
    """Return what the agent prints last. Every tool call is answered with the text of ``result``."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(result.parent),
        "HTTPS_PROXY": proxy.url,
        "SSL_CERT_FILE": str(proxy.ca),
        "REQUESTS_CA_BUNDLE": str(proxy.ca),
        **KEYS,
    }
    command = [sdk_python(), str(AGENTS / f"{name}.py"), "stream" if stream else "whole", str(result)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    sys.stderr.write(done.stderr)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
