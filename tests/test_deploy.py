"""The files in docs/deploy say what the addon does: how long it takes to leave, where it listens, what it is given."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from headroom_mitm.health import MOST_SECONDS, PATH, TOLD_SECONDS
from headroom_mitm.settings import OPTIONS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "deploy"
HAPROXY = (FOLDER / "haproxy.cfg").read_text(encoding="ascii")
DOCKERFILE = (FOLDER / "Dockerfile").read_text(encoding="ascii")
PORT = 8787


def documents(name: str) -> list[dict[str, Any]]:
    with (FOLDER / name).open(encoding="utf-8") as file:
        return list(YAML(typ="safe").load_all(file))


@pytest.fixture
def pod() -> dict[str, Any]:
    deployment, _ = documents("kubernetes.yaml")
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


@pytest.fixture
def envoy_check() -> dict[str, Any]:
    (cluster,) = documents("envoy.yaml")[0]["static_resources"]["clusters"]
    (check,) = cluster["health_checks"]
    found: dict[str, Any] = check
    return found


def test_haproxy_takes_its_file() -> None:
    program = shutil.which("haproxy") or "/usr/sbin/haproxy"
    done = subprocess.run([program, "-c", "-f", FOLDER / "haproxy.cfg"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_balancers_see_in_time_that_a_worker_leaves(pod: dict[str, Any], envoy_check: dict[str, Any]) -> None:
    """A 503 counts at once for Envoy; the others want to see it as often as they say."""
    every, fall = re.search(r"inter (\d+)s fall (\d+)", HAPROXY).groups()  # type: ignore[union-attr]
    probe = pod["containers"][0]["readinessProbe"]
    seconds = {
        "haproxy": int(every) * int(fall),
        "kubernetes": probe["periodSeconds"] * probe["failureThreshold"],
        "envoy": int(envoy_check["interval"].removesuffix("s")),
        "envoy, at first": int(envoy_check["no_traffic_interval"].removesuffix("s")),
    }
    assert {name: taken for name, taken in seconds.items() if taken > TOLD_SECONDS / 2} == {}


def test_balancers_ask_where_a_worker_answers(pod: dict[str, Any], envoy_check: dict[str, Any]) -> None:
    assert f"uri {PATH} " in HAPROXY
    assert envoy_check["http_health_check"]["path"] == PATH
    assert pod["containers"][0]["readinessProbe"]["httpGet"]["path"] == PATH


def test_a_worker_is_given_the_time_to_leave(pod: dict[str, Any]) -> None:
    """It is told by the signal that has it leave, and not killed before its last answer may be over."""
    needed = TOLD_SECONDS + MOST_SECONDS
    services = documents("compose.yaml")[0]["services"]
    minutes = {name: one["stop_grace_period"] for name, one in services.items() if name.startswith("worker")}
    assert all(60 * int(time.removesuffix("m")) > needed for time in minutes.values())
    assert pod["terminationGracePeriodSeconds"] > needed
    assert "STOPSIGNAL SIGUSR1" in DOCKERFILE
    assert "kill -USR1 1" in pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][-1]


def test_all_speak_of_one_port(pod: dict[str, Any]) -> None:
    services = documents("compose.yaml")[0]["services"]
    assert services["balancer"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert pod["containers"][0]["ports"] == [{"containerPort": PORT}]
    assert documents("kubernetes.yaml")[1]["spec"]["ports"] == [{"port": PORT, "targetPort": PORT}]
    assert f"EXPOSE {PORT}" in DOCKERFILE
    assert set(re.findall(r"server w\d worker(?:\d):(\d+)", HAPROXY)) == {str(PORT)}


def test_workers_are_given_options_that_there_are(pod: dict[str, Any]) -> None:
    services = documents("compose.yaml")[0]["services"]
    told = services["worker1"]["command"] + " ".join(pod["containers"][0]["args"])
    assert set(re.findall(r"headroom_\w+(?==)", told)) == {"headroom_store"}
    assert "headroom_store" in {option.name for option in OPTIONS}


def test_the_image_is_made_of_what_the_package_needs() -> None:
    """What it copies from the checkout is there."""
    copied = re.findall(r"(?m)^COPY (.*) \S+$", DOCKERFILE)
    assert [name for line in copied for name in line.split() if not (FOLDER.parent.parent / name).exists()] == []
