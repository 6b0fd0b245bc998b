"""Puts images into the nodes of a running cluster."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.cluster.kind.engine import Engine
from tools.cluster.kind.images import staging


def load(engine: Engine, nodes: list[str], *images: str) -> None:
    """Import the images into every node's containerd, all nodes at once. Raises KindError."""
    with staging() as folder:
        archive = folder / "images.tar"
        engine.docker("save", "--output", archive, *images, what="saving images")
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(lambda node: _import(engine, node, archive), nodes))


def _import(engine: Engine, node: str, archive: Path) -> None:
    importing = ["ctr", "--namespace=k8s.io", "images", "import", "--all-platforms", "--digests", "-"]
    with archive.open("rb") as stdin:
        engine.docker("exec", "--interactive", node, *importing, what=f"loading images into {node}", stdin=stdin)
