"""A real Argo CD beside an embedded control plane: no root, no containers. Python's standard library only.

with running() as cluster, argocd.running(cluster) as argo:
    argo.url("shop")        # the address of the bare repository argo.repositories / "shop.git"
"""

from tools.cluster.argocd.server import ArgoCD, running

__all__ = ["ArgoCD", "running"]
