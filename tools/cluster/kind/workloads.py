"""The images under test: the operator's, as users build it, and the test program's."""

import shutil
import tempfile
from pathlib import Path

from tools.cluster.kind import debian
from tools.cluster.kind.command import run
from tools.cluster.kind.engine import Engine
from tools.cluster.kind.images import forget_others, import_folder, staging
from tools.cluster.kind.keys import content_key
from tools.cluster.toolchain import find_go, go_environment
from tools.progress import Progress

OPERATOR = "servicegraph:dev"
WORKLOAD = "servicegraph-workload:dev"
_CHECKOUT = Path(__file__).parents[3]
_OPERATOR_INPUTS = ("operator", "Dockerfile", "pyproject.toml", "uv.lock", "README.md", "LICENSE")
_PYTHON = "3.11"


def ensure_operator(engine: Engine, base: str | None) -> None:
    """Tag the operator's image OPERATOR, built now if its sources have changed. Raises KindError.

    `base`: an image with Python 3.11 and pip; None for the one that `make image` takes by itself.
    """
    key = content_key(base or "", *(_CHECKOUT / name for name in _OPERATOR_INPUTS))
    tag = f"servicegraph-operator:{key}"
    if not engine.has(tag):
        settings = [f"IMAGE={tag}", *([f"BASE_IMAGE={base}", f"IMAGE_PYTHON={_PYTHON}"] if base else [])]
        with Progress("making the operator's image", "about 1 min"):
            run(
                ["make", "--directory", _CHECKOUT, "image", *settings],
                what="making the operator's image",
                environment=engine.environment(),
            )
            forget_others(engine, tag)
    engine.docker("tag", tag, OPERATOR, what="naming the operator's image")


def ensure_python(engine: Engine) -> str:
    """The tag of a base image with Debian's Python and pip, made now if the engine has none. Raises KindError."""
    tag = f"servicegraph-python:{content_key(debian.PYTHON.key, Path(__file__))}"
    if not engine.has(tag):
        with staging(copy_of=debian.ensure(debian.PYTHON)) as root:
            for unused in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
                shutil.rmtree(root / unused)
            import_folder(engine, root, tag)
            forget_others(engine, tag)
    return tag


def ensure_workload(engine: Engine) -> None:
    """Tag the test program's image WORKLOAD, built now if its sources have changed. Raises KindError, InstallError."""
    sources = _CHECKOUT / "examples" / "workload"
    go = find_go()
    code = sorted(file for file in sources.iterdir() if file.suffix in (".go", ".mod", ".sum"))
    tag = f"servicegraph-workload:{content_key(go.version, *code, sources / 'Dockerfile')}"
    if not engine.has(tag):
        with Progress("making the test program's image", "some seconds"), tempfile.TemporaryDirectory() as context:
            shutil.copy(sources / "Dockerfile", context)
            run(
                [go.program, "build", "-trimpath", "-ldflags", "-s -w", "-o", Path(context) / "workload", "."],
                what="compiling the test program",
                cwd=sources,
                environment=go_environment(),
            )
            engine.docker("build", "--tag", tag, context, what="making the test program's image")
            forget_others(engine, tag)
    engine.docker("tag", tag, WORKLOAD, what="naming the test program's image")
