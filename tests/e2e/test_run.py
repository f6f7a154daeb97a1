"""One command behind a proxy that is there for it alone: ``headroom-mitm run``."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

AGENT = Path(__file__).resolve().with_name("fake_agent.py")
OF_OTHERS = ("PROXY", "CERT", "CA_BUNDLE", "BASE_URL")
Running = subprocess.Popen[str]
Run = Callable[..., Running]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> Iterator[Run]:
    """Start ``headroom-mitm run`` with the fake agent; what is still running at the end of a test is ended."""
    started: list[Running] = []

    def start(*words: str, options: Sequence[str] = (), program: str = "run", **environment: str) -> Running:
        base = {
            name: value for name, value in os.environ.items() if not any(part in name.upper() for part in OF_OTHERS)
        }
        behind = list(options)
        if program == "run" and "--" not in options:
            behind = ["--client", "python", *options, "--", sys.executable, str(AGENT)]
        process = subprocess.Popen(
            [sys.executable, "-m", "headroom_mitm.cli", program, *behind, *words],
            env={**base, "HEADROOM_HOME": str(home), "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate()


def line_of(process: Running) -> str:
    assert process.stdout
    return process.stdout.readline().rstrip("\n")


def left_in(home: Path) -> list[str]:
    return [path.name for path in (home / "run").iterdir()]


def is_listening(proxy: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(proxy.rpartition(":")[2]))).close()
    except OSError:
        return False
    return True


def test_a_command_has_the_proxy_and_its_own_input_output_and_status(run: Run, home: Path) -> None:
    process = run("ask", "stdin", "HTTPS_PROXY", "7")
    out, err = process.communicate("typed\n")
    told, typed, proxy = out.splitlines()
    assert (told, typed, process.returncode) == (str(home), "typed", 7), err
    assert not is_listening(proxy)
    assert left_in(home) == []


def test_the_users_other_files_stay_as_they_are(run: Run, tmp_path: Path) -> None:
    user = tmp_path / "user"
    user.mkdir()
    process = run("0", HOME=str(user))
    process.communicate()
    assert process.returncode == 0
    assert list(user.iterdir()) == []


def test_commands_at_once_share_a_proxy_which_ends_with_the_last(run: Run, home: Path) -> None:
    first = run("HTTPS_PROXY", "stdin")
    proxy = line_of(first)
    second = run("HTTPS_PROXY", "stdin", "ask")
    assert line_of(second) == proxy
    first.communicate("\n")
    assert is_listening(proxy)
    out, err = second.communicate("\n")
    assert out.splitlines()[-1] == str(home), err
    assert not is_listening(proxy)


def test_other_settings_have_a_proxy_of_their_own(run: Run) -> None:
    first = run("HTTPS_PROXY", "stdin")
    proxy = line_of(first)
    second = run("HTTPS_PROXY", "ask", options=["--set", "headroom_mode=lossless"])
    assert second.communicate()[0].splitlines()[0] != proxy
    first.communicate("\n")


def test_a_proxy_that_the_user_started_is_joined_and_goes_on(run: Run, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home.mkdir(mode=0o700)
    (home / "config.yaml").write_text(f"listen_port: {port}\n")
    proxy = run(program="proxy")
    assert proxy.stdout
    assert any("listening at" in line for line in proxy.stdout)
    out, err = run("HTTPS_PROXY", "ask").communicate()
    assert out.splitlines() == [f"http://127.0.0.1:{port}", str(home)], err
    assert is_listening(f"http://127.0.0.1:{port}")


def test_a_doctor_sees_what_answers(run: Run, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    proxy = run("--listen-port", str(port), program="proxy")
    assert proxy.stdout
    assert any("listening at" in line for line in proxy.stdout)
    asked = ["--proxy-only", "--port", str(port)]
    process = run(program="doctor", options=asked)
    out, err = process.communicate()
    assert (process.returncode, "decrypts and signs" in out) == (0, True), out + err
    other = run(program="doctor", options=asked, HEADROOM_HOME=str(home.with_name("other")))
    assert (other.communicate()[0], other.returncode) == ("", 1)
    made = run(program="ca", HEADROOM_HOME=str(home.with_name("other")))
    made.communicate()
    other = run(program="doctor", options=asked, HEADROOM_HOME=str(home.with_name("other")))
    assert "signs with another authority" in other.communicate()[0]
    assert other.returncode == 1


def test_a_proxy_that_was_killed_is_forgotten(run: Run, home: Path) -> None:
    (home / "run").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    stale = f'{{"proxy": "http://127.0.0.1:{port}", "port": {port}, "word": "x", "settings": []}}'
    (home / "run" / "0.json").write_text(stale)
    out, err = run("ask").communicate()
    assert out == f"{home}\n", err
    assert left_in(home) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_command(run: Run, home: Path, number: signal.Signals) -> None:
    process = run("HTTPS_PROXY", "wait")
    proxy = line_of(process)
    assert line_of(process) == "waiting"
    process.send_signal(number)
    process.communicate()
    assert process.returncode == 40 + number
    assert not is_listening(proxy)


def test_an_interrupt_of_the_terminal_is_for_the_command_alone(run: Run) -> None:
    """It goes to all of the foreground: the proxy is not part of that, and we wait for what the command makes of it."""
    process = run("HTTPS_PROXY", "wait")
    proxy = line_of(process)
    assert line_of(process) == "waiting"
    os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 40 + signal.SIGINT
    assert not is_listening(proxy)


def test_an_end_by_a_signal_is_passed_on(run: Run) -> None:
    process = run(options=["--", "sh", "-c", "kill -KILL $$"])
    process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [(["--", "no-such-program"], 127, "not found"), (["--", str(AGENT)], 126, "denied"), ([], 1, "nothing to run")],
    ids=["unknown", "not runnable", "none"],
)
def test_what_cannot_be_run_is_said_as_a_shell_says_it(words: list[str], status: int, said: str, home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headroom_mitm.cli", "run", *words],
        env={**os.environ, "HEADROOM_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr


def test_a_proxy_that_cannot_start_says_why_and_nothing_is_run(run: Run, home: Path) -> None:
    process = run("HOME", options=["--set", "headroom_store=redis://127.0.0.1:1/no"])
    out, err = process.communicate()
    assert (out, process.returncode) == ("", 1)
    assert "headroom_store" in err
    assert left_in(home) == []


def test_what_leads_past_the_proxy_is_said_and_left_out(run: Run) -> None:
    process = run(
        "NO_PROXY", "ask", NO_PROXY="localhost.example,*.anthropic.com", ANTHROPIC_BASE_URL="https://gw.example"
    )
    out, err = process.communicate()
    assert out.splitlines()[0] == "localhost.example"
    assert "*.anthropic.com" in err
    assert "headroom_hosts=gw.example" in err


def test_authorities_that_the_user_trusts_stay_trusted(run: Run, home: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "corp.pem"
    theirs.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    process = run("REQUESTS_CA_BUNDLE", "stdin", REQUESTS_CA_BUNDLE=str(theirs))
    both = Path(line_of(process)).read_text()
    assert theirs.read_text().strip() in both
    assert (home / "mitmproxy-ca-cert.pem").read_text().splitlines()[1] in both
    process.communicate("\n")
    assert left_in(home) == []


def test_a_command_in_a_command_uses_the_same_proxy(run: Run) -> None:
    """Two proxies of ours in a row would shorten what is short already."""
    inner = f"{sys.executable} -m headroom_mitm.cli run --client python -- {sys.executable} {AGENT} HTTPS_PROXY ask"
    process = run(options=["--client", "python", "--", "sh", "-c", f"echo $HTTPS_PROXY; {inner}"])
    out, err = process.communicate()
    outer, proxy, _ = out.splitlines()
    assert outer == proxy, err


def test_a_proxy_that_the_user_has_to_go_through_is_gone_through(run: Run) -> None:
    asked: list[bytes] = []

    def refuse(server: socket.socket) -> None:
        while True:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=refuse, args=(server,), daemon=True).start()
        theirs = f"http://127.0.0.1:{server.getsockname()[1]}"
        script = "curl -s -o /dev/null --proxy $HTTPS_PROXY https://llm.invalid/; true"
        run(options=["--", "sh", "-c", script], HTTPS_PROXY=theirs).communicate()
    assert any(one.startswith(b"CONNECT llm.invalid:443") for one in asked)
