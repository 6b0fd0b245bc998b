"""Where the cluster's images come from: built here, or pulled from their registries."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.cluster.kind import cilium_image, node_image, workloads
from tools.cluster.kind.command import KindError
from tools.cluster.kind.engine import Engine

CONFIG = Path(__file__).parents[3] / "config" / "kind"
VARIABLE = "SERVICEGRAPH_IMAGES"
# Of the release notes of kind 0.33.0: the image of the same minor version of Kubernetes as the one that is built.
PULLED_NODE = "kindest/node:v1.36.4@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed"


@dataclass(frozen=True, slots=True)
class Supply:
    """The image of the nodes, the values files of Cilium's chart, and the base of the operator's image (see there)."""

    node: str
    values: tuple[Path, ...]
    settings: tuple[str, ...]
    base: str | None


def pulled() -> bool:
    """Whether images are pulled: as SERVICEGRAPH_IMAGES says, else if a Docker daemon is there that can.

    Raises KindError for a value that means nothing.
    """
    chosen = os.environ.get(VARIABLE, "")
    if chosen not in ("", "built", "pulled"):
        raise KindError(f"{VARIABLE} is {chosen!r}: write built or pulled, or nothing to have it found out")
    return chosen == "pulled" or (not chosen and _can_pull())


def ensure(engine: Engine) -> Supply:
    """Everything that the nodes need, made now where it is missing. Raises KindError, BuildError, InstallError."""
    common = CONFIG / "cilium-values.yaml"
    if engine.socket is None:
        return Supply(PULLED_NODE, (common,), (), None)
    repository, tag = cilium_image.ensure(engine).split(":")
    image = f"image.override={repository}:{tag}"
    return Supply(
        node_image.ensure(engine),
        (common, CONFIG / "cilium-values-built.yaml"),
        (image, f"operator.{image}"),
        base_image(engine),
    )


def base_image(engine: Engine) -> str | None:
    """What the operator's image is built on, made now if the engine has none. Raises KindError."""
    return None if engine.socket is None else workloads.ensure_python(engine)


def _can_pull() -> bool:
    asks = (["docker", "info"], ["docker", "manifest", "inspect", PULLED_NODE])
    try:
        return all(subprocess.run(ask, capture_output=True, check=False, timeout=60).returncode == 0 for ask in asks)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
