"""Container images made from folders of this machine."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.cache import cache_root
from tools.cluster.kind.command import KindError, failure
from tools.cluster.kind.engine import Engine

PATH = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@contextmanager
def staging(copy_of: Path | None = None) -> Iterator[Path]:
    """A folder to make an image's root file system in, at first a copy of another."""
    base = cache_root() / "kind" / "staging"
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base) as work:
        root = Path(work) / "root"
        if copy_of:
            subprocess.run(["cp", "--archive", str(copy_of), str(root)], check=True)
        else:
            root.mkdir()
        yield root


def import_folder(engine: Engine, root: Path, tag: str, *changes: str) -> None:
    """Make an image of one layer; `changes` are Dockerfile instructions. Raises KindError."""
    options = [option for change in (PATH, *changes) for option in ("--change", change)]
    archive = ["tar", "--directory", str(root), "--create", "."]
    pipe(engine, archive, ["docker", "import", *options, "-", tag], what=f"importing the image {tag}")


def forget_others(engine: Engine, tag: str) -> None:
    """Remove the images that this one replaces: those of the same repository, and those that lost their names."""
    repository = tag.partition(":")[0]
    listed = engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}", repository, what="listing images")
    for other in set(listed.split()) - {tag}:
        with suppress(KindError):  # A node of a cluster that is up may be made of it.
            engine.docker("rmi", other, what="removing an image")
    engine.docker("image", "prune", "--force", what="removing images without names")


def pipe(engine: Engine, producer: list[str], consumer: list[str], *, what: str) -> None:
    """Run both, the output of the first being the input of the second. Raises KindError."""
    environment = engine.environment()
    with subprocess.Popen(producer, env=environment, stdout=subprocess.PIPE) as first:
        done = subprocess.run(consumer, env=environment, stdin=first.stdout, capture_output=True, check=False)
        if first.stdout:
            first.stdout.close()
    if done.returncode != 0 or first.returncode != 0:
        raise KindError(failure(what, consumer, done.returncode or first.returncode, done.stderr.decode()))


def install(root: Path, files: Mapping[str, Path], mode: int = 0o755) -> None:
    """Copy files to absolute paths below the root, following links, with this mode."""
    for path, source in files.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(mode)
