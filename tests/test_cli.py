"""The command line: what is handed to mitmproxy, what clients are told, and that the program starts and ends."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headroom_mitm import __version__
from headroom_mitm.certificates import KEY_FILE, Authority, load
from headroom_mitm.cli import main
from headroom_mitm.commands.clients import CLIENTS, SHELLS, lines_for
from headroom_mitm.commands.mitmproxy_options import SCRIPT, arguments_for, effective, proxy_url

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("/home/user/.headroom")
OURS = ["confdir=/home/user/.headroom", "listen_host=127.0.0.1", "listen_port=8787", "upstream_cert=false"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADROOM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("further", "not_ours"),
    [
        ([], []),
        (["--listen-port", "9000"], []),
        (["-s", "mine.py", "~u example"], []),
        (["--set", "listen_port=9000"], ["listen_port"]),
        (["--set=upstream_cert=true"], ["upstream_cert"]),
        (["--flow-detail", "3", "--set", "confdir=/elsewhere"], ["confdir"]),
    ],
    ids=" ".join,
)
def test_further_arguments_are_unchanged_and_last(further: list[str], not_ours: list[str]) -> None:
    """mitmproxy refuses an option that is set twice, so ours gives way."""
    settings = [setting for setting in OURS if setting.partition("=")[0] not in not_ours]
    ours = [part for setting in settings for part in ("--set", setting)]
    assert arguments_for(further, FOLDER) == ["-s", str(SCRIPT), *ours, *further]


@pytest.mark.parametrize(
    ("further", "url"),
    [
        ([], "http://127.0.0.1:8787"),
        (["-p", "9000"], "http://127.0.0.1:9000"),
        (["--flow-detail", "3", "--listen-port=9000"], "http://127.0.0.1:9000"),
        (["--set", "listen_port=9000"], "http://127.0.0.1:9000"),
        (["--listen-host", "0.0.0.0"], "http://127.0.0.1:8787"),
        (["--listen-host", ""], "http://127.0.0.1:8787"),
        (["--listen-host", "::1"], "http://[::1]:8787"),
        (["--listen-host", "192.0.2.7"], "http://192.0.2.7:8787"),
    ],
    ids=str,
)
def test_clients_are_told_where_the_proxy_listens(tmp_path: Path, further: list[str], url: str) -> None:
    assert proxy_url(effective(arguments_for(further, tmp_path))) == url


def test_the_configuration_file_wins_over_our_defaults_and_flags_over_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("listen_port: 9000\nheadroom_hosts: [llm.example.com]\n")
    options = effective(arguments_for([], tmp_path))
    assert (options.listen_port, options.headroom_hosts) == (9000, ["llm.example.com"])
    assert effective(arguments_for(["-p", "9001"], tmp_path)).listen_port == 9001


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_is_told_the_proxy_and_whom_to_trust(client: str) -> None:
    authority = Authority(FOLDER, "CN=x", "", datetime.now(UTC), ())
    lines = lines_for(client, "sh", "http://127.0.0.1:8787", authority)
    assert lines[0] == "export HTTPS_PROXY=http://127.0.0.1:8787"
    replaces_roots = {"CODEX_CA_CERTIFICATE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
    files = dict(line.removeprefix("export ").split("=") for line in lines[1:] if "NO_PROXY" not in line)
    assert files
    for name, file in files.items():
        assert Path(file) == (authority.bundle if name in replaces_roots else authority.certificate)


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
@pytest.mark.parametrize("value", ["/home/o'neil/my $HOME/a\\b", "plain", "a b", '`x` "y" \\\''])
def test_shells_read_back_what_was_meant(shell: str, value: str) -> None:
    show = 'Write-Output "$env:NAME"' if shell == "powershell" else 'printf "%s\\n" "$NAME"'
    done = subprocess.run(
        [shell, "-c", f"{SHELLS[shell]('NAME', value)}\n{show}"], capture_output=True, text=True, check=False
    )
    assert done.stdout == f"{value}\n", done.stderr


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("sh", "export NAME='/o'\"'\"'neil/a\\b'"),
        ("fish", "set -gx NAME '/o\\'neil/a\\\\b'"),
        ("powershell", "$env:NAME = '/o''neil/a\\b'"),
    ],
)
def test_values_are_quoted_as_the_shell_wants_it(shell: str, line: str) -> None:
    assert SHELLS[shell]("NAME", "/o'neil/a\\b") == line


def test_env_prints_nothing_but_lines_to_evaluate(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env", "--client", "claude", "--shell", "sh", "--port", "9000"]) == 0
    certificate = shlex.quote(str(home / "mitmproxy-ca-cert.pem"))
    expected = f"export HTTPS_PROXY=http://127.0.0.1:9000\nexport NODE_EXTRA_CA_CERTS={certificate}\n"
    assert capsys.readouterr().out == expected


def test_env_without_a_client_has_all_of_them(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env", "--shell", "sh"]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("#")] == [
        f"# {title}" for title, _ in CLIENTS.values()
    ]
    assert "CODEX_CA_CERTIFICATE" in out


def test_ca_shows_what_there_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ca"]) == 0
    authority = load(home)
    out = capsys.readouterr().out
    for text in (str(authority.certificate), authority.fingerprint, f"{authority.not_after:%Y-%m-%d}"):
        assert text in out
    assert set(authority.permitted or ()) <= set(out.replace(",", " ").replace(";", " ").split())
    assert main(["ca", "--path"]) == 0
    assert capsys.readouterr().out == f"{authority.certificate}\n"


@pytest.mark.parametrize("host", ["llm.example.com", "*.llm.example.com", "192.0.2.7", "[2001:db8::7]"])
def test_a_host_that_came_later_is_named_until_the_authority_is_renewed(
    home: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    further = ["--set", f"headroom_hosts={host}"]
    assert main(["ca", "--path"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["ca", "--path", *further]) == 0
    assert f"cannot sign for {host.strip('[]')}." in capsys.readouterr().err
    assert main(["ca", "--renew", *further]) == 0
    assert main(["ca", "--path", *further]) == 0
    assert capsys.readouterr().err == ""
    assert load(home).uncovered([host, "api.anthropic.com"]) == []


@pytest.mark.parametrize("arguments", [[], ["porxy"], ["env", "--client", "emacs"], ["proxy", "-p", "many"]], ids=str)
def test_a_command_line_that_says_nothing_ends_with_2(home: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    "arguments", [["proxy", "--set", "headroom_hosts=http://x/"], ["ca", "--set", "listen_port=x"]]
)
def test_what_cannot_be_done_ends_with_1(home: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith("headroom-mitm: ")


def test_the_script_is_what_mitmproxy_loads(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["script"]) == 0
    assert Path(capsys.readouterr().out.strip()) == SCRIPT
    assert SCRIPT.is_file()


def test_a_folder_that_cannot_be_used_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.write_text("a file")
    assert main(["env"]) == 1
    assert str(home) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--version"], __version__),
        (["--help"], "HEADROOM_HOME"),
        (["proxy", "--help"], "mitmdump"),
        (["web", "-h"], "mitmweb"),
    ],
    ids=" ".join,
)
def test_help_and_version(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    assert text in capsys.readouterr().out


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "HEADROOM_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"}


def until_listening(process: "subprocess.Popen[str]") -> Iterator[str]:
    """Yield the lines of a mitmdump up to the one that says that it listens."""
    assert process.stdout
    for line in process.stdout:
        yield line
        if "proxy listening at" in line:
            return


@pytest.mark.e2e
@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "headroom_mitm.cli", "proxy"],
        [
            sys.executable,
            "-c",
            "from mitmproxy.tools.main import mitmdump; mitmdump()",
            "-s",
            str(ROOT / "headroom_addon.py"),
        ],
    ],
    ids=["proxy", "mitmdump"],
)
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_starts_with_the_addon_on_loopback_and_ends_cleanly(
    command: list[str], end: signal.Signals, environment: dict[str, str], tmp_path: Path
) -> None:
    confdir = [] if "-s" not in command else ["--set", f"confdir={tmp_path}", "--listen-host", "127.0.0.1"]
    with subprocess.Popen(
        [*command, *confdir, "--listen-port", "0"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines = list(until_listening(process))
        address, _, port = lines[-1].split()[-1].strip(".").rpartition(":")
        socket.create_connection((address, int(port))).close()
        process.send_signal(end)
        rest, _ = process.communicate()
    output = "".join(lines) + rest
    assert address == "127.0.0.1", output
    assert process.returncode == 0, output
    assert "rror" not in output, output


@pytest.mark.e2e
def test_lines_for_clients_stand_before_the_log(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "headroom_mitm.cli", "proxy", "--listen-port", "0"]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        lines = list(until_listening(process))
        process.terminate()
    assert lines[0] == f"# {CLIENTS['claude'][0]}\n"
    assert (tmp_path / "home" / KEY_FILE).is_file()


@pytest.mark.e2e
def test_bootstrap_works_where_nothing_is_installed(environment: dict[str, str], tmp_path: Path) -> None:
    """Without the package's own installation on the path, the checkout stands in for it."""
    program = (
        "import sys, importlib.util; "
        "sys.meta_path[:] = [finder for finder in sys.meta_path if 'editable' not in repr(finder).lower()]; "
        "assert importlib.util.find_spec('headroom_mitm') is None; "
        "from mitmproxy.addons.script import load_script; "
        f"module = load_script({str(ROOT / 'headroom_addon.py')!r}); "
        "print(module.addons[0].__class__.__module__, sys.modules['headroom_mitm.compressors'].__file__, sep=chr(10))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["headroom_mitm.plugin", str(ROOT / "compressors" / "__init__.py")], done.stderr


def test_start_says_what_it_needs(tmp_path: Path) -> None:
    """An old Python is named before anything is made."""
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    start = shutil.copy(ROOT / "scripts" / "start", scripts)
    done = subprocess.run([start], env={**os.environ, "PYTHON": str(old)}, capture_output=True, text=True, check=False)
    assert (done.returncode, "Python 3.11 or later" in done.stderr) == (1, True), done.stderr
    assert not (tmp_path / ".venv").exists()
