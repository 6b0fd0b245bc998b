"""Builds Argo CD from its Go module, once per version, into the cache."""

from pathlib import Path

from tools.cluster.gobuild import Build, ensure, source
from tools.cluster.toolchain import find_go

ARGOCD_VERSION = "3.2.11"
_MODULE = "github.com/argoproj/argo-cd/v3"
_LDFLAGS = f"-s -w -X {_MODULE}/common.version={ARGOCD_VERSION}"

ARGOCD = Build("argocd", (".",), _LDFLAGS, "argocd", "Argo CD", "about 4 min")


def ensure_built() -> Path:
    """The program, built now if the cache has none. Raises BuildError, InstallError."""
    return ensure(find_go(), (ARGOCD,), "it builds programs, some minutes from an empty Go cache") / "argocd"


def manifests() -> Path:
    """Argo CD's own manifests, of the same version; read-only. Raises BuildError, InstallError."""
    return source(find_go(), ARGOCD, _MODULE) / "manifests"
