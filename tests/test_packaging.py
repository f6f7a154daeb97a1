"""What is built from this checkout is what a user should get, and works without the checkout."""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOT_SOURCE = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist")
RANKS_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"


@dataclass(frozen=True)
class Built:
    """A wheel and an sdist, with the names of their files."""

    wheel: zipfile.ZipFile
    sdist_names: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.wheel.namelist())

    def text(self, ending: str) -> str:
        """The one file of the wheel whose name ends so."""
        (name,) = (name for name in self.names if name.endswith(ending))
        return self.wheel.read(name).decode()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build an sdist of a copy, and a wheel of the sdist. Nothing is left in the checkout, nothing is downloaded."""
    source, dist = tmp_path_factory.mktemp("source") / "checkout", tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT, source, ignore=NOT_SOURCE)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        sdist_names = frozenset(name.partition("/")[2] for name in archive.getnames())
    return Built(zipfile.ZipFile(wheel), sdist_names)


def test_the_wheel_has_one_top_level_package(built: Built) -> None:
    """Names such as ``addon`` or ``compressors`` would meet others in site-packages."""
    tops = {name.split("/")[0] for name in built.names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"headroom_mitm"}
    assert len(tops) == 2


@pytest.mark.parametrize("folder", ["addon", "compressors"])
def test_every_source_file_is_in_wheel_and_sdist(built: Built, folder: str) -> None:
    """A new folder must be named in pyproject.toml, or it stays at home."""
    files = {str(path.relative_to(ROOT / folder)) for path in (ROOT / folder).rglob("*.py")}
    inside = "headroom_mitm/" if folder == "addon" else f"headroom_mitm/{folder}/"
    assert {inside + file for file in files} <= built.names
    assert {f"{folder}/{file}" for file in files} <= built.sdist_names


def test_the_wheel_is_typed_and_has_no_tests(built: Built) -> None:
    assert "headroom_mitm/py.typed" in built.names
    assert not [name for name in built.names if Path(name).name.startswith("test_") and "compressors" not in name]


def test_the_ranks_travel_whole(built: Built) -> None:
    packed = built.wheel.read("headroom_mitm/data/o200k_base.tiktoken.gz")
    assert hashlib.sha256(gzip.decompress(packed)).hexdigest() == RANKS_SHA256


def test_metadata_says_licence_python_and_program(built: Built) -> None:
    metadata = Parser().parsestr(built.text(".dist-info/METADATA"))
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert str(metadata.get_payload()).strip()
    assert "headroom-mitm = headroom_mitm.cli:main" in built.text(".dist-info/entry_points.txt")
    assert "MIT License" in built.text("/LICENSE")


def test_the_installed_wheel_counts_tokens_without_the_checkout(built: Built, tmp_path: Path) -> None:
    """Installed into an empty folder, the package is imported from there and finds its data and its compressors."""
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        tmp_path / "site",
    ]
    subprocess.run([*install, str(built.wheel.filename)], check=True, capture_output=True)
    script = (
        "import headroom_mitm, headroom_mitm.compressors, headroom_mitm.tokens as tokens\n"
        "print(headroom_mitm.__file__, headroom_mitm.compressors.__file__, tokens.count('two words'))\n"
    )
    run = [sys.executable, "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    package, compressors, count = done.stdout.split()
    assert Path(package).is_relative_to(tmp_path / "site")
    assert Path(compressors).is_relative_to(tmp_path / "site")
    assert count == "2"


def test_entry_point_module_is_in_the_wheel(built: Built) -> None:
    assert "headroom_mitm/cli.py" in built.names
