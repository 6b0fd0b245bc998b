"""The wheel: the same bytes wherever and whenever it is built, nothing but the package, and programs that run."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.contract import ROOT
from tools.bootstrap import find_uv

PROGRAMS = ("servicegraph", "kubectl-servicegraph", "kubectl_complete-servicegraph")
SOURCES = ("pyproject.toml", "README.md", "LICENSE")


def uv(*arguments: str | Path) -> None:
    done = subprocess.run([find_uv(), *arguments, "--quiet"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def build(checkout: Path, umask: int, time: float) -> Path:
    """The wheel of a copy of this checkout whose files have these permissions and this age."""
    checkout.mkdir()
    for name in SOURCES:
        shutil.copyfile(ROOT / name, checkout / name)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "operator", checkout / "operator", ignore=ignored, copy_function=shutil.copyfile)
    for file in checkout.rglob("*"):
        file.chmod((0o777 if file.is_dir() else 0o666) & ~umask)
        os.utime(file, (time, time))
    uv("build", "--wheel", checkout, "--out-dir", checkout / "dist")
    (wheel,) = (checkout / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("wheels")
    return build(folder / "one", 0o022, 1.7e9), build(folder / "other", 0o077, 1.8e9)


def test_it_is_the_same_to_the_byte(wheels: tuple[Path, Path]) -> None:
    one, other = wheels
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()


def test_it_holds_the_package_and_nothing_else(wheels: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(wheels[0]).namelist()
    inside = {name.removeprefix("servicegraph/") for name in names if not name.split("/")[0].endswith(".dist-info")}
    package = ROOT / "operator" / "servicegraph"
    here = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert {name for name in inside if name and not name.endswith("/")} == {
        name for name in here if "__pycache__" not in name
    }


def test_its_programs_run(wheels: tuple[Path, Path], tmp_path: Path) -> None:
    uv("pip", "install", "--python", sys.executable, "--no-deps", "--target", tmp_path, wheels[0])
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for name in PROGRAMS:
        command = [str(tmp_path / "bin" / name), "ver" if name.startswith("kubectl_complete") else "--help"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert "verify" in done.stdout
